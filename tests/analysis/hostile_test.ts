import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type AnalysisOptions, startAnalysis } from "../../src/analysis/mod.ts";
import { scale } from "../../src/decode/mod.ts";
import { AnalysisError } from "../../src/media/mod.ts";
import { WitnessedCamera } from "./camera.ts";

/** What a module does, and how it must end. */
interface Case {
  fixture: string;
  code: AnalysisError["code"];
  message: RegExp;
  options?: Partial<AnalysisOptions>;
}

const SMALL = { maxMemoryBytes: 256 << 20, timeout: 20_000 };
const SHORT = { timeout: 400 };
const CASES: Case[] = [
  {
    fixture: "loops",
    code: "unresponsive",
    message: /^Analysis "loops\.ts" did not come back .* within 400 ms$/,
    options: SHORT,
  },
  { fixture: "parks", code: "unresponsive", message: /within 400 ms/, options: SHORT },
  { fixture: "never_settles", code: "unresponsive", message: /within 400 ms/, options: SHORT },
  { fixture: "throws", code: "crashed", message: /RangeError: the moon is full at file:.*\/throws\.ts:4:\d+$/ },
  { fixture: "rejects_later", code: "crashed", message: /nobody waits for this at file:.*\/rejects_later\.ts:2:\d+$/ },
  { fixture: "exits", code: "crashed", message: /Cannot call Deno\.exit\(\).* at file:.*\/exits\.ts:4:\d+$/ },
  {
    fixture: "spins_a_thread",
    code: "crashed",
    message: /Super constructor null.* at file:.*\/spins_a_thread\.ts:4:\d+$/,
  },
  { fixture: "returns_no_json", code: "crashed", message: /TypeError: Do not know how to serialize a BigInt/ },
  { fixture: "throws_oddly", code: "crashed", message: /it threw/ },
  { fixture: "recurses", code: "crashed", message: /RangeError: Maximum call stack size exceeded/ },
  { fixture: "kills_its_process", code: "crashed", message: /its process ended by SIGKILL/ },
  { fixture: "floods_results", code: "flood", message: /results/ },
  { fixture: "floods_large_results", code: "flood", message: /sent/ },
  { fixture: "large_result", code: "flood", message: /too large a result.* at most/ },
  { fixture: "floods_stdout", code: "crashed", message: /standard output/ },
  { fixture: "floods_stderr", code: "flood", message: /bytes in a second/ },
  { fixture: "forges_messages", code: "crashed", message: /^Analysis "forges_messages\.ts" crashed: line \[2J break$/ },
  { fixture: "fills_heap", code: "memory", message: /outgrew its 256 MiB of memory/, options: SMALL },
  { fixture: "fills_buffers", code: "memory", message: /outgrew its 256 MiB of memory/, options: SMALL },
  { fixture: "fills_wasm", code: "memory", message: /outgrew its 256 MiB of memory/, options: SMALL },
  { fixture: "fills_one_buffer", code: "memory", message: /outgrew its 256 MiB of memory/, options: SMALL },
  { fixture: "floods_timers", code: "memory", message: /outgrew its 256 MiB of memory/, options: SMALL },
];

for (const { fixture, code, message, options } of CASES) {
  Deno.test(`startAnalysis() ends and reports what ${fixture.replaceAll("_", " ")}: ${code}`, async () => {
    await using camera = await WitnessedCamera.start();
    const analysis = await startAnalysis(new URL(`./fixtures/${fixture}.ts`, import.meta.url), {
      input: camera.frames.branch().pipe(scale({ width: 64, height: 48, format: "GRAY8" })),
      permissions: "none",
      ...options,
    });
    const error = await assertRejects(async () => {
      for await (const _ of analysis);
    }, AnalysisError);
    assertEquals(error.code, code, error.message);
    assertMatch(error.message, message);
    assertEquals(await analysis.ended, error);
    await analysis[Symbol.asyncDispose]();

    await camera.more(5);
    const { pushed, times } = await camera.finish();
    assertEquals(times, Array.from({ length: pushed }, (_, i) => i * 20_000), "the witness lost frames");
  });
}
