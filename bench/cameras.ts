import { makeClip } from "../src/camera/mod.ts";
import { cacheFolder } from "../src/cli/cache_folder.ts";
import type { CamerasHeld } from "./cameras_program.ts";
import { run } from "./native.ts";
import type { Results } from "./results.ts";

const CLIP = { width: 1920, height: 1080, bitRate: 4_000_000 } as const;
/** Frames later than this are none in real time: ten pictures of the camera. */
const LATE_MS = 400;
/** Attempts at most to find the largest number. */
const ATTEMPTS = { quick: 4, thorough: 8 };
const SECONDS = { quick: 6, thorough: 20 };
const PROGRAM = decodeURIComponent(new URL("./cameras_program.ts", import.meta.url).pathname);

const CASES = [
  { name: "all-frames", first: 3, gop: 50, ms: [] },
  { name: "once-a-second", first: 20, gop: 25, ms: ["1000"] },
] as const;

/**
 * How many cameras of 1080p25 at 4 Mb/s one core holds in real time: the whole program, bound to that core, gets them as
 * the ingest worker would give them, decodes them in the pool and reads their frames; none is refused, shed or late.
 */
export async function camerasBench(results: Results, { quick }: { quick: boolean }): Promise<void> {
  const attempts = quick ? ATTEMPTS.quick : ATTEMPTS.thorough, seconds = quick ? SECONDS.quick : SECONDS.thorough;
  for (const { name, first, gop, ms } of CASES) {
    const clip = await makeClip({ cacheDir: cacheFolder(), ...CLIP, gop });
    let most = 0, least = Infinity, next: number = first;
    const held = new Map<number, CamerasHeld>();
    for (let attempt = 0; attempt < attempts && least - most > 1; attempt++) {
      const figures = await play(clip, next, seconds, ms);
      held.set(next, figures);
      if (isHeld(figures)) most = Math.max(most, next);
      else least = Math.min(least, next);
      // What one camera takes says how many there may be, as decoding is nearly all there is; one that sheds takes less.
      const guess = Math.floor(90 * next / figures.busy);
      const between = Math.floor((most + Math.min(least, 2 * next)) / 2);
      next = Math.max(most + 1, guess < least ? guess : between);
    }
    results.add({ name: `cameras.1080p25.${name}`, value: most, unit: "cameras a core" });
    const best = held.get(most);
    if (!best) continue;
    results.add({ name: `cameras.1080p25.${name}.latency.p99`, value: best.latency, unit: "ms" });
    results.add({ name: `cameras.1080p25.${name}.decoding`, value: best.busy / most, unit: "% of a core each" });
  }
}

function isHeld({ refused, shed, latency }: CamerasHeld): boolean {
  return refused === 0 && shed === 0 && latency < LATE_MS;
}

/** One attempt, bound to one core. */
async function play(clip: string, count: number, seconds: number, ms: readonly string[]): Promise<CamerasHeld> {
  const deno = [Deno.execPath(), "run", "-A", "--no-prompt", "--quiet", PROGRAM];
  return JSON.parse(await run("taskset", ["-c", "0", ...deno, clip, String(count), String(seconds), ...ms]));
}
