import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { AuthVerifier } from "./auth_verifier.ts";
import { RtspHeaders } from "./headers.ts";
import { frameInterleaved, type RtspRequest, serializeRequest, serializeResponse } from "./message.ts";
import { RtspParser } from "./parser.ts";
import { RtspClientSession } from "./session.ts";
import type { RtspSessionEvent } from "./session_events.ts";
import type { RtspSessionOptions } from "./session_options.ts";
import { bytes, fixture, notRandom, text } from "./testing.ts";

const SDP = text(fixture("dahua_ipc_describe")).split("\r\n\r\n")[1];

type Answer = { status?: number; headers?: [string, string][]; body?: string } | Uint8Array | null;

/** A session against a server that is a function; `run()` moves bytes between them until both are silent. */
function harness(
  serve: (request: RtspRequest, count: number) => Answer | undefined,
  options: Partial<RtspSessionOptions> & { url?: string } = {},
) {
  const log: string[] = [], requests: RtspRequest[] = [], events: RtspSessionEvent[] = [];
  const { url = "rtsp://cam/live", ...rest } = options;
  const session = new RtspClientSession(url, {
    random: notRandom,
    onMedia: (channel, data, start, end) => log.push(`$${channel} ${data.slice(start, end).toHex()}`),
    transport: "tcp",
    ...rest,
  });
  let now = 0;
  const interleaved: string[] = [];
  const server = new RtspParser({
    request: (request) => {
      requests.push(request);
      const served = serve(request, requests.length);
      const answer = served === undefined ? standard(request) : served;
      if (answer === null) return;
      if (answer instanceof Uint8Array) return session.receive(answer, now);
      const headers = new RtspHeaders([["CSeq", request.headers.get("CSeq")!], ...answer.headers ?? []]);
      session.receive(serializeResponse({ status: answer.status ?? 200, headers, body: answer.body }), now);
    },
    response: ({ status }) => log.push(`answered ${status}`),
    interleaved: (channel, data, start, end) => interleaved.push(`$${channel} ${data.slice(start, end).toHex()}`),
    fault: (error) => {
      throw error;
    },
  });
  const run = () => {
    for (let out = session.outgoing(); out !== null; out = session.outgoing()) server.receive(out);
    events.push(...session.events());
  };
  const at = (time: number, act: () => void = () => session.tick(now)) => {
    now = time;
    act();
    run();
  };
  const start = () => at(0, () => session.start(0));
  return { session, log, requests, events, interleaved, start, at, run };
}

/** What an ordinary camera answers. */
function standard({ method, headers }: RtspRequest): Answer {
  switch (method) {
    case "OPTIONS":
      return { headers: [["Public", "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN"]] };
    case "DESCRIBE":
      return { headers: [["Content-Base", "rtsp://10.0.0.1/live/"]], body: SDP };
    case "SETUP":
      return { headers: [["Session", "77;timeout=30"], ["Transport", headers.get("Transport")!]] };
    case "PLAY":
      return { headers: [["RTP-Info", "url=rtsp://cam/live/trackID=0;seq=1;rtptime=0"]] };
    default:
      return {};
  }
}

const methods = (requests: RtspRequest[]) => requests.map((request) => request.method).join(" ");
const types = (events: RtspSessionEvent[]) => events.map((event) => event.type).join(" ");
const failure = (events: RtspSessionEvent[]) => {
  const last = events.at(-1);
  assertEquals(last?.type, "failed");
  return (last as Extract<RtspSessionEvent, { type: "failed" }>).error;
};
const FRAME = frameInterleaved(0, Uint8Array.of(0x80, 96));

