import { assert, assertEquals, assertMatch } from "@std/assert";
import { VirtualCamera } from "../../src/camera/mod.ts";
import type { Summary } from "../../src/cli/demo/summary.ts";
import { listRings, type ShmInfo } from "../../src/shm/mod.ts";
import { shortClip } from "../support/clips.ts";
import { launcher, Listener, program } from "./command.ts";
import { allGone, descendantsOf } from "./processes.ts";

/** The demo on its own, without the launcher: the process that is spawned makes the rings. */
async function startDemo(...args: string[]): Promise<Demo> {
  return new Demo((await program(["demo", "--json", ...args])).spawn());
}

class Demo {
  readonly process: Deno.ChildProcess;
  readonly stdout: Listener;
  readonly stderr: Listener;

  constructor(process: Deno.ChildProcess) {
    this.process = process;
    this.stdout = new Listener(process.stdout);
    this.stderr = new Listener(process.stderr);
  }

  /** Resolves when the first camera is. */
  async live(): Promise<void> {
    await this.stderr.heard(/ live /);
  }

  async summary(): Promise<Summary> {
    const said = await this.stdout.all();
    assertMatch(said, /^\{.*\}\n$/, await this.stderr.all());
    return JSON.parse(said);
  }
}

/** The rings that a process made. */
async function ringsOf(pid: number): Promise<ShmInfo[]> {
  return (await listRings()).filter((ring) => ring.pid === pid);
}

Deno.test("millrace demo shows two cameras in another process and in an analysis, for ten seconds", async () => {
  const demo = await startDemo("--seconds", "10");
  await demo.live();
  const started = descendantsOf(demo.process.pid);
  assertEquals((await ringsOf(demo.process.pid)).map(({ writer }) => writer), ["alive", "alive"]);
  const { cameras, reader, analysis, failures, seconds } = await demo.summary();
  assertEquals((await demo.process.status).code, 0);
  assertEquals(failures, []);
  assert(seconds >= 10);
  assertEquals(cameras.map(({ name, state, transport }) => [name, state, transport]), [
    ["entrance", "live", "tcp"],
    ["yard", "live", "udp"],
  ]);
  for (const { frames, fps, latencyMs, dropped, shed, url } of cameras) {
    assert(frames >= 200 && frames <= 400, `${frames} frames in ten seconds of 25 a second`);
    assert(fps > 20 && fps < 30, `${fps} frames a second`);
    assert(latencyMs !== null && latencyMs > 0, `${latencyMs} ms`);
    assert(Number.isInteger(dropped) && dropped >= 0);
    assert(Number.isInteger(shed) && shed >= 0);
    assertMatch(url, /^rtsp:\/\/127\.0\.0\.1:\d+\/(entrance|yard)$/);
  }
  // One a second of each camera, and five a second.
  assert(reader.frames >= 8 && reader.frames <= 40, `${reader.frames} frames in the other process`);
  assert(reader.latencyMs !== null && reader.latencyMs > 0);
  assert(analysis.results >= 60 && analysis.results <= 160, `${analysis.results} results`);
  await allGone(started);
  assertEquals(await ringsOf(demo.process.pid), []);
  const said = await demo.stderr.all();
  assert(!said.includes("\x1b"), "there is no terminal to draw on");
  assertMatch(said, /^Starting .*\nCAMERA +STATE +FPS +LATENCY/);
  assertMatch(said, /\nAfter 10 s:\n {2}entrance: live, \d+ frames/);
});

