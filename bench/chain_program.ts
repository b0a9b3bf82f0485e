import { decode, interval, openRtsp, scale, ShmWriter } from "../mod.ts";
import { say, toldToEnd } from "../src/cli/demo/told_to_end.ts";

/* chain_program.ts URL RING [MS]: the program of bench/chain.ts: a camera's frames, small, into shared memory; one in MS milliseconds. */

/** Seconds that its decoder was busy, as it says every now and then. */
export interface ChainSaid {
  decoding: number;
  scaling: number;
  /** Frames that were written. */
  frames: number;
  /** When it said so, in milliseconds of its own clock. */
  at: number;
}

/** Between two words of it, in milliseconds: they cost as well. */
const SAYING = 1_000;

if (import.meta.main) {
  const [url, name, ms] = Deno.args;
  const shape = { width: 480, height: 270, format: "RGB24" } as const;
  const stop = new AbortController();
  void toldToEnd().then(() => stop.abort());
  await using ring = await ShmWriter.create(name, { slots: 10, ...shape });
  await using camera = await openRtsp(url, { transport: "tcp" });
  await using frames = camera.video.branch().pipe(decode());
  const branch = ms ? frames.branch().pipe(interval(Number(ms))) : frames.branch();
  const pictures = branch.pipe(scale(shape));
  const timer = setInterval(() => {
    const { busyMicroseconds, scaleMicroseconds } = frames.decoderStats();
    const scaling = scaleMicroseconds / 1e6, decoding = busyMicroseconds / 1e6 - scaling;
    say({ decoding, scaling, frames: pictures.stats().delivered, at: performance.now() } satisfies ChainSaid);
  }, SAYING);
  try {
    await pictures.pipeTo(ring, { signal: stop.signal });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  clearInterval(timer);
}
