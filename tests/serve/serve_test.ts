import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type AccessUnit,
  now,
  openRtsp,
  RtspError,
  type RtspServer,
  ServedFeed,
  serveRtsp,
  type ServeRtspOptions,
} from "../../mod.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { Playback } from "../../src/camera/playback.ts";
import { RawClient } from "../../src/camera/testing.ts";
import { readVideoFile, type VideoFile } from "../../src/file/mod.ts";
import { shortClip } from "../support/clips.ts";
import { openSockets, socketsAreBack } from "../support/observe.ts";
import { assertDecodable, assertPlays, take } from "../support/pictures.ts";

const file = await readVideoFile(await shortClip());
const files = { street: file };
const FAST = { minDelay: 50, maxDelay: 200 };
const TCP = { Transport: "RTP/AVP/TCP;unicast;interleaved=0-1" };

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A camera, and a server that passes its video on. */
async function restream(options: ServeRtspOptions = {}) {
  const stack = new AsyncDisposableStack();
  const camera = stack.use(await VirtualCamera.start({ files }));
  const source = stack.use(await openRtsp(camera.url("street"), { transport: "tcp", reconnect: FAST }));
  const server = stack.use(await serveRtsp({ port: 0, ...options }));
  const served = server.add("/street", source.video);
  return { camera, source, server, served, url: served.url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function setUpAndPlay(client: RawClient, url: string): Promise<void> {
  assertEquals((await client.ask("DESCRIBE", url)).status, 200);
  assertEquals((await client.ask("SETUP", `${url}/track1`, TCP)).status, 200);
  assertEquals((await client.ask("PLAY", url)).status, 200);
}

for (const transport of ["tcp", "udp"] as const) {
  for (const schemes of [undefined, ["MD5"], ["SHA-256"], ["Basic"]] as const) {
    Deno.test(`serveRtsp() passes a camera on to the bit over ${transport}, ${schemes ?? "no"} credentials`, async () => {
      const credentials = schemes && { username: "viewer", password: "p@ss/w#rd ?" };
      await using all = await restream({ ...credentials, schemes });
      await using client = await openRtsp(all.url, { transport, ...credentials });
      const units = await take(client.video.branch(), schemes ? 10 : 60);
      assertPlays(units, file);
      assertDecodable(units);
      const steps = units.slice(1).map((unit, i) => unit.pts - units[i].pts);
      assert(steps.every((step) => Math.abs(step - 20_000) <= 24), `the camera's clock is kept: ${steps}`);
      assertEquals(client.stats().lost, 0);
      assertEquals(all.camera.stats().clients, 1, "the camera has one client");
    });
  }
}

Deno.test("wall time is the camera's own, through the server", async () => {
  await using camera = await VirtualCamera.start({ files, faults: { clockOffset: -3_600_000 } });
  await using source = await openRtsp(camera.url("street"));
  await using server = await serveRtsp({ port: 0 });
  await using client = await openRtsp(server.add("a", source.video).url);
  const [unit] = await take(client.video.branch(), 1);
  const wrong = unit.wallTime! - unit.receivedAt;
  assert(Math.abs(wrong + 3_600_000) < 2_000, `the camera's clock seems to be wrong by ${wrong} ms`);
});

Deno.test("ten clients at once get every picture, of one session of the camera; the counters say so", async () => {
  await using all = await restream();
  const clients = await Promise.all(
    Array.from({ length: 10 }, (_, i) => openRtsp(all.url, { transport: i % 2 ? "udp" : "tcp" })),
  );
  const taken = await Promise.all(clients.map((client) => take(client.video.branch(), 50)));
  for (const units of taken) assertPlays(units, file);
  assertEquals(all.camera.stats().connections, 1);
  await until(() => all.server.stats().clients === 10);
  const { viewers, joined, accessUnits, sent, skipped, packets, bytes } = all.served.stats();
  assertEquals([viewers, joined, skipped], [10, 10, 0]);
  assert(accessUnits >= 50 && sent >= 500 && packets > sent && bytes > packets * 500);
  assertEquals(all.source.video.stats().delivered >= accessUnits, true, "the server is a reader of the feed");
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
  await until(() => all.server.stats().clients === 0 && all.served.stats().viewers === 0);
  assert(all.served.stats().sent >= sent, "what was sent to clients that are gone still counts");
});

Deno.test("a client that stops reading misses whole pictures, takes no memory, and keeps nobody waiting", async () => {
  await using server = await serveRtsp({ port: 0 });
  const units = paced({ ...file, units: file.units.map(grown) }, 400);
  await using served = server.add("large", units);
  const stuck = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const { url } = served;
  await until(() => served.stats().accessUnits > 0);
  await stuck.write(new TextEncoder().encode(
    `SETUP ${url}/track1 RTSP/1.0\r\nCSeq: 1\r\nTransport: ${TCP.Transport}\r\n\r\nPLAY ${url} RTSP/1.0\r\nCSeq: 2\r\n\r\n`,
  ));
  await using quick = await RawClient.connect(server.port);
  await setUpAndPlay(quick, url);
  await until(() => served.stats().skipped > 3);
  const before = Deno.memoryUsage().rss;
  const { accessUnits } = served.stats();
  let markers = 0;
  await until(() => {
    markers += quick.packets.filter(({ channel, data }) => channel === 0 && (data[1] & 0x80) !== 0).length;
    quick.packets.length = 0;
    return served.stats().accessUnits > accessUnits + 700;
  });
  // 700 pictures of 200 kB were not kept for the one that does not read.
  assert(Deno.memoryUsage().rss - before < 100 << 20, `grew by ${Deno.memoryUsage().rss - before}`);
  assert(markers > 250, `the quick one got ${markers} pictures`);
  stuck.close();
  await until(() => served.stats().viewers === 1);
});

Deno.test("a camera that is gone and comes back goes on for the clients that wait", async () => {
  await using all = await restream();
  await using client = await openRtsp(all.url, { transport: "tcp", idleTimeout: 30_000, reconnect: "never" });
  await take(client.video.branch(), 5);
  await all.camera.reboot(400);
  await until(() => all.source.stats().state === "live" && all.source.stats().connections === 2);
  const units = await take(client.video.branch(), 30);
  const again = units.findLastIndex((unit, i) => i > 0 && unit.pts - units[i - 1].pts > 100_000);
  assertPlays(units.slice(Math.max(0, again)), file);
  assertEquals(client.stats().connections, 1, "the client's own session stood all the time");
});

Deno.test('joinAt: "last-keyframe" begins with the pictures since then, at once', async () => {
  await using server = await serveRtsp({ port: 0, joinAt: "last-keyframe" });
  // One keyframe, and then for ever none.
  let feed!: ReadableStreamDefaultController<AccessUnit>;
  const units = new ReadableStream<AccessUnit>({ start: (controller) => void (feed = controller) });
  await using served = server.add("still", units);
  const first = file.units.findIndex(({ keyframe }) => keyframe);
  for (let i = 0; i < 8; i++) feed.enqueue(accessUnit(file, first + i, i));
  await until(() => served.stats().accessUnits === 8);
  await using client = await openRtsp(served.url, { transport: "tcp" });
  const taken = take(client.video.branch(), 8);
  feed.enqueue(accessUnit(file, first + 8, 8)); // the end of one picture is told by the next
  assertPlays(await taken, file);
});

for (const name of ["h264", "hevc", "mjpeg"] as const) {
  for (const transport of ["tcp", "udp"] as const) {
    Deno.test(`serveRtsp() takes any sequence of access units: ${name} over ${transport}`, async () => {
      const played = await clipOf(name);
      await using server = await serveRtsp({ port: 0 });
      await using served = server.add(`/a/${name} clip/`, paced(played));
      assertEquals(served.url, `rtsp://127.0.0.1:${server.port}/a/${name}%20clip`);
      await using client = await openRtsp(served.url, { transport });
      const units = await take(client.video.branch(), 20);
      assertEquals(new Set(units.map(({ codec }) => codec)), new Set([name]));
      if (name === "h264") assertPlays(units, played);
      assertEquals([client.stats().lost, client.stats().corrupt, served.stats().unsendable], [0, 0, 0]);
    });
  }
}

Deno.test("a feed that ends says goodbye to its clients; one that fails says why", async () => {
  await using server = await serveRtsp({ port: 0 });
  for (const error of [undefined, new Error("the lens fell off")]) {
    const served = server.add("short", paced(file, 50, 30, error));
    await using client = await RawClient.connect(server.port);
    await setUpAndPlay(client, served.url);
    assertEquals(await served.ended, error);
    await client.closed();
    const reports = client.packets.filter(({ channel }) => channel === 1);
    assertEquals(reports.at(-1)!.data.at(-7), 203, "BYE");
    await using next = await RawClient.connect(server.port);
    assertEquals((await next.ask("DESCRIBE", served.url)).status, 404);
  }
  const wrong = server.add("wrong", paced({ ...file, codec: "vp8" as "h264" }));
  assertEquals((await wrong.ended as Error).name, "TypeError");
});

Deno.test("a feed is served until it, its server, or its camera is disposed of; each may be done twice", async () => {
  const before = openSockets();
  {
    await using all = await restream();
    const branch = all.source.video.branch();
    const ways: [ServedFeed, () => PromiseLike<void>][] = [
      [all.server.add("a", branch), () => branch[Symbol.asyncDispose]()],
      [all.server.add("b", all.source.video), () => served[Symbol.asyncDispose]()],
      [all.server.add("c", all.source.video.branch()), () => all.source[Symbol.asyncDispose]()],
    ];
    const served = ways[1][0];
    for (const [one, end] of ways) {
      await using client = await RawClient.connect(all.server.port);
      await setUpAndPlay(client, one.url);
      await until(() => client.packets.length > 0);
      await end();
      assertEquals(await one.ended, undefined);
      await client.closed();
      await end();
    }
    assertEquals(Object.keys(all.server.stats().feeds), []);
    assertThrows(() => all.server.add("a", branch), TypeError, "disposed of");
    await all.server[Symbol.asyncDispose]();
    await all.server[Symbol.asyncDispose]();
    assertEquals(await all.server.ended, undefined);
    assertThrows(() => all.server.add("d", all.source.video), TypeError, "closed");
  }
  await socketsAreBack(before);
});

Deno.test("only clients with the password get in, and no more than there may be", async () => {
  await using all = await restream({ username: "viewer", password: "s3cr#t", maxClients: 3 });
  await assertRejects(() => openRtsp(all.url, { username: "viewer", password: "wrong" }), RtspError, "refuses");
  const error = await assertRejects(() => openRtsp(all.url), RtspError);
  assertEquals(error.code, "unauthorized");
  await until(() => all.server.stats().clients === 0);
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(all.server.port)));
  for (const client of clients) assertEquals((await client.ask("OPTIONS", "*")).status, 200);
  await using fourth = await RawClient.connect(all.server.port);
  await fourth.closed();
  assertEquals(clients.map(({ over }) => over), [false, false, false]);
  await until(() => all.server.stats().refused === 1);
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
});

