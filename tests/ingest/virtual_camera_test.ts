import { assert, assertEquals, assertRejects } from "@std/assert";
import { libraryPath } from "../../ffi/load.ts";
import { EncodedRingFeed } from "../../src/feed/mod.ts";
import { openRtsp, type RtspCamera } from "../../src/ingest/mod.ts";
import { IngestWorker } from "../../src/ingest/ingest_worker.ts";
import { RtspError, type Warning } from "../../src/media/mod.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { Doorbell } from "../../workers/doorbell.ts";
import { WakeWish } from "../../workers/wake_wish.ts";
import { shortClip } from "../support/clips.ts";
import { startProxy } from "../support/proxy.ts";
import { openSockets, reaches, socketsAreBack } from "../support/observe.ts";
import { assertDecodable, assertPlays, indexIn, take } from "../support/pictures.ts";

const file = await readVideoFile(await shortClip());
const files = { street: file };
const FAST = { minDelay: 50, maxDelay: 200 };

for (const transport of ["tcp", "udp"] as const) {
  for (const schemes of [undefined, ["Basic"], ["SHA-256"]] as const) {
    Deno.test(`openRtsp() gets every access unit of our camera over ${transport}, ${schemes ?? "no"} credentials`, async () => {
      const credentials = schemes && { username: "viewer", password: "p@ss/w#rd ?" };
      await using server = await VirtualCamera.start({ files, ...credentials, schemes });
      await using camera = await openRtsp(server.url("street"), { transport, ...credentials, streamId: 3 });
      // Once past the end of the file, and on from its begin.
      const units = await take(camera.video.branch(), schemes ? 10 : 60);
      assertPlays(units, file);
      assertDecodable(units);
      const steps = units.slice(1).map((unit, i) => unit.pts - units[i].pts);
      assert(steps.every((step) => Math.abs(step - 20_000) <= 12), "the camera's clock is kept to the tick");
      assertEquals(camera.stats().lost, 0);
    });
  }
}

Deno.test("a camera of which keyframes alone are wanted loses nothing, and gives all as soon as they are wanted", async () => {
  await using server = await VirtualCamera.start({ files });
  await using camera = await openRtsp(server.url("street"), { transport: "tcp" });
  const { source } = camera.video as EncodedRingFeed;
  const bell = new Doorbell(), wish = new WakeWish();
  wish.set("keyframes");
  const detach = source.attachDoorbell(bell.buffer, wish.buffer);
  while (bell.count < 5) await bell.waitAsync(bell.count, 1_000);
  assertPlays(await take(camera.video.branch(), 60), file);
  while (bell.count < 10) await bell.waitAsync(bell.count, 1_000);
  detach();
  const { accessUnits, keyframes } = camera.stats();
  assert(keyframes >= 10 && accessUnits > 9 * (keyframes - 1), `${keyframes} keyframes of ${accessUnits}`);
  assertEquals([camera.stats().lost, camera.stats().corrupt], [0, 0]);
});

Deno.test("openRtsp() puts packets of UDP in order, and lets none in twice", async () => {
  await using server = await VirtualCamera.start({ files, faults: { reorder: 0.1, duplicate: 0.1 } });
  await using camera = await openRtsp(server.url("street"), { transport: "udp" });
  assertPlays(await take(camera.video.branch(), 60), file);
  await new Promise((resolve) => setTimeout(resolve, 250)); // counters are copied five times a second
  const { reordered, duplicates, lost } = camera.stats();
  assert(reordered > 0 && duplicates > 0, `reordered ${reordered}, duplicates ${duplicates}`);
  assertEquals(lost, 0);
});

for (const corrupt of ["skip", "deliver"] as const) {
  Deno.test(`openRtsp() with corrupt: "${corrupt}" ${corrupt === "skip" ? "gates" : "flags"} what a loss damaged`, async () => {
    await using server = await VirtualCamera.start({ files, faults: { drop: 0.02 } });
    const warnings: Warning[] = [];
    await using camera = await openRtsp(server.url("street"), {
      transport: "udp",
      corrupt,
      onWarning: (warning) => warnings.push(warning),
    });
    let flagged = 0;
    for await (const unit of camera.video.branch()) {
      if (unit.corrupt) flagged++;
      // What is not flagged must be whole.
      else assert(indexIn(file, unit.data) >= 0, "a picture that is none of the file's");
      // Counters and warnings come by another way than the pictures.
      const told = warnings.some(({ code }) => code === "rtp-lost") && camera.stats().corrupt >= 5;
      if (told && (corrupt === "skip" || flagged >= 5)) break;
    }
    const stats = camera.stats();
    if (corrupt === "skip") assertEquals(flagged, 0);
    assert(stats.lost > 0);
    if (corrupt === "deliver") assertEquals(stats.skipped, 0);
    else assert(stats.skipped > stats.corrupt, "pictures that refer to a damaged one are held back too");
    const lost = warnings.filter(({ code }) => code === "rtp-lost");
    assert(lost.length > 0);
    assert(lost.reduce((sum, { count }) => sum + count, 0) >= lost.length);
  });
}