Deno.test("RtspClientSession plays the video over TCP, and ends with TEARDOWN", () => {
  const { session, requests, events, log, interleaved, start, at, run } = harness(() => undefined);
  start();
  assertEquals(methods(requests), "OPTIONS DESCRIBE SETUP PLAY");
  assertEquals(requests.map((request) => request.url), [
    "rtsp://cam/live",
    "rtsp://cam/live",
    "rtsp://cam/live/trackID=0",
    "rtsp://cam/live/",
  ]);
  assert(requests.every(({ headers }) => headers.get("User-Agent") === "Millrace"));
  assertEquals(requests[2].headers.get("Transport"), "RTP/AVP/TCP;unicast;interleaved=0-1");
  assertEquals(requests[3].headers.get("Session"), "77");
  assertEquals([types(events), session.state], ["described setup playing", "playing"]);
  at(100, () => session.receive(FRAME, 100));
  at(100, () => session.receive(frameInterleaved(6, Uint8Array.of(1)), 100));
  assertEquals([log, session.stats.frames, session.stats.unknownChannel], [["$0 8060"], 1, 1]);
  assert(session.sendInterleaved(1, Uint8Array.of(0x81, 201)));
  run();
  assertEquals(interleaved, ["$1 81c9"]);
  at(200, () => session.close(200));
  assertEquals([methods(requests.slice(4)), types(events)], ["TEARDOWN", "described setup playing ended"]);
  at(300, () => session.receive(FRAME, 300));
  assertEquals(log.length, 1, "frames after TEARDOWN are passed over (gortsplib#1108)");
});

Deno.test("RtspClientSession.midway is true while the rest of a packet is to come", () => {
  const { session, log, start, at } = harness(() => undefined);
  start();
  const cut = FRAME.length - 1;
  assertEquals(session.midway, false);
  at(1, () => session.receive(FRAME.slice(0, cut), 1));
  assertEquals([session.midway, log.length], [true, 0]);
  at(2, () => session.receive(FRAME.slice(cut), 2));
  assertEquals([session.midway, log.length], [false, 1]);
});

Deno.test("RtspClientSession takes the channels that a Tapo chooses", () => {
  const { session, events, log, start, at } = harness(({ method }) =>
    method === "SETUP" ? fixture("tapo_c200_setup") : undefined
  );
  start();
  const setup = events.find((event) => event.type === "setup");
  assertEquals(setup?.type === "setup" && setup.transport, { kind: "tcp", rtpChannel: 4, rtcpChannel: 5, ssrc: null });
  at(1, () => session.receive(frameInterleaved(4, Uint8Array.of(0x80)), 1));
  assertEquals(log, ["$4 80"]);
});

Deno.test("RtspClientSession answers a challenge once for each nonce, and says that the password is wrong", () => {
  for (const password of ["right", "wrong", ""]) {
    const verifier = new AuthVerifier({ realm: "c", password: () => "right", random: notRandom });
    const { requests, events, start } = harness(({ method, headers }) => {
      const verdict = verifier.verify({ method, authorization: headers.get("Authorization") }, 0);
      if (verdict === "ok") return undefined;
      return { status: 401, headers: verifier.challenges(0).map((one) => ["WWW-Authenticate", one]) };
    }, { username: password === "" ? undefined : "user", password: password === "" ? undefined : password });
    start();
    if (password === "right") {
      assertEquals(methods(requests), "OPTIONS OPTIONS DESCRIBE SETUP PLAY");
      assert(requests[4].headers.get("Authorization")!.includes("nc=00000004"));
    } else {
      const error = failure(events);
      assertEquals([error.code, error.status], ["unauthorized", 401]);
      assert(error.message.includes(password === "" ? "none were given" : "refuses this user name"), error.message);
      assert(requests.length <= 3);
    }
  }
});

Deno.test("RtspClientSession gives up on a camera that invents a nonce for each refusal", () => {
  let nonce = 0;
  const { requests, events, start } = harness(() => ({
    status: 401,
    headers: [["WWW-Authenticate", `Digest realm="c", nonce="${nonce++}"`]],
  }), { username: "u", password: "p" });
  start();
  assertEquals([failure(events).code, requests.length], ["unauthorized", 3]);
});

