import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { libraryPath, loadLibrary } from "../../ffi/load.ts";
import { encodeAddress } from "../../ffi/address.ts";
import { ADDRESS_BYTES } from "../../ffi/symbols.ts";
import { openRtsp, type OpenRtspOptions } from "../../src/ingest/mod.ts";
import { IngestWorker } from "../../src/ingest/ingest_worker.ts";
import { RtspError, type RtspErrorCode } from "../../src/media/mod.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { shortClip } from "../support/clips.ts";
import { openSockets, socketsAreBack } from "../support/observe.ts";
import { type Script, startScriptedServer } from "../support/scripted_server.ts";

/** Opens what cannot be opened, and looks at what it is told: one sentence that says what happened, and no secret. */
async function refused(
  url: string,
  code: RtspErrorCode,
  says: RegExp,
  options: OpenRtspOptions = {},
): Promise<RtspError> {
  const sockets = openSockets();
  const error = await assertRejects(() => openRtsp(url, { responseTimeout: 300, ...options }), RtspError);
  assertEquals(error.code, code, error.message);
  assertMatch(error.message, says);
  assertMatch(error.message, /^Cannot open rtsp:\/\//);
  assert(!/[.\n]$|\n/.test(error.message), "one sentence, without a full stop");
  assert(!error.message.includes("s3cret"), error.message);
  await socketsAreBack(sockets);
  assertEquals(IngestWorker.running, 0, "no thread is left");
  return error;
}

const described = (sdp: string): Script => ({ method }) =>
  method === "DESCRIBE"
    ? { status: 200, headers: [["Content-Type", "application/sdp"]], body: sdp }
    : { status: 200, headers: [["Public", "DESCRIBE, SETUP, PLAY, TEARDOWN"], ["Session", "1"]] };

const SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";

Deno.test("openRtsp() says that nothing listens at a port", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const says = new RegExp(`nothing listens on port ${port} of`);
  await refused(`rtsp://user:s3cret@127.0.0.1:${port}/`, "refused", says);
  await refused(`rtsp://127.0.0.1:${port}/?user=u&password=s3cret`, "refused", says);
});

Deno.test("openRtsp() says that a camera took the connection and never answered", async () => {
  await using server = startScriptedServer(() => null);
  const error = await refused(server.url, "timeout", /did not answer OPTIONS in 0.3 s/);
  assertEquals(error.method, "OPTIONS");
});

Deno.test("openRtsp() says that no connection comes about", async () => {
  // A listener whose queue is full leaves further connections unanswered, as a machine that is off does.
  const { symbols } = loadLibrary(await libraryPath());
  const listener = symbols.mr_tcp_listen(encodeAddress({ hostname: "127.0.0.1", port: 0 }), 0);
  const address = new Uint8Array(ADDRESS_BYTES);
  symbols.mr_local(listener, address);
  const port = new DataView(address.buffer).getUint16(2, true);
  const waiting = Array.from({ length: 4 }, () => symbols.mr_tcp_connect(address));
  try {
    await refused(`rtsp://127.0.0.1:${port}/`, "timeout", /nothing answers at port \d+ of 127.0.0.1 in 0.3 s/, {
      connectTimeout: 300,
    });
  } finally {
    for (const handle of [...waiting, listener]) symbols.mr_close(handle);
  }
});

Deno.test("openRtsp() says that there is no such host", async () => {
  await refused("rtsp://no-such-camera.invalid/?password=s3cret", "address", /no-such-camera.invalid|name server/);
});

Deno.test("openRtsp() says that user name and password are missing, or wrong, and shows none", async () => {
  const options = { files: { street: await shortClip() }, username: "viewer", password: "right" };
  await using server = await VirtualCamera.start(options);
  await refused(server.url("street"), "unauthorized", /none were given/);
  const wrong = await refused(server.url("street"), "unauthorized", /refuses this user name and password/, {
    username: "viewer",
    password: "s3cret",
  });
  assertEquals(wrong.status, 401);
});