Deno.test('transport "auto" goes on to TCP where UDP is silent, says so, and remembers it for the host', async () => {
  await using server = await VirtualCamera.start({ files, faults: { drop: 1 } });
  const codes: string[] = [];
  const onWarning = ({ code }: Warning) => {
    codes.push(code);
    server.faults.drop = 0;
  };
  {
    await using camera = await openRtsp(server.url("street"), { firstPacketTimeout: 300, onWarning });
    assertEquals([camera.stats().transport, codes.includes("udp-silent")], ["tcp", true]);
  }
  codes.length = 0;
  const setUps = server.stats().connections;
  await using camera = await openRtsp(server.url("street"), { onWarning });
  assertEquals([camera.stats().transport, codes], ["tcp", []]);
  assertEquals(server.stats().connections, setUps + 1);
});

Deno.test('transport "auto" is UDP where it comes, and TCP where UDP is refused', async () => {
  await using both = await VirtualCamera.start({ files });
  await using first = await openRtsp(both.url("street"));
  assertEquals(first.stats().transport, "udp");
  await using tcp = await VirtualCamera.start({ files, transports: ["tcp"] });
  await using second = await openRtsp(tcp.url("street"));
  assertEquals(second.stats().transport, "tcp");
});

Deno.test("openRtsp() says that the system gave a smaller receive buffer, and how to allow it", async () => {
  await using server = await VirtualCamera.start({ files });
  const receiveBuffer = 2 ** 30; // more than Linux gives to anyone
  const warnings: Warning[] = [];
  await using camera = await openRtsp(server.url("street"), {
    transport: "udp",
    receiveBuffer,
    onWarning: (warning) => warnings.push(warning),
  });
  const [warning] = warnings.filter(({ code }) => code === "receive-buffer");
  assert(warning.message.endsWith(`sysctl -w net.core.rmem_max=${receiveBuffer}`), warning.message);
  assert(camera.stats().receiveBuffer < receiveBuffer);
});

Deno.test("openRtsp() drops pictures that are too large for it, and those that refer to them, and says so", async () => {
  await using server = await VirtualCamera.start({ files });
  const codes = new Set<string>();
  const largest = Math.max(...file.units.map(({ data }) => data.length));
  const fails = assertRejects(() =>
    openRtsp(server.url("street"), {
      bufferBytes: Math.floor(largest / 2),
      firstPictureTimeout: 600,
      onWarning: ({ code }) => codes.add(code),
    }), RtspError);
  await fails;
  assert(codes.has("oversize"));
});

Deno.test("a camera that sends no pictures is stale, and live again when it does", async () => {
  await using server = await VirtualCamera.start({ files });
  await using camera = await openRtsp(server.url("street"), { transport: "tcp", staleAfter: 200 });
  server.faults.stall = { every: 0.001, for: 1_000 };
  await reaches(camera, "stale");
  const { since, lastAccessUnitAt, connections } = camera.stats();
  assertEquals(since, lastAccessUnitAt);
  server.faults.stall = null;
  await reaches(camera, "live");
  assertEquals([camera.stats().connections, connections], [1, 1]);
});

Deno.test("a camera that sends nothing but reports is given up, and tried again", async () => {
  await using server = await VirtualCamera.start({ files });
  await using camera = await openRtsp(server.url("street"), { transport: "tcp", idleTimeout: 400, reconnect: FAST });
  server.faults.stall = { every: 0.001, for: 1_000 };
  await reaches(camera, "offline");
  assertEquals(camera.stats().lastError?.code, "timeout");
  server.faults.stall = null;
  await reaches(camera, "live");
});

Deno.test("a camera that reboots comes back, with times that go on and a new keyframe", async () => {
  await using server = await VirtualCamera.start({ files });
  await using camera = await openRtsp(server.url("street"), { reconnect: FAST });
  const units = camera.video.branch()[Symbol.asyncIterator]();
  const before = (await units.next()).value!;
  await server.reboot(300);
  await reaches(camera, "live");
  let last = before;
  do {
    const unit = (await units.next()).value!;
    assert(unit.pts > last.pts && unit.dts > last.dts && unit.sequence > last.sequence);
    assertEquals(unit.generation, before.generation);
    last = unit;
  } while (last.receivedAt < camera.stats().since);
  await units.return?.();
  assertEquals(camera.stats().connections, 2);
});

Deno.test('reconnect "never" ends the feeds with what happened', async () => {
  await using server = await VirtualCamera.start({ files });
  await using camera = await openRtsp(server.url("street"), { reconnect: "never" });
  const reading = assertRejects(() => take(camera.video.branch(), Infinity), RtspError);
  const branches = assertRejects(() => take(camera.video.branch(), Infinity), RtspError);
  await server[Symbol.asyncDispose]();
  assertEquals((await reading).code, "closed");
  assertEquals(await branches, await reading);
  assertEquals(await camera.ended, await reading);
});

