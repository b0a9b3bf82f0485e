import { makeClip } from "../src/camera/clip.ts";
import { DecodeHelper } from "../src/decode/decode_helper.ts";
import { decoderModule } from "../src/decode/mod.ts";
import { readVideoFile } from "../src/file/mod.ts";
import { FfmpegInstance, InstanceHelper } from "../wasm/mod.ts";
import { decodeOurs } from "./decode_ours.ts";
import { compileRival, run } from "./native.ts";
import { median, type Results } from "./results.ts";

const ROUNDS = 5;
const SIZE = { width: 3840, height: 2160 };

/** A camera of 4K: H.264 at 8 Mb/s, HEVC at 6 Mb/s, one slice a picture. */
async function makeLargeStreams(folder: string): Promise<{ h264: string; hevc: string }> {
  const h264 = await makeClip({ cacheDir: folder, ...SIZE, seconds: 2, bitRate: 8_000_000 });
  const hevc = `${folder}/4k.mp4`;
  await run("ffmpeg", [
    ...["-v", "error", "-y", "-f", "lavfi", "-i", `testsrc2=size=${SIZE.width}x${SIZE.height}:rate=25`, "-t", "2"],
    ...["-pix_fmt", "yuv420p", "-c:v", "libx265", "-preset", "veryfast", "-b:v", "6M"],
    ...["-x265-params", "log-level=none:bframes=0:keyint=50:wpp=0", hevc],
  ]);
  return { h264, hevc };
}

/** An instance with a second thread, for pictures of any size. */
async function helpedInstance(): Promise<{ instance: FfmpegInstance; end: () => Promise<void> }> {
  const module = await decoderModule();
  const instance = await FfmpegInstance.create(module);
  const at = instance.prepareHelper(0);
  const { promise: over, resolve } = Promise.withResolvers<string | null>();
  const thread = new DecodeHelper(module, instance.memory, at, resolve);
  const helper = new InstanceHelper(instance.memory, at);
  while (!helper.running) await new Promise((done) => setTimeout(done, 1));
  const end = async () => {
    thread.retire();
    await over;
  };
  return { instance, end };
}

/** One camera of 4K, in one thread and, where its codec can have them, in two; each beside the native decoder with as many. */
export async function largeBench(results: Results): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-bench-" });
  try {
    const native = await compileRival("decode", ["libavcodec", "libavformat", "libavutil"], folder);
    const alone = await FfmpegInstance.create(await decoderModule());
    const helped = await helpedInstance();
    const nativeRate = async (path: string, threads: number) => {
      const [frames, seconds] = (await run(native, [path, String(threads)])).split(" ").map(Number);
      return frames / seconds;
    };
    for (const [codec, path] of Object.entries(await makeLargeStreams(folder))) {
      const file = await readVideoFile(path);
      const rates: Record<"one" | "two" | "nativeOne" | "nativeTwo", number[]> = {
        ...{ one: [], two: [], nativeOne: [], nativeTwo: [] },
      };
      // The engine compiles what is hot while it runs: the first round does not count.
      decodeOurs(alone, file);
      decodeOurs(helped.instance, file);
      for (let round = 0; round < ROUNDS; round++) {
        rates.one.push(decodeOurs(alone, file).rate);
        rates.nativeOne.push(await nativeRate(path, 1));
        rates.two.push(decodeOurs(helped.instance, file).rate);
        rates.nativeTwo.push(await nativeRate(path, 2));
      }
      const add = (name: string, ours: number[], theirs: number[], rival: string) => {
        const ratio = median(ours.map((rate, round) => rate / theirs[round]));
        results.add({ name, value: median(ours), unit: "frames/s", ratio, rival });
      };
      add(`decode.4k.${codec}`, rates.one, rates.nativeOne, "native libavcodec");
      if (codec !== "hevc") continue;
      add("decode.4k.hevc.two-threads", rates.two, rates.nativeTwo, "native libavcodec, two threads");
      add("decode.4k.hevc.two-threads.to-one", rates.two, rates.one, "ours in one thread");
    }
    await helped.end();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
