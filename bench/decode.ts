import { decoderModule } from "../src/decode/mod.ts";
import { readVideoFile, type VideoFile } from "../src/file/mod.ts";
import { FfmpegInstance } from "../wasm/mod.ts";
import { decodeOurs } from "./decode_ours.ts";
import { stockInstance } from "./decode_stock.ts";
import { largeBench } from "./decode_large.ts";
import { wantedBench } from "./decode_wanted.ts";
import { makeStreams } from "./decode_streams.ts";
import { compileRival, run } from "./native.ts";
import { PackageRival } from "./package_rival.ts";
import { median, type Results } from "./results.ts";

const ROUNDS = 3;
/** Whom ours is beside; the figures of all but the native one have a suffix. */
const RIVALS = {
  native: { suffix: "", label: "native libavcodec" },
  stock: { suffix: ".stock", label: "FFmpeg in WebAssembly without our kernels" },
  core: { suffix: ".ffmpeg-core", label: "@ffmpeg/core" },
  nodeAv: { suffix: ".node-av", label: "node-av, native FFmpeg in the process" },
} as const;
/** What of npm's is among them, and runs in a thread. */
const PACKAGES = { core: "./decode_ffmpeg_core.ts", nodeAv: "./decode_node_av.ts" } as const;
type Package = keyof typeof PACKAGES;
type Rival = keyof typeof RIVALS;
const NAMES = Object.keys(RIVALS) as Rival[];

/**
 * Our decoder beside native libavcodec with its assembly, beside itself without our kernels, and beside the npm packages
 * @ffmpeg/core and node-av: one thread each, same access units, alternating rounds.
 */
export async function decodeBench(results: Results, { quick }: { quick: boolean }): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-bench-" });
  try {
    await wantedBench(results, { quick });
    if (!quick) await largeBench(results);
    const native = await compileRival("decode", ["libavcodec", "libavformat", "libavutil"], folder);
    const instance = await FfmpegInstance.create(await decoderModule());
    const stock = await stockInstance(folder);
    using stack = new DisposableStack();
    const packages = new Map(
      (Object.keys(PACKAGES) as Package[]).map((name) => [
        name,
        stack.use(new PackageRival(new URL(PACKAGES[name], import.meta.url))),
      ]),
    );
    const streams = await makeStreams(folder, { quick });
    const ratios: Record<string, Record<Rival, number[]>> = {};
    for (const { name, path } of streams) {
      const file = await readVideoFile(path);
      const figures = await measure({ path, file, native, instance, stock, packages, rounds: ROUNDS });
      const all = ratios[file.codec] ??= { native: [], stock: [], core: [], nodeAv: [] };
      for (const rival of NAMES) {
        if (figures[rival].length === 0) continue;
        const { suffix, label } = RIVALS[rival];
        const ratio = median(figures.ours.map((value, i) => value / figures[rival][i]));
        all[rival].push(ratio);
        const value = median(figures.ours);
        results.add({ name: `decode.${name}${suffix}`, value, unit: "frames/s", ratio, rival: label });
      }
    }
    for (const [codec, all] of Object.entries(ratios)) {
      for (const rival of NAMES) {
        if (all[rival].length === 0) continue;
        const { suffix, label } = RIVALS[rival];
        const ratio = Math.exp(all[rival].reduce((sum, one) => sum + Math.log(one), 0) / all[rival].length);
        const unit = `of ${label}`;
        results.add({ name: `decode.${codec}.geomean${suffix}`, value: ratio, unit, ratio, rival: label });
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Frames a second of each, round by round; none of what cannot be had. */
async function measure(given: {
  path: string;
  file: VideoFile;
  native: string;
  instance: FfmpegInstance;
  stock: FfmpegInstance | null;
  packages: ReadonlyMap<Package, PackageRival>;
  rounds: number;
}): Promise<Record<"ours" | Rival, number[]>> {
  const { path, file, native, instance, stock, packages, rounds } = given;
  const figures: Record<"ours" | Rival, number[]> = { ours: [], native: [], stock: [], core: [], nodeAv: [] };
  // The engine compiles what is hot while it runs: all but the native one are measured from the second run on.
  const expected = decodeOurs(instance, file).frames;
  const same = (frames: number, whose: string) => {
    if (frames !== expected) throw new Error(`${whose} decoded ${frames} frames of ${path}, ours ${expected}`);
  };
  if (stock) same(decodeOurs(stock, file).frames, RIVALS.stock.label);
  const there: Package[] = [];
  for (const [name, rival] of packages) {
    try {
      same((await rival.decode(path)).frames, RIVALS[name].label);
      there.push(name);
    } catch (error) {
      console.error(`Without ${RIVALS[name].label}: ${error instanceof Error ? error.message : error}`);
    }
  }
  for (let round = 0; round < rounds; round++) {
    figures.ours.push(decodeOurs(instance, file).rate);
    const [frames, seconds] = (await run(native, [path])).split(" ").map(Number);
    same(frames, RIVALS.native.label);
    figures.native.push(frames / seconds);
    if (stock) figures.stock.push(decodeOurs(stock, file).rate);
    for (const name of there) {
      const theirs = await packages.get(name)!.decode(path);
      figures[name].push(theirs.frames / theirs.seconds);
    }
  }
  return figures;
}
