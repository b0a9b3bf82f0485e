import { assert, assertEquals } from "@std/assert";
import { readVideoFile } from "../../src/file/mod.ts";
import { createRing, ringBytes, SharedRingMemory } from "../../src/ring/mod.ts";
import { videoPacketizer } from "../../src/rtp/mod.ts";
import { parseRtspUrl, parseSdp, tracksOf } from "../../src/rtsp/mod.ts";
import { shortClip } from "../../tests/support/clips.ts";
import { Doorbell } from "../doorbell.ts";
import { CAMERA_COUNTERS, type CameraSettings } from "../ingest_protocol.ts";
import { WakeWish } from "../wake_wish.ts";
import { Track } from "./track.ts";

/** A track that a camera's packets can be given to, one by one. */
async function track() {
  const options = { kind: "access-units", policy: "variable", slots: 64, arenaBytes: 1 << 20 } as const;
  const ring = new SharedArrayBuffer(ringBytes(options));
  createRing(new SharedRingMemory(ring), options);
  const counters = new SharedArrayBuffer(CAMERA_COUNTERS.length * 8);
  const settings = { ring, counters, corrupt: "skip", streamId: 0 } as Partial<CameraSettings> as CameraSettings;
  const track = new Track(settings, { info: () => {}, warning: ({ message }) => assert(false, message) });
  const described = parseSdp("v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n");
  const asked = parseRtspUrl("rtsp://cam/live");
  track.begin(tracksOf(described, { base: "rtsp://cam/live", asked, codecs: ["h264"] })[0], true);
  const { units } = await readVideoFile(await shortClip());
  const packetizer = videoPacketizer("h264", { payloadType: 96, ssrc: 1, sequence: 0, mtu: 500 });
  const packets = units.map(({ data, pts }) => {
    const parts: Uint8Array[] = [];
    packetizer.packetize(data, pts * 9 / 100, (packet) => parts.push(packet.slice()));
    return parts;
  });
  const give = (parts: readonly Uint8Array[]) => {
    for (const part of parts) track.packet(part, 0, part.length, Date.now());
  };
  return { track, packets, give, keyframeBytes: units[0].data.length };
}

Deno.test("Track.gathering() lets packets gather up to less than a keyframe while all who read want keyframes alone", async () => {
  const { track: one, packets, give, keyframeBytes } = await track();
  const wish = new WakeWish();
  wish.set("keyframes");
  one.attach(1, new Doorbell().buffer, wish.buffer);
  assertEquals(one.gathering(true), 1, "nothing is known of keyframes");
  give(packets[0]);
  const bytes = one.gathering(true);
  assert(bytes > 1 && bytes < keyframeBytes, `${bytes} of ${keyframeBytes}`);
  assertEquals(one.gathering(false), 1);
  wish.set("nothing");
  assertEquals(one.gathering(true), bytes);
  wish.set("all");
  assertEquals(one.gathering(true), 1);
  wish.set("keyframes");
  one.attach(2, new Doorbell().buffer);
  assertEquals(one.gathering(true), 1, "another reader wants all");
  one.detach(2);
  assertEquals(one.gathering(true), bytes);
  one.detach(1);
  assertEquals(one.gathering(true), 1, "nobody has said what is wanted");
});

Deno.test("Track.gathering() awaits the rest of an access unit that has begun to come", async () => {
  const { track: one, packets, give } = await track();
  const wish = new WakeWish();
  wish.set("keyframes");
  one.attach(1, new Doorbell().buffer, wish.buffer);
  give(packets[0]);
  const bytes = one.gathering(true);
  give(packets[1].slice(0, -1));
  assertEquals(one.gathering(true), 1);
  give(packets[1].slice(-1));
  assertEquals(one.gathering(true), bytes);
});
