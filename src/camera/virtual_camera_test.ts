import { assert, assertEquals, assertRejects } from "@std/assert";
import { type DigestAlgorithm, digestResponse, parseAuthHeader, parseRtpInfo } from "../rtsp/mod.ts";
import { RtpPacketView } from "../rtp/mod.ts";
import { seededRandom } from "./faults.ts";
import { VirtualCamera } from "./mod.ts";
import { emptyFile, RawClient } from "./testing.ts";

const files = { street: emptyFile({ units: 50 }) };
const TCP = { Transport: "RTP/AVP/TCP;unicast;interleaved=0-1" };

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Describes, sets up and plays over TCP. */
async function play(client: RawClient, url: string): Promise<string> {
  assertEquals((await client.ask("DESCRIBE", url)).status, 200);
  assertEquals((await client.ask("SETUP", `${url}/track1`, TCP)).status, 200);
  const { status, headers } = await client.ask("PLAY", url);
  assertEquals(status, 200);
  return headers.get("RTP-Info")!;
}

Deno.test("a virtual camera answers each request by the rules, and what it cannot do by the right number", async () => {
  await using camera = await VirtualCamera.start({ files, transports: ["tcp"] });
  await using client = await RawClient.connect(camera.port);
  const url = camera.url("street");
  const status = async (...request: Parameters<RawClient["ask"]>) => (await client.ask(...request)).status;
  const options = await client.ask("OPTIONS", "*");
  assertEquals([options.status, options.headers.get("CSeq")], [200, "1"]);
  assert(options.headers.get("Public")!.includes("DESCRIBE"));
  assertEquals(await status("DESCRIBE", camera.url("garden")), 404);
  assertEquals(await status("DESCRIBE", `rtsp://127.0.0.1:${camera.port}/%zz`), 404);
  assertEquals(await status("DESCRIBE", "nowhere"), 404);
  assertEquals(await status("PLAY", url), 455, "nothing is set up");
  assertEquals(await status("SETUP", `${url}/track1`), 461, "no transport");
  assertEquals(await status("SETUP", `${url}/track1`, { Transport: "RTP/AVP;multicast" }), 461);
  assertEquals(
    await status("SETUP", `${url}/track1`, { Transport: "RTP/AVP;unicast;client_port=5000-5001" }),
    461,
    "TCP alone",
  );
  assertEquals(await status("SETUP", `${camera.url("garden")}/track1`, TCP), 404);
  assertEquals(await status("RECORD", url), 501);
  const described = await client.ask("DESCRIBE", url);
  assertEquals([described.headers.get("Content-Type"), described.headers.get("Content-Base")], [
    "application/sdp",
    `${url}/`,
  ]);
  const setUp = await client.ask("SETUP", `${url}/track1`, TCP);
  assertEquals(setUp.status, 200);
  assert(setUp.headers.get("Session")!.includes("timeout=60"));
  assertEquals(await status("PLAY", url), 200);
  assertEquals(await status("SETUP", `${url}/track1`, TCP), 455, "it plays");
  assertEquals(await status("GET_PARAMETER", url), 200);
  assertEquals(await status("PAUSE", url), 200);
  assertEquals(await status("PLAY", url), 200);
  assertEquals(await status("TEARDOWN", url), 200);
  assertEquals(await status("PLAY", url), 455);
  assertEquals(camera.stats().viewers, []);
});

Deno.test("what it plays begins where it said, and after PAUSE goes on at a keyframe", async () => {
  await using camera = await VirtualCamera.start({ files });
  await using client = await RawClient.connect(camera.port);
  const url = camera.url("street");
  const info = parseRtpInfo(await play(client, url))[0];
  const media = () => client.packets.filter(({ channel }) => channel === 0).map(({ data }) => data);
  await until(() => media().length > 15);
  const view = new RtpPacketView();
  view.parse(media()[0], 0, media()[0].length);
  assertEquals([view.sequence, view.timestamp], [info.sequence, info.rtpTimestamp]);
  await client.ask("PAUSE", url);
  const before = media().length;
  await new Promise((done) => setTimeout(done, 60));
  await client.ask("PLAY", url);
  await until(() => media().length > before + 3);
  // The packetizer puts a keyframe's parameter sets in front of it.
  view.parse(media()[before], 0, media()[before].length);
  assert([7, 24].includes(media()[before][view.payloadStart] & 0x1f), "a keyframe's first packet");
});