Deno.test("RtspClientSession meets the Digest of a Hikvision without an algorithm", () => {
  const { requests, start } = harness((_, count) => count === 1 ? fixture("hikvision_ds2cd_unauthorized") : undefined, {
    url: "rtsp://admin:a/b#@cam/live",
  });
  start();
  const authorization = requests[1].headers.get("Authorization")!;
  assert(authorization.startsWith('Digest username="admin", realm="IP Camera(G1242)"'), authorization);
  assertEquals(methods(requests), "OPTIONS OPTIONS DESCRIBE SETUP PLAY");
});

Deno.test("RtspClientSession tries UDP first, and TCP where the camera refuses it (461)", () => {
  const { session, requests, events, start, at } = harness(
    ({ method, headers }) =>
      method === "SETUP" && !headers.get("Transport")!.includes("TCP") ? { status: 461 } : undefined,
    { transport: "auto" },
  );
  start();
  const wanted = events.at(-1)!;
  assert(wanted.type === "udp-ports");
  const track = (wanted as Extract<RtspSessionEvent, { type: "udp-ports" }>).track;
  at(1, () => session.udpPorts(track, 5000, 5001, 1));
  assertEquals(requests.slice(2).map(({ headers }) => headers.get("Transport")), [
    "RTP/AVP;unicast;client_port=5000-5001",
    "RTP/AVP/TCP;unicast;interleaved=0-1",
    null,
  ]);
  assertEquals(types(events), "described udp-ports setup playing");
  const only = harness(({ method }) => method === "SETUP" ? { status: 461 } : undefined, { transport: "tcp" });
  only.start();
  assertEquals(failure(only.events).code, "transport");
  const none = harness(() => undefined, { transport: "udp" });
  none.start();
  none.at(
    1,
    () => none.session.udpUnavailable((none.events.at(-1) as typeof wanted & { track: never }).track, "all in use", 1),
  );
  assert(failure(none.events).message.includes("all in use"));
});

Deno.test("RtspClientSession asks for TCP over a new connection where UDP stays silent", () => {
  const silent = harness(() => undefined, { transport: "auto", udpTimeout: 3000 });
  silent.start();
  const { track } = silent.events.at(-1) as Extract<RtspSessionEvent, { type: "udp-ports" }>;
  silent.at(0, () => silent.session.udpPorts(track, 5000, 5001, 0));
  silent.at(2999);
  assertEquals(silent.session.state, "playing");
  silent.at(3000);
  assertEquals([silent.events.at(-1)?.type, silent.requests.at(-1)?.method], ["reconnect", "TEARDOWN"]);
});

Deno.test("RtspClientSession fails where no packet comes, or none any more", () => {
  const never = harness(() => undefined);
  never.start();
  never.at(10_000);
  assert(failure(never.events).message.includes("no packet came in 10 s"));
  const stopped = harness(() => undefined);
  stopped.start();
  stopped.at(500, () => stopped.session.receive(FRAME, 500));
  stopped.at(10_499);
  assertEquals(stopped.session.state, "playing");
  stopped.at(10_500);
  assertEquals([failure(stopped.events).code, stopped.requests.at(-1)?.method], ["timeout", "TEARDOWN"]);
  assert(failure(stopped.events).message.startsWith("Lost rtsp://cam/live"));
});

Deno.test("RtspClientSession keeps alive as Public and Session say, without waiting for answers", () => {
  const keep = (name: string, refuse = false) => {
    const test = harness(({ method, headers }) => {
      if (method === "OPTIONS" && !headers.has("Session")) return { headers: [["Public", name]] };
      if (method === "GET_PARAMETER" && refuse) return { status: 501 };
      return method === "GET_PARAMETER" || method === "OPTIONS" ? null : undefined;
    });
    test.start();
    for (let now = 1000; now <= 40_000; now += 500) {
      test.session.receive(FRAME, now);
      test.at(now);
    }
    assertEquals(test.session.state, "playing");
    return methods(test.requests.slice(4));
  };
  assertEquals(keep("OPTIONS, PLAY"), "OPTIONS OPTIONS");
  assertEquals(keep("OPTIONS, GET_PARAMETER"), "GET_PARAMETER GET_PARAMETER");
  assertEquals(keep("GET_PARAMETER", true), "GET_PARAMETER OPTIONS OPTIONS", "refused: the other one");
});

