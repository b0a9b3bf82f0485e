import { decode, interval } from "../mod.ts";
import { makeClip } from "../src/camera/mod.ts";
import { cacheFolder } from "../src/cli/cache_folder.ts";
import { encodedFeed } from "../src/feed/mod.ts";
import type { PlannedFeed } from "../src/feed/planned_feed.ts";
import { readVideoFile, type VideoFile } from "../src/file/mod.ts";
import { FileSource } from "../tests/support/file_source.ts";
import { median, type Results } from "./results.ts";

const ROUNDS = { quick: 1, thorough: 3 };
const CLIP = { width: 1920, height: 1080, bitRate: 4_000_000, seconds: 16 } as const;
const GOPS = { quick: [25], thorough: [25, 30, 50] };
/** Pictures that are given at once. */
const LUMP = 25;
/** Pictures after which it is known how far apart keyframes are: until then all are decoded. */
const SETTLED = 2 * 50;

/**
 * What decoding costs where one frame a second is wanted, as a share of decoding all: 1080p25, keyframes every 25 to 50
 * pictures. The largest share counts.
 */
export async function wantedBench(results: Results, { quick }: { quick: boolean }): Promise<void> {
  const shares: number[] = [], times = quick ? ROUNDS.quick : ROUNDS.thorough;
  for (const gop of quick ? GOPS.quick : GOPS.thorough) {
    const file = await readVideoFile(await makeClip({ cacheDir: cacheFolder(), ...CLIP, gop }));
    await busyFor(file); // until everything is compiled
    const rounds: number[] = [], rates: number[] = [];
    for (let round = 0; round < times; round++) {
      const all = await busyFor(file), few = await busyFor(file, 1_000);
      rounds.push(few.busy / all.busy);
      rates.push(few.frames / (CLIP.seconds - SETTLED / file.frameRate));
    }
    shares.push(median(rounds));
    results.add({ name: `decode.wanted.1fps.gop-${gop}`, value: median(rounds), unit: "of decoding all" });
    results.add({ name: `decode.wanted.1fps.gop-${gop}.frames`, value: median(rates), unit: "frames/s" });
  }
  results.add({ name: "decode.wanted.1fps", value: Math.max(...shares), unit: "of decoding all" });
}

/** Microseconds that the decode worker was busy with a file, and the frames that came, both after the beginning. */
async function busyFor(file: VideoFile, intervalMs?: number): Promise<{ busy: number; frames: number }> {
  const source = new FileSource(file, 512);
  const decoded = encodedFeed(source).branch({ capacity: 500 }).pipe(decode()) as PlannedFeed;
  const branch = decoded.branch({ overflow: "block" });
  let frames = 0;
  const reading = (async () => {
    for await (using frame of intervalMs ? branch.pipe(interval(intervalMs)) : branch) {
      if (frame.sequence >= SETTLED) frames++;
    }
  })();
  /** Until all that was pushed was decoded or passed over. */
  const settled = async () => {
    for (;;) {
      const { accessUnits, unwanted, busyMicroseconds } = decoded.decoderStats();
      if (accessUnits + unwanted >= source.pushed) return busyMicroseconds;
      await new Promise((done) => setTimeout(done, 2));
    }
  };
  source.push(1); // a keyframe: what comes before the decoder does is not counted
  await settled();
  source.push(SETTLED - 1);
  const before = await settled();
  while (source.push(LUMP)) await settled();
  source.end();
  await reading;
  const { busyMicroseconds } = decoded.decoderStats();
  await decoded[Symbol.asyncDispose]();
  return { busy: busyMicroseconds - before, frames };
}