Deno.test("twenty cameras share one thread, and none notices that another fails", async () => {
  const sockets = openSockets();
  await using server = await VirtualCamera.start({ files });
  await using other = await VirtualCamera.start({ files });
  const doomed = await openRtsp(other.url("street"), { reconnect: "never" });
  const cameras = await Promise.all(
    Array.from({ length: 20 }, (_, i) => openRtsp(server.url("street"), { transport: i % 2 ? "tcp" : "udp" })),
  );
  assertEquals(IngestWorker.running, 1);
  await assertRejects(() => openRtsp(server.url("garden")), RtspError);
  const reading = cameras.map((camera) => take(camera.video.branch(), 30));
  await other[Symbol.asyncDispose]();
  assertEquals((await doomed.ended as RtspError).code, "closed");
  for (const units of await Promise.all(reading)) assertPlays(units, file);
  for (const camera of cameras) assertEquals([camera.state, camera.stats().lost], ["live", 0]);
  await Promise.all([doomed, ...cameras].map((camera) => camera[Symbol.asyncDispose]()));
  assertEquals(IngestWorker.running, 0);
  await server[Symbol.asyncDispose]();
  await socketsAreBack(sockets);
});

Deno.test("disposing of a camera says good-bye, ends states and branches, and may be done twice", async () => {
  await using server = await VirtualCamera.start({ files });
  const camera: RtspCamera = await openRtsp(server.url("street"));
  const reading = take(camera.video.branch(), Infinity);
  const states: string[] = [];
  const following = (async () => {
    for await (const { state, reason } of camera.states()) states.push(`${state}: ${reason}`);
  })();
  await Promise.all([camera[Symbol.asyncDispose](), camera[Symbol.asyncDispose]()]);
  await camera[Symbol.asyncDispose]();
  await Promise.all([reading, following]);
  assertEquals(states, ["live: pictures come", "offline: closed"]);
  assertEquals(await camera.ended, undefined);
  while (server.stats().viewers.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});

Deno.test("disposing of a camera does not wait for one that is silent", async () => {
  await using server = await VirtualCamera.start({ files });
  await using proxy = startProxy(server.port);
  const camera = await openRtsp(`rtsp://127.0.0.1:${proxy.port}/street`, { transport: "tcp", staleAfter: 100 });
  proxy.pull();
  await reaches(camera, "stale");
  // The good-bye is never answered; the camera's own time-out for answers would be five seconds.
  const timeOut = Promise.withResolvers<string>();
  const timer = setTimeout(() => timeOut.resolve("still waiting"), 2_500);
  assertEquals(await Promise.race([camera[Symbol.asyncDispose](), timeOut.promise]), undefined);
  clearTimeout(timer);
});

Deno.test("an aborted signal closes a camera that is open", async () => {
  await using server = await VirtualCamera.start({ files });
  const controller = new AbortController();
  const camera = await openRtsp(server.url("street"), { signal: controller.signal });
  controller.abort();
  assertEquals(await camera.ended, undefined);
  await camera[Symbol.asyncDispose]();
});

Deno.test("a program that closed its cameras ends by itself, and needs the network and the library alone", async () => {
  await using server = await VirtualCamera.start({ files });
  const project = decodeURIComponent(new URL("../..", import.meta.url).pathname);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", `--config=${project}deno.json`, `--allow-read=${project}`],
      ...[`--allow-ffi=${await libraryPath()}`, `--allow-net=127.0.0.1:${server.port}`],
      ...[`${project}tests/support/open_and_close.ts`, server.url("street")],
    ],
  }).output();
  assertEquals([code, new TextDecoder().decode(stdout)], [0, "keyframe udp\n"], new TextDecoder().decode(stderr));
});

Deno.test("a thread that dies fails its cameras, and the next camera gets another", async () => {
  await using server = await VirtualCamera.start({ files });
  const threads: Worker[] = [];
  const Original = globalThis.Worker;
  globalThis.Worker = class extends Original {
    constructor(...args: ConstructorParameters<typeof Original>) {
      super(...args);
      threads.push(this);
    }
  };
  try {
    await using camera = await openRtsp(server.url("street"));
    await using second = await openRtsp(server.url("street"));
    const reading = assertRejects(() => take(second.video.branch(), Infinity), RtspError, "out of memory");
    threads[0].dispatchEvent(new ErrorEvent("error", { message: "out of memory", cancelable: true }));
    assertEquals((await camera.ended as RtspError).code, "closed");
    await reading;
    await using third = await openRtsp(server.url("street"));
    assertEquals([threads.length, third.state], [2, "live"]);
  } finally {
    globalThis.Worker = Original;
  }
});
