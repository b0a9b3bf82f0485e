import { decoderModule } from "../src/decode/mod.ts";
import { readVideoFile, type VideoFile } from "../src/file/mod.ts";
import { FfmpegInstance } from "../wasm/mod.ts";
import { CoreRival } from "./decode_ffmpeg_core.ts";
import { makeStreams } from "./decode_streams.ts";
import { compileRival, run } from "./native.ts";
import { median, type Results } from "./results.ts";

const ROUNDS = 3;
const NATIVE = "native libavcodec", CORE = "@ffmpeg/core";

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
 * Our decoder beside native libavcodec with its assembly, and beside the npm package @ffmpeg/core: one thread each, same
 * access units, alternating rounds.
 */
export async function decodeBench(results: Results, { quick }: { quick: boolean }): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-bench-" });
  try {
    const native = await compileRival("decode", ["libavcodec", "libavformat", "libavutil"], folder);
    const instance = await FfmpegInstance.create(await decoderModule());
    using core = new CoreRival();
    const streams = (await makeStreams(folder)).filter((stream) => !quick || stream.quick);
    const ratios: Record<string, { native: number[]; core: number[] }> = {};
    for (const { name, path } of streams) {
      const file = await readVideoFile(path);
      const figures = await measure({ path, file, native, instance, core, rounds: ROUNDS });
      const all = ratios[file.codec] ??= { native: [], core: [] };
      for (const [rival, suffix, label] of [["native", "", NATIVE], ["core", ".ffmpeg-core", CORE]] as const) {
        if (figures[rival].length === 0) continue;
        const ratio = median(figures.ours.map((value, i) => value / figures[rival][i]));
        all[rival].push(ratio);
        const value = median(figures.ours);
        results.add({ name: `decode.${name}${suffix}`, value, unit: "frames/s", ratio, rival: label });
      }
    }
    for (const [codec, all] of Object.entries(ratios)) {
      for (const [rival, suffix, label] of [["native", "", NATIVE], ["core", ".ffmpeg-core", CORE]] as const) {
        if (all[rival].length === 0) continue;
        const ratio = Math.exp(all[rival].reduce((sum, one) => sum + Math.log(one), 0) / all[rival].length);
        const unit = `of ${label}`;
        results.add({ name: `decode.${codec}.geomean${suffix}`, value: ratio, unit, ratio, rival: label });
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Frames a second of each, round by round; none of the package where it cannot be had. */
async function measure(given: {
  path: string;
  file: VideoFile;
  native: string;
  instance: FfmpegInstance;
  core: CoreRival;
  rounds: number;
}): Promise<{ ours: number[]; native: number[]; core: number[] }> {
  const { path, file, native, instance, core, rounds } = given;
  const figures = { ours: [] as number[], native: [] as number[], core: [] as number[] };
  // The engine compiles what is hot while it runs: ours and the package alike are measured from the second run on.
  const expected = decodeOurs(instance, file).frames;
  const same = (frames: number, whose: string) => {
    if (frames !== expected) throw new Error(`${whose} decoded ${frames} frames of ${path}, ours ${expected}`);
  };
  const hasCore = await core.decode(path).then(({ frames }) => (same(frames, CORE), true), (error) => {
    console.error(`Without ${CORE}: ${error.message}`);
    return false;
  });
  for (let round = 0; round < rounds; round++) {
    figures.ours.push(decodeOurs(instance, file).rate);
    const [frames, seconds] = (await run(native, [path])).split(" ").map(Number);
    same(frames, NATIVE);
    figures.native.push(frames / seconds);
    if (!hasCore) continue;
    const theirs = await core.decode(path);
    figures.core.push(theirs.frames / theirs.seconds);
  }
  return figures;
}