Deno.test("a client with a wrong password, or none, gets a challenge and nothing else; the right one gets in", async () => {
  await using camera = await VirtualCamera.start({ files, username: "viewer", password: "s3cr#t" });
  await using client = await RawClient.connect(camera.port);
  const url = camera.url("street");
  assertEquals((await client.ask("OPTIONS", url)).status, 200);
  for (const method of ["DESCRIBE", "SETUP", "PLAY", "TEARDOWN", "RECORD"]) {
    const { status, headers } = await client.ask(method, url, TCP);
    assertEquals([status, headers.get("Public"), headers.get("Session")], [401, null, null]);
  }
  const answer = async (password: string, username = "viewer") => {
    const challenge = (await client.ask("DESCRIBE", url)).headers.get("WWW-Authenticate")!;
    const { parameters } = parseAuthHeader(challenge)[0];
    const algorithm = parameters.get("algorithm") as DigestAlgorithm;
    const realm = parameters.get("realm")!, nonce = parameters.get("nonce")!;
    const fields = { algorithm, username, password, realm, nonce, method: "DESCRIBE", uri: url };
    const response = digestResponse({
      ...fields,
      session: false,
      qop: "auth",
      nonceCount: "00000001",
      cnonce: "0a4f113b",
    });
    const Authorization = `Digest username="${username}", realm="${realm}", nonce="${nonce}", uri="${url}", ` +
      `algorithm=${algorithm}, qop=auth, nc=00000001, cnonce="0a4f113b", response="${response}"`;
    const first = (await client.ask("DESCRIBE", url, { Authorization })).status;
    // The same answer again is a replay.
    return [first, (await client.ask("DESCRIBE", url, { Authorization })).status];
  };
  assertEquals(await answer("s3cr#t"), [200, 401]);
  assertEquals(await answer("secret"), [401, 401]);
  assertEquals(await answer("s3cr#t", "admin"), [401, 401]);
  for (
    const Authorization of ["Basic dmlld2VyOnMzY3IjdA==", "Basic !!!", "Digest", "Digest response=", "Bearer x", ","]
  ) {
    assertEquals((await client.ask("DESCRIBE", url, { Authorization })).status, 401, Authorization);
  }
});

Deno.test("garbage ends the connection that it came by, or is passed over; the camera goes on for the others", async () => {
  await using camera = await VirtualCamera.start({ files });
  await using viewer = await RawClient.connect(camera.port);
  await play(viewer, camera.url("street"));
  const random = seededRandom(4);
  const noise = (length: number) => Uint8Array.from({ length }, () => random() * 256);
  const long = "x".repeat(200_000);
  const url = camera.url("street");
  const nonsense: (string | Uint8Array)[] = [
    ...["\r\n\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", `DESCRIBE ${long} RTSP/1.0\r\nCSeq: 1\r\n\r\n`],
    ...[
      `DESCRIBE ${url} RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999999\r\n\r\n`,
      `OPTIONS * RTSP/1.0\r\n${"A: b\r\n".repeat(20_000)}\r\n`,
    ],
    ...[
      `SETUP ${url}/track1 RTSP/1.0\r\nCSeq: x\r\nTransport: ;;;,,,=\r\n\r\n`,
      `SETUP ${url}/track1 RTSP/1.0\r\nTransport: RTP/AVP/TCP;interleaved=900-901\r\n\r\nPLAY ${url} RTSP/1.0\r\n\r\n`,
    ],
    ...["$", new Uint8Array([0x24, 0, 255, 255]), new Uint8Array([0x24, 1, 0, 8, 0x80, 201, 255, 255, 0, 0, 0, 0])],
    ...Array.from({ length: 40 }, () => noise(1 + Math.floor(random() * 3_000))),
  ];
  for (const bytes of nonsense) {
    await using client = await RawClient.connect(camera.port);
    await client.send(bytes).catch(() => {});
    await new Promise((done) => setTimeout(done, 1));
  }
  await using client = await RawClient.connect(camera.port);
  assertEquals((await client.ask("DESCRIBE", url)).status, 200);
  const before = viewer.packets.length;
  await until(() => viewer.packets.length > before + 5);
  assertEquals(viewer.over, false);
  await until(() => camera.stats().clients === 2);
});