Deno.test("millrace demo ends in order within a second of an interrupt, however often it arrives", async () => {
  // As from a terminal: the whole group gets it, and the launcher hands it on besides.
  const demo = new Demo(launcher(["demo", "--json"], { detached: true }).spawn());
  await demo.live();
  const started = descendantsOf(demo.process.pid);
  assert(started.length >= 5, "the program, the cameras, the reader, and two analyses");
  const rings = (await listRings()).filter(({ pid, writer }) =>
    writer === "alive" && started.some((process) => process.pid === pid)
  );
  assertEquals(rings.length, 2);
  const began = performance.now();
  Deno.kill(-demo.process.pid, "SIGINT");
  const { code } = await demo.process.status;
  const took = performance.now() - began;
  assertEquals(code, 0);
  assert(took < 1_000, `it took ${took.toFixed(0)} ms`);
  const { cameras, failures } = await demo.summary();
  assertEquals([cameras.map(({ state }) => state), failures], [["live", "live"], []]);
  await allGone(started);
  const left = (await listRings()).filter(({ name }) => rings.some((ring) => ring.name === name));
  assertEquals(left, []);
});

Deno.test("millrace demo that is killed takes its processes along, and the next one cleans up", async () => {
  const demo = await startDemo();
  await demo.live();
  const started = descendantsOf(demo.process.pid);
  demo.process.kill("SIGKILL");
  await demo.process.status;
  await allGone(started);
  assertEquals((await ringsOf(demo.process.pid)).map(({ writer }) => writer), ["dead", "dead"]);
  const next = await startDemo("--seconds", "0.5");
  assertEquals((await next.process.status).code, 0);
  await next.summary();
  assertEquals(await ringsOf(demo.process.pid), []);
  assertEquals(await ringsOf(next.process.pid), []);
});

Deno.test("millrace demo goes on without the process that reads, and says so", async () => {
  const demo = await startDemo("--seconds", "3");
  await demo.live();
  const reader = descendantsOf(demo.process.pid).find(({ command }) => command.includes("reader_process"))!;
  const before = performance.now();
  Deno.kill(reader.pid, "SIGKILL");
  const { cameras, failures, analysis } = await demo.summary();
  assertEquals(failures, ["The reading process ended: it got SIGKILL"]);
  assertMatch(await demo.stderr.all(), /\nThe reading process ended: it got SIGKILL\n/);
  const seconds = (performance.now() - before) / 1000;
  for (const { frames, state } of cameras) {
    assertEquals(state, "live");
    assert(frames > 15 * Math.min(3, seconds), `${frames} frames in ${seconds.toFixed(1)} s`);
  }
  assert(analysis.results > 10);
});

Deno.test("millrace demo shows real cameras, names the one that cannot be opened, and goes on", async () => {
  const clip = await shortClip();
  await using server = await VirtualCamera.start({ files: { street: clip }, username: "viewer", password: "s3cr#t" });
  const good = server.url("street"), bad = server.url("garden");
  const demo = await startDemo(
    ...["--camera", good, "--camera", bad, "--user", "viewer", "--password", "s3cr#t", "--seconds", "3"],
  );
  const { cameras, failures, reader } = await demo.summary();
  assertEquals((await demo.process.status).code, 0);
  assertEquals(cameras.map(({ url, state }) => [url, state]), [[good, "live"], [bad, "failed"]]);
  assert(cameras[0].frames > 40 && cameras[1].frames === 0 && reader.frames > 0);
  assertEquals(failures, [
    `camera 2: Cannot open ${bad}: the camera has no stream at "/garden"; look up the path in the camera's manual`,
  ]);
  assert(!(await demo.stderr.all()).includes("s3cr#t"));
});

Deno.test("millrace demo ends with a sentence where no camera can be opened", async () => {
  await using server = await VirtualCamera.start({ files: {}, username: "viewer", password: "right" });
  const demo = await startDemo("--camera", server.url("street"), "--user", "viewer", "--password", "s3cr#t");
  assertEquals((await demo.process.status).code, 1);
  assertEquals(
    await demo.stderr.all(),
    "Starting the cameras, a process that reads, and an analysis without permissions.\n" +
      `Cannot open ${server.url("street")}: the camera refuses this user name and password; ` +
      "check both, and that the camera has not locked the user out\n",
  );
  assertEquals([await demo.stdout.all(), await ringsOf(demo.process.pid)], ["", []]);
});
