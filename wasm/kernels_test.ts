import { assertEquals } from "@std/assert";
import { artifact } from "../ffi/artifact.ts";
import type { BuiltFrom } from "./build.ts";
import { KERNELS } from "./configuration.ts";
import { INITIAL_PAGES, MAXIMUM_PAGES } from "./instance.ts";
import { linkModule, TOOL_ENVIRONMENT } from "./link.ts";

/*
 * Every kernel beside FFmpeg's C for the same entry of the same table, to the bit, in a module that has both:
 * kernels/compare.c. Where the kernels themselves are wrong, this says which; bit_exact_test.ts says that a picture is.
 */

const SIZES = ["16", "8", "4"];
const QUARTERS = Array.from({ length: 16 }, (_, i) => `${i % 4},${i >> 2}`);
const BLOCKS = [4, 8, 16, 32];
const times = (...lists: (string | number)[][]): string[] =>
  lists.reduce<string[]>((all, list) => all.flatMap((one) => list.map((next) => `${one} ${next}`.trim())), [""]);

/** The entries of each table of HEVC, in the order of compare_hevc.c. */
const HEVC = {
  inter: times(
    ["put", "one", "two", "one weighted", "two weighted"],
    ["luma", "chroma"],
    ["on columns", "between columns"],
    ["on rows", "between rows"],
    [2, 4, 6, 8, 12, 16, 24, 32, 48, 64],
  ),
  residual: [...times(["transform", "even", "add"], BLOCKS), "transform luma 4"],
  deblock: times(["told", "told what to keep"], ["luma", "chroma"], ["below", "beside"]),
  offset: ["band", ...times(["edge"], ["beside", "below", "falling", "rising"])],
  intra: [
    ...times(["planar", "mean"], BLOCKS),
    ...times(Array.from({ length: 33 }, (_, i) => `angle ${i + 2}`), BLOCKS),
  ],
};

/** The entries of each table, in the order of compare.c. */
const TABLES: Record<string, string[]> = {
  chroma: ["put 8", "put 4", "average 8", "average 4"],
  qpel: ["put", "average"].flatMap((kind) => SIZES.flatMap((size) => QUARTERS.map((at) => `${kind} ${size} ${at}`))),
  deblock: ["luma", "chroma", "luma intra", "chroma intra"].flatMap((what) => [`below ${what}`, `beside ${what}`]),
  idct: ["4x4", "8x8", "4x4 even", "8x8 even", "16 of 4x4", "16 of 4x4 intra", "4 of 8x8", "chroma"],
  weight: ["one", "two"].flatMap((kind) => SIZES.map((size) => `${kind} ${size}`)),
  edge: ["8 bits", "more bits"],
  strength: ["one list", "two lists", "one list, fields", "two lists, fields"],
  ...Object.fromEntries(
    Object.entries(HEVC).flatMap(([name, entries]) => [8, 10].map((bits) => [`HEVC ${name}, ${bits} bits`, entries])),
  ),
  "HEVC strength": ["mixed", "one block", "intra"],
};
const INPUTS = ["random", "extreme", "smooth"];
const RESULTS = ["different", "same", "not replaced"];
/** Of every entry, with every kind of input; fewer where a table is large. */
const roundsOf = (entries: string[]) => entries.length > 200 ? 16 : entries.length > 100 ? 40 : 200;

type Compare = (table: number, index: number, input: number, seed: number) => number;

let compiled: Promise<Compare> | null = null;

async function compile(): Promise<Compare> {
  const path = await (await artifact("wasm")).path();
  const { ffmpeg }: BuiltFrom = JSON.parse(await Deno.readTextFile(path.replace(/[^/]*$/, "built-from.json")));
  const into = await Deno.makeTempDir({ prefix: "millrace-kernels-" });
  try {
    const kernels = KERNELS.map((name) => `kernels/${name}`);
    const sources = [
      "platform.c",
      "kernels/compare.c",
      "kernels/compare_hevc.c",
      "kernels/compare_strength.c",
      ...kernels,
    ];
    const what = { sources, functions: ["mr_compare", "mr_start_thread"], ffmpeg, into, name: "compare.wasm" };
    await linkModule(what, { env: TOOL_ENVIRONMENT });
    const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum: MAXIMUM_PAGES, shared: true });
    const { instance } = await WebAssembly.instantiate(await Deno.readFile(`${into}/compare.wasm`), {
      env: { memory },
    });
    const exports = instance.exports as { __wasm_call_ctors(): void; mr_start_thread(): void; mr_compare: Compare };
    exports.__wasm_call_ctors();
    exports.mr_start_thread();
    return exports.mr_compare;
  } finally {
    await Deno.remove(into, { recursive: true });
  }
}

for (const [number, [table, entries]] of Object.entries(TABLES).entries()) {
  Deno.test(`the kernels are FFmpeg's C to the bit: ${table}`, async () => {
    const compare = await (compiled ??= compile());
    for (const [index, entry] of entries.entries()) {
      for (const [input, name] of INPUTS.entries()) {
        for (let seed = 0; seed < roundsOf(entries); seed++) {
          const result = RESULTS[compare(number, index, input, seed)];
          assertEquals(result, "same", `${table}, ${entry}, ${name} input, seed ${seed}`);
        }
      }
    }
  });
}