Deno.test("RtspClientSession goes on after a nonce expired between keep-alives, and ends with the session (454)", () => {
  let expired = false, gone = false;
  const { session, requests, events, start, at } = harness(({ method, headers }) => {
    if (gone && method === "GET_PARAMETER") return { status: 454 };
    const nonce = expired ? "2" : "1";
    if (headers.get("Authorization")?.includes(`nonce="${nonce}"`)) return undefined;
    return { status: 401, headers: [["WWW-Authenticate", `Digest realm="c", nonce="${nonce}"`]] };
  }, { username: "u", password: "p", idleTimeout: 1e6 });
  start();
  session.receive(FRAME, 0);
  expired = true;
  at(14_000);
  assertEquals(methods(requests.slice(5)), "GET_PARAMETER GET_PARAMETER");
  assertEquals(session.state, "playing");
  gone = true;
  at(28_000);
  assertEquals(failure(events).code, "closed");
  assertEquals(requests.at(-1)?.method, "GET_PARAMETER", "no TEARDOWN for what is gone");
});

Deno.test("RtspClientSession says in one sentence what is wrong", () => {
  const cases: [Answer, string, string][] = [
    [{ status: 404 }, "not-found", 'no stream at "/live"'],
    [{ status: 453 }, "status", "no room for another viewer"],
    [{ status: 500 }, "status", "answered DESCRIBE with 500 Internal Server Error"],
    [fixture("generic_nvr_webport"), "protocol", "a web server answers there"],
    [fixture("generic_intercom_describe"), "no-video", "no video, only audio (PCMU), application (vnd.onvif.metadata)"],
    [
      new TextEncoder().encode(new TextDecoder().decode(fixture("reolink_rlc410_describe")).replaceAll("H265", "VP8x")),
      "codec",
      "its video is VP8x, supported is H264, HEVC, MJPEG",
    ],
    [{ body: "" }, "no-video", "an empty description"],
  ];
  for (const [answer, code, words] of cases) {
    const { events, start } = harness(({ method }) => method === "DESCRIBE" ? answer : undefined);
    start();
    const error = failure(events);
    assertEquals(error.code, code, error.message);
    assert(error.message.startsWith("Cannot open rtsp://cam/live: ") && error.message.includes(words), error.message);
  }
});

Deno.test("RtspClientSession goes on where OPTIONS is not known, and where PLAY is never answered", () => {
  const { session, events, start, at } = harness(({ method }) =>
    method === "OPTIONS" ? { status: 501 } : method === "PLAY" ? null : undefined
  );
  start();
  at(100, () => session.receive(FRAME, 9_900));
  at(10_000);
  assertEquals(types(events), "described setup playing");
});

Deno.test("RtspClientSession times out, notices the end of the connection, and follows redirects", () => {
  const silent = harness(() => null);
  silent.start();
  silent.at(4_999);
  assertEquals(methods(silent.requests), "OPTIONS");
  silent.at(5_000);
  silent.at(9_999);
  assertEquals([methods(silent.requests), silent.events], ["OPTIONS DESCRIBE", []]);
  silent.at(10_000);
  assertEquals([failure(silent.events).code, failure(silent.events).method], ["timeout", "OPTIONS"]);
  const closed = harness(({ method }) => method === "DESCRIBE" ? null : undefined);
  closed.start();
  closed.at(1, () => closed.session.disconnected(1));
  assert(failure(closed.events).message.endsWith("closed the connection instead of answering DESCRIBE"));
  const moved = harness(() => ({ status: 302, headers: [["Location", "rtsp://u:p@other:8554/x"]] }));
  moved.start();
  assertEquals(moved.events, [{ type: "redirect", url: "rtsp://other:8554/x" }]);
  const half = harness(({ method }) => method === "TEARDOWN" ? null : undefined);
  half.start();
  half.at(10, () => half.session.close(10));
  assertEquals(half.session.state, "closing");
  half.at(1010);
  assertEquals([half.session.state, half.events.at(-1)?.type], ["ended", "ended"]);
  assertThrows(() => harness(() => null, { url: "http://cam/" }), SyntaxError);
});

