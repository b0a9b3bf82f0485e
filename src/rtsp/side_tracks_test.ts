import { assert, assertEquals } from "@std/assert";
import { frameInterleaved, type RtspRequest, serializeResponse } from "./message.ts";
import { RtspHeaders } from "./headers.ts";
import { RtspParser } from "./parser.ts";
import { RtspClientSession } from "./session.ts";
import type { RtspSessionEvent } from "./session_events.ts";
import type { RtspSessionOptions } from "./session_options.ts";
import { chooseTracks } from "./track_choice.ts";
import { parseSdp } from "./sdp.ts";
import { tracksOf } from "./tracks.ts";
import { notRandom } from "./testing.ts";
import { parseRtspUrl } from "./url.ts";

const SDP = "v=0\na=control:*\nm=audio 0 RTP/AVP 0\na=sendonly\na=control:back\n" +
  "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:v\n" +
  "m=audio 0 RTP/AVP 2\na=rtpmap:2 G726-32/8000\na=control:g\n" +
  "m=audio 0 RTP/AVP 8\na=control:a\nm=audio 0 RTP/AVP 0\na=control:b\n" +
  "m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\na=control:m\n";

const asked = parseRtspUrl("rtsp://cam/live");
const codecs = ["h264"] as const;
const chosen = (text: string, beside: ("audio" | "data")[]) =>
  chooseTracks(tracksOf(parseSdp(text), { base: "rtsp://cam/live", asked, codecs }), { codecs, beside })
    ?.map(({ control }) => control.split("/").at(-1));

Deno.test("chooseTracks() takes sound that is known, metadata before anything else, and never a back channel", () => {
  assertEquals(chosen(SDP, []), ["v"]);
  assertEquals(chosen(SDP, ["audio"]), ["v", "a"]);
  assertEquals(chosen(SDP, ["data", "audio"]), ["v", "m", "a"]);
  // Sound of a codec that is not known is something that can be had as it comes.
  assertEquals(chosen(SDP.replace(/m=application[^]*/, ""), ["audio", "data"]), ["v", "a", "g"]);
  assertEquals(chosen("v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:v\n", ["audio", "data"]), ["v"]);
  assertEquals(chosen("v=0\nm=audio 0 RTP/AVP 8\n", ["audio"]), undefined);
});

type Answer = { status?: number; transport?: string } | null;

/** A session, which wants sound and metadata, against a camera that answers SETUP and PLAY as it is told. */
function played(answer: (request: RtspRequest) => Answer | undefined, options: Partial<RtspSessionOptions> = {}) {
  const requests: string[] = [], events: RtspSessionEvent[] = [], media: number[] = [];
  const session = new RtspClientSession("rtsp://cam/live", {
    ...{ random: notRandom, transport: "tcp", beside: ["audio", "data"] },
    onMedia: (channel) => media.push(channel),
    ...options,
  });
  const server = new RtspParser({
    request(request) {
      const { method, url, headers } = request;
      requests.push(`${method} ${url.split("/").at(-1)} ${headers.get("Transport") ?? ""}`.trim());
      const special = method === "SETUP" || method === "PLAY" ? answer(request) : undefined;
      if (special === null) return;
      const { status = 200, transport = headers.get("Transport") } = special ?? {};
      const fields: [string, string][] = [["CSeq", headers.get("CSeq")!], ["Session", "7"]];
      if (transport) fields.push(["Transport", transport]);
      const body = method === "DESCRIBE" ? SDP : undefined;
      session.receive(serializeResponse({ status, headers: new RtspHeaders(fields), body }), 0);
    },
    response() {},
    interleaved() {},
    fault(error) {
      throw error;
    },
  });
  const run = () => {
    for (let again = true; again;) {
      again = false;
      for (let out = session.outgoing(); out !== null; out = session.outgoing()) server.receive(out);
      for (const event of session.events()) {
        events.push(event);
        if (event.type === "udp-ports") session.udpPorts(event.track, 5000, 5001, 0), again = true;
      }
    }
  };
  session.start(0);
  run();
  const types = () => events.map(({ type }) => type).join(" ");
  return { session, requests, events, media, run, types };
}

Deno.test("RtspClientSession sets up what is wanted beside the video, each on channels of its own", () => {
  const { session, requests, media, types } = played(() => undefined);
  assertEquals(requests.slice(2), [
    "SETUP v RTP/AVP/TCP;unicast;interleaved=0-1",
    "SETUP a RTP/AVP/TCP;unicast;interleaved=2-3",
    "SETUP m RTP/AVP/TCP;unicast;interleaved=4-5",
    "PLAY live",
  ]);
  assertEquals(types(), "described setup setup setup playing");
  for (const channel of [0, 2, 5, 6]) session.receive(frameInterleaved(channel, Uint8Array.of(0x80)), 1);
  assertEquals([media, session.stats.unknownChannel], [[0, 2, 5], 1]);
});

Deno.test("RtspClientSession offers channels that the camera has not taken for something else", () => {
  const moved = played(({ url }) => url.endsWith("/v") ? { transport: "RTP/AVP/TCP;interleaved=2-3" } : undefined);
  assertEquals(moved.requests[3], "SETUP a RTP/AVP/TCP;unicast;interleaved=0-1");
  assertEquals(moved.requests[4], "SETUP m RTP/AVP/TCP;unicast;interleaved=4-5");
  const same = played(() => ({ transport: "RTP/AVP/TCP;interleaved=0-1" }));
  assertEquals(same.types(), "described setup left-out left-out playing");
});

Deno.test("RtspClientSession goes on without what the camera refuses beside the video, however it does", () => {
  const isSound = ({ url }: RtspRequest) => url.endsWith("/a");
  for (const status of [400, 401, 404, 455, 461, 500, 551]) {
    const { events, types } = played((request) => isSound(request) ? { status } : undefined);
    assertEquals(types(), "described setup left-out setup playing", `${status}`);
    const out = events.find((event) => event.type === "left-out")!;
    assert(out.type === "left-out" && out.track.audio?.codec === "pcma" && out.error.status === status);
  }
  const udp = played((request) => isSound(request) ? { status: 461 } : undefined, { transport: "auto" });
  assertEquals(udp.types(), "described udp-ports setup udp-ports left-out udp-ports setup playing");
  const silent = played((request) => isSound(request) ? null : undefined);
  assertEquals(silent.types(), "described setup");
  silent.session.tick(10_000);
  silent.run();
  assertEquals(silent.types(), "described setup left-out setup playing");
});

Deno.test("RtspClientSession asks for the video alone where a camera fails with what is beside it", () => {
  const forgets = played(({ url }) => url.endsWith("/m") ? { status: 454 } : undefined);
  const refuses = played(({ method }) => method === "PLAY" ? { status: 459 } : undefined);
  const closes = played(({ url }) => url.endsWith("/a") ? null : undefined);
  closes.session.disconnected(1);
  closes.run();
  const mute = played(({ method }) => method === "PLAY" ? null : undefined);
  mute.session.tick(10_000);
  mute.run();
  for (const { events, session } of [forgets, refuses, closes, mute]) {
    const last = events.at(-1)!;
    assert(last.type === "reconnect" && last.instead === "video-alone" && last.reason.startsWith("Cannot open rtsp:"));
    assertEquals(session.state, "ended");
  }
  // What fails before, or afterwards, has other reasons.
  const none = played(({ url }) => url.endsWith("/v") ? { status: 404 } : undefined);
  assertEquals(none.types(), "described failed");
  const lost = played(() => undefined);
  lost.session.disconnected(1);
  lost.run();
  assertEquals(lost.types(), "described setup setup setup playing failed");
});
