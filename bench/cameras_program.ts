import { decode, DecodeError, interval } from "../mod.ts";
import { encodedFeed } from "../src/feed/mod.ts";
import { PlannedFeed } from "../src/feed/planned_feed.ts";
import { readVideoFile } from "../src/file/mod.ts";
import { FileSource } from "../tests/support/file_source.ts";
import { quantile } from "./results.ts";

/*
 * cameras_program.ts CLIP COUNT SECONDS [MS]: plays a clip as so many cameras, in real time, and decodes all of them,
 * every frame or one in MS milliseconds. Says how it went. Whoever starts it binds it to one core.
 */

/** What it says in the end. */
export interface CamerasHeld {
  /** Cameras for which the decoder had no memory left. */
  refused: number;
  /** Access units passed over for want of time. */
  shed: number;
  frames: number;
  /** From the arrival of an access unit until its frame was here, in milliseconds; of a hundred frames the slowest but one. */
  latency: number;
  /** Percent of the core that decoding took. */
  busy: number;
}

/** Of all cameras, at a time. */
interface Sum {
  shed: number;
  /** Microseconds. */
  busy: number;
  at: number;
}

/** Until everything is compiled and all cameras were joined, in seconds; it is over when none was shed for so long. */
const WARM_UP = { least: 4, most: 20 };
const QUIET = 3;

if (import.meta.main) {
  const [clip, count, seconds, ms] = Deno.args;
  const file = await readVideoFile(clip);
  const longest = WARM_UP.most + Number(seconds);
  const times = Math.ceil(longest * file.frameRate / file.units.length) + 1;
  const units = Array.from({ length: times }, (_, round) => {
    const later = Math.round(round * file.units.length * 1e6 / file.frameRate);
    return file.units.map((unit) => ({ ...unit, pts: unit.pts + later, dts: unit.dts + later }));
  }).flat();
  const cameras = Array.from({ length: Number(count) }, (_, i) => {
    const source = new FileSource({ ...file, units }, 256, i);
    const decoded = encodedFeed(source).pipe(decode()) as PlannedFeed;
    return { source, decoded, begins: i * 2_000 / Number(count) };
  });
  const ages: number[] = [];
  const begun = performance.now();
  let measuring = false, refused = 0;
  const reading = cameras.map(async ({ decoded }) => {
    const branch = decoded.branch();
    try {
      for await (using frame of ms ? branch.pipe(interval(Number(ms))) : branch) if (measuring) ages.push(frame.age);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      refused++;
    }
  });
  const sum = (): Sum => {
    let shed = 0, busy = 0;
    for (const { decoded } of cameras) {
      const stats = decoded.decoderStats();
      shed += stats.shed + stats.skipped;
      busy += stats.busyMicroseconds;
    }
    return { shed, busy, at: performance.now() };
  };
  let before: Sum | null = null, shed = { units: 0, at: 0 };
  for (let at = 0, end = Infinity; at < end; at = performance.now() - begun) {
    for (const { source, begins } of cameras) {
      const due = Math.floor((at - begins) * file.frameRate / 1_000) + 1;
      if (due > source.pushed) source.push(due - source.pushed);
    }
    const now: Sum = before ?? sum();
    if (now.shed > shed.units) shed = { units: now.shed, at };
    const settled = at >= WARM_UP.least * 1_000 && at - shed.at >= QUIET * 1_000;
    if (!before && (settled || at >= WARM_UP.most * 1_000)) {
      before = now;
      measuring = true;
      end = at + Number(seconds) * 1_000;
    }
    await new Promise((done) => setTimeout(done, 5));
  }
  const after = sum(), from = before!;
  const held: CamerasHeld = {
    refused,
    shed: after.shed - from.shed,
    frames: ages.length,
    latency: ages.length === 0 ? Infinity : quantile(ages, 0.99),
    busy: (after.busy - from.busy) / 10 / (after.at - from.at),
  };
  console.log(JSON.stringify(held));
  for (const { source, decoded } of cameras) {
    source.end();
    await decoded[Symbol.asyncDispose]();
  }
  await Promise.allSettled(reading);
  Deno.exit(0);
}