Deno.test("many clients at once are served alike, and leave nothing behind", async () => {
  await using camera = await VirtualCamera.start({ files });
  const clients = await Promise.all(Array.from({ length: 60 }, () => RawClient.connect(camera.port)));
  await Promise.all(clients.map((client) => play(client, camera.url("street"))));
  assertEquals([camera.stats().clients, camera.stats().viewers.length, camera.stats().connections], [60, 60, 60]);
  await Promise.all(clients.map((client) => until(() => client.packets.length > 10)));
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await until(() => camera.stats().clients === 0);
  assertEquals(camera.stats().viewers, []);
});

Deno.test("clients of whom nothing is heard are sent away, half open or playing; those that say something stay", async () => {
  await using camera = await VirtualCamera.start({ files });
  const [silent, playing, asking] = await Promise.all([1, 2, 3].map(() => RawClient.connect(camera.port)));
  await silent.send("DESCRIBE rtsp://127.0.0.1/str");
  await play(playing, camera.url("street"));
  await play(asking, camera.url("street"));
  const clock = Date.now;
  try {
    for (const seconds of [30, 61]) {
      Date.now = () => clock() + seconds * 1000;
      assertEquals((await asking.ask("GET_PARAMETER", camera.url("street"))).status, 200);
      if (seconds === 30) await new Promise((done) => setTimeout(done, 250));
      if (seconds === 30) assertEquals([silent.over, playing.over, asking.over], [false, false, false]);
    }
    await Promise.all([silent.closed(), playing.closed()]);
  } finally {
    Date.now = clock;
  }
  assertEquals(asking.over, false);
  for (const client of [silent, playing, asking]) await client[Symbol.asyncDispose]();
});

Deno.test("a client that reads too slowly misses whole pictures up to a keyframe, and keeps no one waiting", async () => {
  const large = { large: emptyFile({ units: 50, bytes: 400_000, gop: 5 }) };
  await using camera = await VirtualCamera.start({ files: large });
  const slow = await Deno.connect({ hostname: "127.0.0.1", port: camera.port });
  const url = camera.url("large");
  const ask = (words: string) => slow.write(new TextEncoder().encode(words));
  await ask(
    `SETUP ${url}/track1 RTSP/1.0\r\nCSeq: 1\r\nTransport: ${TCP.Transport}\r\n\r\nPLAY ${url} RTSP/1.0\r\nCSeq: 2\r\n\r\n`,
  );
  await using quick = await RawClient.connect(camera.port);
  await play(quick, url);
  await until(() => camera.stats().viewers.some(({ skipped }) => skipped > 2));
  const skipped = camera.stats().viewers.map((viewer) => viewer.skipped);
  assertEquals([skipped.length, skipped.filter((count) => count === 0).length], [2, 1]);
  slow.close();
  await until(() => camera.stats().clients === 1);
});

Deno.test("a camera that reboots is gone and comes back at its address; disposing of it twice ends all of it", async () => {
  const camera = await VirtualCamera.start({ files });
  const client = await RawClient.connect(camera.port);
  await play(client, camera.url("street"));
  const rebooting = camera.reboot(150);
  await client.closed();
  await assertRejects(() => RawClient.connect(camera.port), Deno.errors.ConnectionRefused);
  await rebooting;
  const again = await RawClient.connect(camera.port);
  await play(again, camera.url("street"));
  await Promise.all([camera[Symbol.asyncDispose](), camera[Symbol.asyncDispose]()]);
  await camera[Symbol.asyncDispose]();
  await again.closed();
  assertEquals(camera.stats().clients, 0);
  await assertRejects(() => RawClient.connect(camera.port), Deno.errors.ConnectionRefused);
  await Promise.all([client, again].map((one) => one[Symbol.asyncDispose]()));
});

Deno.test("start() refuses what it cannot play, faults that are none, a signal that was aborted, and a port in use", async () => {
  await using camera = await VirtualCamera.start({ files });
  await assertRejects(() => VirtualCamera.start({ files, port: camera.port }), Deno.errors.AddrInUse);
  await assertRejects(() => VirtualCamera.start({ files, faults: { drop: 2 } }), RangeError);
  await assertRejects(
    () => VirtualCamera.start({ files: { a: { ...files.street, codec: "mjpeg" } } }),
    TypeError,
    "Cannot play a: it is no baseline file of 4:2:0 or 4:2:2; ffmpeg writes",
  );
  await assertRejects(() => VirtualCamera.start({ files, signal: AbortSignal.abort(new Error("no")) }), Error, "no");
  await assertRejects(() => VirtualCamera.start({ files: { a: "/nowhere.mp4" } }), Deno.errors.NotFound);
});