Deno.test("RtspClientSession answers what the camera asks", () => {
  const { session, log, events, start, at } = harness(() => undefined);
  start();
  const ask = (method: string) =>
    serializeRequest({ method, url: "rtsp://cam/live", headers: new RtspHeaders([["CSeq", "9"]]) });
  at(1, () => session.receive(ask("OPTIONS"), 1));
  at(2, () => session.receive(ask("DESCRIBE"), 2));
  at(3, () => session.receive(ask("TEARDOWN"), 3));
  assertEquals([log, failure(events).code], [["answered 200", "answered 501", "answered 200"], "closed"]);
});

Deno.test("RtspClientSession meets anything with events, never with an exception, in bounded memory", () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.constantFrom(
      FRAME,
      bytes("RTSP/1.0 200 OK\r\n\r\n"),
      bytes('RTSP/1.0 401 No\r\nWWW-Authenticate: Digest nonce="\0"\r\n\r\n'),
      bytes("RTSP/1.0 302 Go\r\nLocation: rtsp://\r\n\r\n"),
      bytes("RTSP/1.0 200 OK\r\nSession: \0;timeout=\0\r\nTransport: RTP/AVP/TCP;interleaved=\0\r\n\r\n"),
      bytes("GET_PARAMETER rtsp://x RTSP/1.0\r\nCSeq: \0\r\n\r\n"),
      bytes(
        `RTSP/1.0 200 OK\r\nContent-Base: \0\r\nContent-Length: ${SDP.length}\r\n\r\n${
          SDP.replaceAll("trackID", "\0")
        }`,
      ),
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), fc.constantFrom("auto", "tcp", "udp"), (pieces, transport) => {
      const session = new RtspClientSession("rtsp://u:p@cam/live", {
        ...{ random: notRandom, onMedia: () => {}, transport, beside: ["audio", "data"] },
      });
      session.start(0);
      let ends = 0, unsent = 0;
      pieces.forEach((part, i) => {
        session.receive(part, i * 300);
        for (const event of session.events()) {
          if (event.type === "udp-ports") session.udpPorts(event.track, 5000, 5001, i * 300);
          if (["failed", "ended", "redirect", "reconnect"].includes(event.type)) ends++;
        }
        session.tick(i * 300);
      });
      for (let out = session.outgoing(); out !== null; out = session.outgoing()) unsent += out.length;
      session.close(1e6);
      session.tick(2e6);
      ends += session.events().filter((event) => event.type === "ended" || event.type === "failed").length;
      assertEquals([ends, session.state], [1, "ended"]);
      assert(unsent < 400_000);
    }),
    { numRuns: 500 },
  );
});

Deno.test("RtspClientSession asks for the description again where SETUP says that it was forgotten, once", () => {
  const forgetful = harness(({ method }, count) => method === "SETUP" && count < 4 ? { status: 455 } : undefined);
  forgetful.start();
  assertEquals(methods(forgetful.requests), "OPTIONS DESCRIBE SETUP DESCRIBE SETUP PLAY");
  assertEquals(types(forgetful.events), "described setup playing");
  const stubborn = harness(({ method }) => method === "SETUP" ? { status: 455 } : undefined);
  stubborn.start();
  assertEquals(methods(stubborn.requests), "OPTIONS DESCRIBE SETUP DESCRIBE SETUP");
  assertEquals(failure(stubborn.events).status, 455);
});

Deno.test("RtspClientSession keeps its password from a server that asks for it in the clear, where told to", () => {
  const basic = () => ({ status: 401, headers: [["WWW-Authenticate", 'Basic realm="c"']] as [string, string][] });
  const { requests, events, start } = harness(basic, { username: "u", password: "p", basic: "refuse" });
  start();
  assertEquals([failure(events).code, requests.length], ["unauthorized", 1]);
  assert(!requests[0].headers.has("Authorization"));
});