Deno.test("openRtsp() says that there is no stream of that name", async () => {
  await using server = await VirtualCamera.start({ files: { street: await shortClip() } });
  assertEquals((await refused(server.url("garden"), "not-found", /no stream at "\/garden"/)).status, 404);
});

Deno.test("openRtsp() says that there is no video, or none that it can decode", async () => {
  await using sound = startScriptedServer(described(SDP + "m=audio 0 RTP/AVP 0\r\na=control:trackID=1\r\n"));
  await refused(sound.url, "no-video", /no video, only audio/);
  const other = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=control:trackID=1\r\n";
  await using vp8 = startScriptedServer(described(SDP + other));
  await refused(vp8.url, "codec", /its video is VP8, supported is H264/);
});

Deno.test("openRtsp() says that a web server answers", async () => {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("hello"));
  await refused(`rtsp://127.0.0.1:${server.addr.port}/`, "protocol", /web server|RTSP/);
});

Deno.test("openRtsp() says that a camera plays and sends nothing, or nothing that can be shown", async () => {
  await using server = await VirtualCamera.start({ files: { street: await shortClip() }, faults: { drop: 1 } });
  await refused(server.url("street"), "timeout", /plays, but no packet came in 0.3 s/, {
    transport: "tcp",
    firstPacketTimeout: 300,
  });
  server.faults.drop = 0.5; // never a whole keyframe
  await refused(server.url("street"), "timeout", /packets come, but no keyframe in 0.4 s/, {
    transport: "tcp",
    firstPictureTimeout: 400,
  });
});

Deno.test("openRtsp() rejects with the signal's reason, before and while it waits", async () => {
  await using server = startScriptedServer(() => null);
  const reason = new Error("changed my mind");
  const before = await assertRejects(() => openRtsp(server.url, { signal: AbortSignal.abort(reason) }));
  assertEquals(before, reason);
  const controller = new AbortController();
  const opening = openRtsp(server.url, { signal: controller.signal });
  while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  controller.abort(reason);
  assertEquals(await assertRejects(() => opening), reason);
  assertEquals(IngestWorker.running, 0);
});

Deno.test("openRtsp() refuses what is no RTSP address, and values that make no sense", async () => {
  const error = await assertRejects(() => openRtsp("http://viewer:s3cret@cam.local/"), SyntaxError);
  assert(!error.message.includes("s3cret"));
  await assertRejects(() => openRtsp("rtsp://127.0.0.1/", { idleTimeout: 0 }), RangeError, "idleTimeout is 0");
});

Deno.test({
  name: "openRtsp() refuses a host that Deno was not told to let it reach",
  permissions: { ffi: "inherit", read: "inherit", env: "inherit", net: ["127.0.0.2"] },
  async fn() {
    const error = await assertRejects(() => openRtsp("rtsp://127.0.0.1:9/"), RtspError);
    assertEquals(error.code, "permission");
    assertStringIncludes(error.message, "--allow-net=127.0.0.1:9");
  },
});

Deno.test({
  name: "openRtsp() follows a redirection to no host that Deno was not told to let it reach",
  permissions: { ffi: "inherit", read: "inherit", env: "inherit", net: ["127.0.0.1"] },
  async fn() {
    await using server = startScriptedServer(() => ({ status: 302, headers: [["Location", "rtsp://127.0.0.2:9/x"]] }));
    const error = await assertRejects(() => openRtsp(server.url), RtspError);
    assertEquals(error.code, "permission");
    assertStringIncludes(error.message, "--allow-net=127.0.0.2:9");
    assertStringIncludes(error.message, `(where ${server.url} redirects to)`);
  },
});

Deno.test("openRtsp() shows a password to no other host than its own", async () => {
  const headers: [string, string][] = [["WWW-Authenticate", 'Basic realm="there"']];
  await using there = startScriptedServer(() => ({ status: 401, headers }));
  await using here = startScriptedServer(() => ({ status: 302, headers: [["Location", there.url]] }));
  await refused(here.url, "unauthorized", /127/, { username: "viewer", password: "s3cret" });
  assert(there.requests.length > 0 && there.requests.every((request) => !request.headers.has("Authorization")));
});