Deno.test("a client that asks on and on and never reads an answer is sent away", async () => {
  await using server = await serveRtsp({ port: 0 });
  const asking = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  const questions = new TextEncoder().encode("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n".repeat(1_000));
  await assertRejects(async () => {
    for (;;) await asking.write(questions);
  });
  asking.close();
  await until(() => server.stats().clients === 0);
});

Deno.test("serveRtsp() and add() refuse what they cannot do", async () => {
  await using all = await restream();
  const { server, source } = all;
  for (const path of ["", "///", "a?b", "a#b", "a/track1", "track1", "a\r\nb"]) {
    assertThrows(() => server.add(path, source.video), TypeError, "Cannot serve");
  }
  assertThrows(() => server.add("/street/", source.video), TypeError, "the path is taken");
  await assertRejects(() => serveRtsp({ port: server.port }), Deno.errors.AddrInUse);
  await assertRejects(() => serveRtsp({ port: 0, host: "203.0.113.7" }), Deno.errors.AddrNotAvailable);
  await assertRejects(() => serveRtsp({ port: 70_000 }), RangeError);
  await assertRejects(() => serveRtsp({ port: 0, transports: [] }), RangeError);
  await assertRejects(() => serveRtsp({ port: 0, maxClients: 0 }), RangeError);
  await assertRejects(() => serveRtsp({ port: 0, password: "a" }), TypeError);
  await assertRejects(() => serveRtsp({ port: 0, signal: AbortSignal.abort(new Error("no")) }), Error, "no");
  const stop = new AbortController();
  const other: RtspServer = await serveRtsp({ port: 0, transports: ["tcp"], signal: stop.signal });
  await using client = await RawClient.connect(other.port);
  other.add("a", source.video);
  const udp = { Transport: "RTP/AVP;unicast;client_port=5000-5001" };
  await until(() => other.stats().feeds.a.accessUnits > 0);
  assertEquals((await client.ask("SETUP", `${other.url("a")}/track1`, udp)).status, 461);
  stop.abort();
  await client.closed();
  assertEquals(await other.ended, undefined);
});

