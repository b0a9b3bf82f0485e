import { makeClip } from "../src/camera/clip.ts";
import { decoderModule } from "../src/decode/mod.ts";
import { readVideoFile, type VideoFile } from "../src/file/mod.ts";
import { FfmpegInstance } from "../wasm/mod.ts";
import { compileRival, run } from "./native.ts";
import { median, type Results } from "./results.ts";

const ROUNDS = 3;

/** The streams that are measured, made where they are not there. */
async function streams(): Promise<Record<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-bench-" });
  const high = `${folder}/high.mp4`, hevc = `${folder}/hevc.mp4`;
  const source = [
    "-v",
    "error",
    "-y",
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=1920x1080:rate=25",
    "-t",
    "6",
    "-pix_fmt",
    "yuv420p",
  ];
  const grain = ["-vf", "noise=alls=12:allf=t"];
  await run("ffmpeg", [...source, ...grain, "-c:v", "libx264", "-preset", "medium", "-b:v", "11M", "-g", "50", high]);
  await run("ffmpeg", [
    ...source,
    "-c:v",
    "libx265",
    "-preset",
    "fast",
    "-x265-params",
    "log-level=none",
    "-b:v",
    "2M",
    hevc,
  ]);
  const clip = { cacheDir: folder, width: 1920, height: 1080, seconds: 6, bitRate: 4_000_000 };
  const found: Record<string, string> = {
    "h264.1080p-high-cabac-b": high,
    "h264.1080p-camera": await makeClip(clip),
    "h264.720p-camera": await makeClip({ cacheDir: folder }),
    "hevc.1080p-camera": hevc,
  };
  for (const name of ["car-detection", "one-by-one-person-detection"]) {
    const path = decodeURIComponent(new URL(`../../shared/clips/${name}.mp4`, import.meta.url).pathname);
    if (await Deno.stat(path).then(() => true, () => false)) found[`h264.${name}`] = path;
  }
  return found;
}

/** Frames a second of our decoder, access units in memory, one thread. */
function decodeOurs(instance: FfmpegInstance, file: VideoFile): number {
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
  return frames / ((performance.now() - began) / 1000);
}

/** Our decoder beside native libavcodec with its assembly: one thread each, same access units, alternating rounds. */
export async function decodeBench(results: Results): Promise<void> {
  const rival = await compileRival("decode", ["libavcodec", "libavformat", "libavutil"]);
  const instance = await FfmpegInstance.create(await decoderModule());
  const ratios: Record<string, number[]> = { h264: [], hevc: [] };
  for (const [name, path] of Object.entries(await streams())) {
    const file = await readVideoFile(path);
    const ours: number[] = [], native: number[] = [];
    decodeOurs(instance, file); // the engine compiles what is hot while it runs
    for (let round = 0; round < ROUNDS; round++) {
      ours.push(decodeOurs(instance, file));
      const [frames, seconds] = (await run(rival, [path])).split(" ").map(Number);
      native.push(frames / seconds);
    }
    const ratio = median(ours.map((value, i) => value / native[i]));
    ratios[file.codec].push(ratio);
    results.add({ name: `decode.${name}`, value: median(ours), unit: "frames/s", ratio, rival: "native libavcodec" });
  }
  for (const [codec, all] of Object.entries(ratios)) {
    const mean = Math.exp(all.reduce((sum, ratio) => sum + Math.log(ratio), 0) / all.length);
    results.add({
      name: `decode.${codec}.geomean`,
      value: mean,
      unit: "of native",
      ratio: mean,
      rival: "native libavcodec",
    });
  }
}
