import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import type { Motion } from "../../examples/motion.ts";
import { moduleUrl } from "../../src/analysis/analysis_command.ts";
import { startAnalysis } from "../../src/analysis/mod.ts";
import { scale } from "../../src/decode/mod.ts";
import { AnalysisError, SetupError, type Warning } from "../../src/media/mod.ts";
import { WitnessedCamera } from "./camera.ts";

const fixture = (name: string) => new URL(`./fixtures/${name}.ts`, import.meta.url);
const permissions = "none" as const;

/** The processes that this one has started and that are not gone. */
async function children(): Promise<string[]> {
  const pids: string[] = [];
  for await (const { name } of Deno.readDir("/proc/self/task")) {
    const list = await Deno.readTextFile(`/proc/self/task/${name}/children`).catch(() => "");
    pids.push(...list.trim().split(" ").filter((pid) => pid !== ""));
  }
  return pids;
}

Deno.test("startAnalysis() gives the author's code whole frames, and the program its results in order", async () => {
  await using camera = await WitnessedCamera.start();
  await using analysis = await startAnalysis<Record<string, unknown> | "first">(fixture("counts"), {
    input: camera.frames.branch().pipe(scale({ width: 65, height: 49, format: "I420" })),
    permissions,
    parameters: { from: 100 },
  });
  const results: (Record<string, unknown> | "first")[] = [];
  for await (const result of analysis) if (results.push(result) === 10) break;
  let pts = -1;
  for (let i = 0; i < 5; i++) {
    assertEquals(results[2 * i], "first");
    const frame = results[2 * i + 1] as Record<string, unknown>;
    assertEquals([frame.number, frame.width, frame.height, frame.format], [100 + i, 65, 49, "I420"]);
    assert((frame.pts as number) > pts);
    pts = frame.pts as number;
    assert((frame.age as number) > 0);
    const planes = frame.planes as Record<string, number>[];
    assertEquals(planes.map(({ rowBytes, rows, bytes }) => [rowBytes, rows, bytes]), [
      [65, 49, 65 * 49],
      [33, 25, 33 * 25],
      [33, 25, 33 * 25],
    ]);
    assert(planes.every(({ sum }) => sum > 0));
  }
  const stats = analysis.stats();
  assert(stats.frames >= 4 && stats.results >= 10 && stats.lastResultAt !== null && stats.lastFrameMs! > 0);
});

Deno.test("startAnalysis() gives code that is slower than the camera the latest frame, and says what it missed", async () => {
  await using camera = await WitnessedCamera.start();
  await using analysis = await startAnalysis<{ sequence: number; missed: number }>(fixture("slow"), {
    input: camera.frames.branch(),
    permissions,
  });
  const results: { sequence: number; missed: number }[] = [];
  for await (const result of analysis) if (results.push(result) === 6) break;
  for (let i = 1; i < results.length; i++) {
    assertEquals(results[i].sequence - results[i - 1].sequence, results[i].missed + 1);
  }
  assert(analysis.stats().missed >= 5);
});

Deno.test("examples/motion.ts sees the moving test picture move", async () => {
  await using camera = await WitnessedCamera.start();
  await using motion = await startAnalysis<Motion>(new URL("../../examples/motion.ts", import.meta.url), {
    input: camera.frames.branch().pipe(scale({ width: 80, height: 60, format: "GRAY8" })),
    permissions,
  });
  const results: Motion[] = [];
  for await (const result of motion) if (results.push(result) === 10) break;
  assertEquals(results[0].score, 0);
  assert(results.every(({ score }) => score >= 0 && score <= 1));
  assert(results.some(({ motion }) => motion));
});

Deno.test("Analysis ends when its feed ends, with every result before that", async () => {
  await using camera = await WitnessedCamera.start();
  await using analysis = await startAnalysis(fixture("slow"), { input: camera.frames.branch(), permissions });
  await camera.more(10);
  await camera.finish();
  let results = 0;
  for await (const _ of analysis) results++;
  assert(results > 0);
  assertEquals(results, analysis.stats().frames);
  assertEquals(await analysis.ended, undefined);
});

Deno.test("Analysis ends with the error of its feed", async () => {
  await using camera = await WitnessedCamera.start();
  await using analysis = await startAnalysis(fixture("slow"), { input: camera.frames.branch(), permissions });
  await camera.more(5);
  const error = new Error("the cable is cut");
  await camera.finish(error);
  const thrown = await assertRejects(async () => {
    for await (const _ of analysis);
  });
  assertEquals((thrown as Error).message, "the cable is cut");
  assertEquals(await analysis.ended, thrown);
});

Deno.test("Analysis drops the oldest results of a program that is slow, and counts them", async () => {
  await using camera = await WitnessedCamera.start();
  await using analysis = await startAnalysis<Record<string, number>>(fixture("counts"), {
    input: camera.frames.branch(),
    permissions,
    parameters: { from: 0 },
    maxResults: 4,
  });
  while (analysis.stats().results < 20) await camera.more(1);
  const { droppedResults, results } = analysis.stats();
  assertEquals(droppedResults, results - 4);
});

Deno.test("Analysis is disposed of at once while the author's code is busy, and leaves no process", async () => {
  await using camera = await WitnessedCamera.start();
  const before = await children();
  const analysis = await startAnalysis(fixture("loops"), { input: camera.frames.branch(), permissions });
  assertEquals((await children()).length, before.length + 1);
  await camera.more(5);
  await analysis[Symbol.asyncDispose]();
  await analysis[Symbol.asyncDispose]();
  assertEquals(await children(), before);
  assertEquals(await analysis.ended, undefined);
  for await (const _ of analysis) throw new Error("a result of code that never gave one");
});