/** The i-th access unit of a file, as the `sequence`-th of a feed. */
function accessUnit(file: VideoFile, i: number, sequence: number): AccessUnit {
  const { data, keyframe } = file.units[i];
  const pts = sequence * 20_000;
  return {
    ...{ codec: file.codec, data, keyframe, pts, dts: pts, corrupt: false },
    ...{ sequence, generation: 0, receivedAt: now(), wallTime: null },
  };
}

/** A file's access units again and again, so many a second, up to a number of them; then an error, where there is one. */
async function* paced(file: VideoFile, rate = 50, count = Infinity, error?: Error): AsyncGenerator<AccessUnit> {
  const playback = new Playback({ ...file, frameRate: rate });
  const startedAt = performance.now();
  for (let sequence = 0; sequence < count; sequence++) {
    const { data, keyframe } = playback.next();
    const wait = startedAt + sequence * 1000 / rate - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const pts = Math.round(sequence * 1e6 / rate);
    yield {
      ...{ codec: file.codec, data, keyframe, pts, dts: pts, corrupt: false },
      ...{ sequence, generation: 0, receivedAt: now(), wallTime: null },
    };
  }
  if (error) throw error;
}

/** The same access unit with 200 kB of filler behind it. */
function grown(unit: VideoFile["units"][number]): VideoFile["units"][number] {
  const data = new Uint8Array(unit.data.length + 200_000).fill(0xff);
  data.set(unit.data);
  return { ...unit, data };
}

/** A short clip of a codec. */
async function clipOf(codec: VideoFile["codec"]): Promise<VideoFile> {
  if (codec === "h264") return file;
  const path = `${await Deno.makeTempDir()}/clip.${codec === "hevc" ? "mp4" : "mjpeg"}`;
  const encoder = codec === "hevc"
    ? ["libx265", "-x265-params", "keyint=10:log-level=none:bframes=0"]
    : ["mjpeg", "-huffman", "default", "-q:v", "3"];
  const { success, stderr } = await new Deno.Command("ffmpeg", {
    args: [
      ...["-loglevel", "error", "-i", await shortClip(), "-pix_fmt", codec === "mjpeg" ? "yuvj420p" : "yuv420p"],
      ...["-c:v", ...encoder, path],
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const read = await readVideoFile(path);
  await Deno.remove(path.replace(/\/[^/]*$/, ""), { recursive: true });
  return read;
}
