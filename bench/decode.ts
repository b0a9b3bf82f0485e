import { decoderModule } from "../src/decode/mod.ts";
import { readVideoFile, type VideoFile } from "../src/file/mod.ts";
import { FfmpegInstance } from "../wasm/mod.ts";
import { CoreRival } from "./decode_ffmpeg_core.ts";
import { stockInstance } from "./decode_stock.ts";
import { wantedBench } from "./decode_wanted.ts";
import { makeStreams } from "./decode_streams.ts";
import { compileRival, run } from "./native.ts";
import { median, type Results } from "./results.ts";

const ROUNDS = 3;
/** Whom ours is beside; the figures of all but the native one have a suffix. */
const RIVALS = {
  native: { suffix: "", label: "native libavcodec" },
  stock: { suffix: ".stock", label: "FFmpeg in WebAssembly without our kernels" },
  core: { suffix: ".ffmpeg-core", label: "@ffmpeg/core" },
} as const;
type Rival = keyof typeof RIVALS;
const NAMES = Object.keys(RIVALS) as Rival[];

/** Frames a second of our decoder, access units in memory, one thread. */
function decodeOurs(instance: FfmpegInstance, file: VideoFile): { frames: number; rate: number } {
  using decoder = instance.decoder(file.codec);
  let frames = 0;
  const receive = () => {
    for (let frame = decoder.receive(); frame; frame = decoder.receive()) {
      frames++;
      frame.release();
    }
  };
  const began = performance.now();
  for (const [number, unit] of file.units.entries()) {
    decoder.send(unit.data, number);
    receive();
  }
  decoder.drain();
  receive();
  return { frames, rate: frames / ((performance.now() - began) / 1000) };
}

/**
 * Our decoder beside native libavcodec with its assembly, beside itself without our kernels, and beside the npm package
 * @ffmpeg/core: one thread each, same access units, alternating rounds.
 */
export async function decodeBench(results: Results, { quick }: { quick: boolean }): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-bench-" });
  try {
    await wantedBench(results, { quick });
    const native = await compileRival("decode", ["libavcodec", "libavformat", "libavutil"], folder);
    const instance = await FfmpegInstance.create(await decoderModule());
    const stock = await stockInstance(folder);
    using core = new CoreRival();
    const streams = await makeStreams(folder, { quick });
    const ratios: Record<string, Record<Rival, number[]>> = {};
    for (const { name, path } of streams) {
      const file = await readVideoFile(path);
      const figures = await measure({ path, file, native, instance, stock, core, rounds: ROUNDS });
      const all = ratios[file.codec] ??= { native: [], stock: [], core: [] };
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
  core: CoreRival;
  rounds: number;
}): Promise<Record<"ours" | Rival, number[]>> {
  const { path, file, native, instance, stock, core, rounds } = given;
  const figures: Record<"ours" | Rival, number[]> = { ours: [], native: [], stock: [], core: [] };
  // The engine compiles what is hot while it runs: all but the native one are measured from the second run on.
  const expected = decodeOurs(instance, file).frames;
  const same = (frames: number, whose: string) => {
    if (frames !== expected) throw new Error(`${whose} decoded ${frames} frames of ${path}, ours ${expected}`);
  };
  if (stock) same(decodeOurs(stock, file).frames, RIVALS.stock.label);
  const hasCore = await core.decode(path).then(({ frames }) => (same(frames, RIVALS.core.label), true), (error) => {
    console.error(`Without ${RIVALS.core.label}: ${error.message}`);
    return false;
  });
  for (let round = 0; round < rounds; round++) {
    figures.ours.push(decodeOurs(instance, file).rate);
    const [frames, seconds] = (await run(native, [path])).split(" ").map(Number);
    same(frames, RIVALS.native.label);
    figures.native.push(frames / seconds);
    if (stock) figures.stock.push(decodeOurs(stock, file).rate);
    if (!hasCore) continue;
    const theirs = await core.decode(path);
    figures.core.push(theirs.frames / theirs.seconds);
  }
  return figures;
}