Deno.test("startAnalysis() is aborted before it began, while it loads, and while it runs", async () => {
  await using camera = await WitnessedCamera.start();
  const input = () => camera.frames.branch();
  const reason = new Error("enough");
  const start = (name: string, signal: AbortSignal) =>
    startAnalysis(fixture(name), { input: input(), permissions, signal });
  assertEquals(await assertRejects(() => start("loops", AbortSignal.abort(reason))), reason);

  const loading = new AbortController();
  setTimeout(() => loading.abort(reason), 300);
  assertEquals(await assertRejects(() => start("loops_while_loading", loading.signal)), reason);

  const running = new AbortController();
  const analysis = await start("loops", running.signal);
  running.abort(reason);
  assertEquals(await analysis.ended, undefined);
  assertEquals(await children(), []);
});

Deno.test("startAnalysis() says in one sentence why a module cannot be loaded", async () => {
  await using camera = await WitnessedCamera.start();
  const refusal = async (module: URL | string, options = {}) => {
    const error = await assertRejects(
      () => startAnalysis(module, { input: camera.frames.branch(), permissions, ...options }),
      AnalysisError,
    );
    assertEquals(error.message.includes("\n"), false);
    return `${error.code} ${error.message}`;
  };
  assertMatch(
    await refusal(fixture("not_there")),
    /^load Cannot load analysis "not_there\.ts": Module not found "file:/,
  );
  assertMatch(
    await refusal(fixture("not_an_analyzer")),
    /^load Cannot load analysis "not_an_analyzer\.ts": its default export is neither a function nor an object with/,
  );
  assertMatch(await refusal(fixture("imports_nothing_there")), /^load .*Module not found ".*nowhere\.ts".*:2:8$/);
  assertMatch(
    await refusal(fixture("reads_outside")),
    /^load .*: it imports .*\/LICENSE, which is not in .*\/fixtures\/; name the folder as "root"$/,
  );
  assertMatch(await refusal("data:text/javascript,export default () => {"), /^load .*SyntaxError: /);
  assertMatch(
    await refusal(fixture("loops_while_loading"), { loadTimeout: 500 }),
    /^unresponsive Analysis .* was not loaded within 500 ms$/,
  );
});

Deno.test("startAnalysis() loads packages by the import map of the module's project, and files beside it", async () => {
  await using camera = await WitnessedCamera.start();
  await using analysis = await startAnalysis<string>(fixture("uses_packages"), {
    input: camera.frames.branch(),
    permissions,
  });
  assertEquals((await analysis[Symbol.asyncIterator]().next()).value, "labelled function");
});

Deno.test("startAnalysis() loads a module and what it imports from a web server", async () => {
  const files: Record<string, string> = {
    "/main.ts": 'import { word } from "./word.ts"; export default (): string => word;',
    "/word.ts": `export const word: string = "from afar ${crypto.randomUUID()}";`,
  };
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    const text = files[new URL(request.url).pathname];
    return new Response(text, { status: text ? 200 : 404, headers: { "content-type": "application/typescript" } });
  });
  await using camera = await WitnessedCamera.start();
  await using analysis = await startAnalysis<string>(`http://127.0.0.1:${server.addr.port}/main.ts`, {
    input: camera.frames.branch(),
    permissions,
  });
  assertMatch((await analysis[Symbol.asyncIterator]().next()).value!, /^from afar/);
});

Deno.test("startAnalysis() passes on what the author's code writes to the console, at most once a second", async () => {
  await using camera = await WitnessedCamera.start();
  const warnings: Warning[] = [];
  await using analysis = await startAnalysis<string>(fixture("floods_console"), {
    input: camera.frames.branch(),
    permissions,
    onWarning: (warning) => warnings.push(warning),
  });
  const began = performance.now();
  for await (const _ of analysis) if (performance.now() - began > 3000) break;
  assertEquals([warnings[0].code, warnings[0].message], ["console", "again 0"]);
  assert(warnings.length >= 2 && warnings.length <= 5, `${warnings.length} warnings`);
  assert(warnings[1].count > 1);
});

Deno.test({
  name: "startAnalysis() says what permission is missing",
  permissions: { run: false, read: true },
  fn: async () => {
    const input = null as unknown as Parameters<typeof startAnalysis>[1]["input"];
    const error = await assertRejects(() => startAnalysis(fixture("slow"), { input, permissions }), SetupError);
    assertEquals(error.code, "permission");
    assertMatch(error.message, /^Cannot start an analysis: .*; add --allow-run=.*deno/);
  },
});

Deno.test("startAnalysis() refuses arguments that make no sense", async () => {
  const input = null as unknown as Parameters<typeof startAnalysis>[1]["input"];
  const start = (options: Record<string, unknown>) =>
    startAnalysis(fixture("slow"), { input, permissions, ...options } as Parameters<typeof startAnalysis>[1]);
  await assertRejects(() => start({ permissions: "inherit" }), TypeError, "none");
  await assertRejects(() => start({ slots: 1 }), RangeError, "slots is 1");
  await assertRejects(() => start({ timeout: NaN }), RangeError, "timeout is NaN");
  await assertRejects(() => start({ maxMemoryBytes: 1e6 }), RangeError, "maxMemoryBytes");
  assertThrows(() => moduleUrl("./motion.ts"), TypeError, "expected a URL such as");
  assertThrows(() => moduleUrl("ftp://host/motion.ts"), TypeError, "of a file or of a web server");
});
