/** What the tests of partial decoding share: a stream, all its pictures, and a camera that a test pushes. */
import { assertEquals } from "@std/assert";
import { decode } from "../../src/decode/mod.ts";
import { encodedFeed } from "../../src/feed/mod.ts";
import type { PlannedFeed } from "../../src/feed/planned_feed.ts";
import { repeated, until } from "../../src/feed/testing.ts";
import { readVideoFile, type VideoFile } from "../../src/file/mod.ts";
import type { AccessUnit, DecodeStepOptions, Frame, FrameFeed } from "../../src/media/mod.ts";
import { FileSource } from "./file_source.ts";

/** Digests of pictures by their numbers. */
export type Pictures = Map<number, string>;

async function digest(frame: Frame): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-1", frame.copy() as Uint8Array<ArrayBuffer>);
  return new Uint8Array(hash).toHex();
}

/** Reads a feed to its end; what it gives, by sequence, in the order that it came. */
export async function collect(feed: AsyncIterable<Frame>, into: Pictures = new Map()): Promise<Pictures> {
  for await (using frame of feed) into.set(frame.sequence, await digest(frame));
  return into;
}

/** A stream, and what decoding all of it gives. */
export interface Stream {
  file: VideoFile;
  expected: Pictures;
  /** Frames from one keyframe to the next. */
  gop: number;
  /** Frames a second. */
  rate: number;
}

/** A file played so many times, and all its pictures. */
export async function stream(path: string, times: number): Promise<Stream> {
  const file = repeated(await readVideoFile(path), times);
  async function* units(): AsyncGenerator<AccessUnit> {
    for (const [sequence, unit] of file.units.entries()) {
      yield { ...unit, codec: file.codec, corrupt: false, generation: 0, receivedAt: 0, wallTime: null, sequence };
    }
  }
  const expected = await collect(decode()(units()));
  assertEquals(expected.size, file.units.length);
  const keyframes = file.units.flatMap(({ keyframe }, i) => keyframe ? [i] : []);
  return { file, expected, gop: keyframes[1] - keyframes[0], rate: file.frameRate };
}

/** A camera that a test pushes, and its decoded feed. */
export function cameraOf({ file }: Stream, options: DecodeStepOptions = {}) {
  const source = new FileSource(file, 1_024);
  const decoded = encodedFeed(source).branch({ capacity: 1_000 }).pipe(decode(options)) as PlannedFeed;
  /** Pushes the rest a few at a time, as a camera does; one first, for a decoder that comes late begins at the last keyframe. */
  const play = async (count = Infinity) => {
    for (let some = 0; count > 0; count -= some) {
      some = source.pushed === 0 ? 1 : Math.min(5, count);
      const more = source.push(some);
      const { accessUnits, skipped, unwanted, shed } = await decoded.decoderStats();
      let seen = accessUnits + skipped + unwanted + shed;
      if (!more) break;
      for (let round = 0; round < 2_000 && seen < source.pushed; round++) {
        await new Promise((done) => setTimeout(done, 2));
        const now = await decoded.decoderStats();
        seen = now.accessUnits + now.skipped + now.unwanted + now.shed;
      }
    }
  };
  return { source, decoded, play };
}

/** Has a reader begin before anything is pushed. */
export async function begin(
  decoded: PlannedFeed,
  feed: FrameFeed,
  into: Pictures = new Map(),
): Promise<() => Promise<Pictures>> {
  const reading = collect(feed, into);
  await until(async () => await decoded.decoding.attached !== null);
  await new Promise((done) => setTimeout(done, 50)); // the worker hears of the reader
  return () => reading;
}

/** Asserts that pictures are what decoding all of the stream gives. */
export function assertExact(pictures: Pictures, { expected }: Stream): void {
  for (const [sequence, hash] of pictures) assertEquals(hash, expected.get(sequence), `picture ${sequence}`);
}

/** Asserts that every access unit that was pushed is counted once, and none as lost. */
export async function assertAddsUp(decoded: PlannedFeed, pushed: number) {
  const counted = (stats: Awaited<ReturnType<typeof decoded.decoderStats>>) =>
    stats.accessUnits + stats.unwanted + stats.skipped + stats.shed;
  let stats = await decoded.decoderStats();
  // A reader's end may be known before the last of what nobody wanted is counted.
  for (let round = 0; round < 2_000 && counted(stats) < pushed; round++) {
    await new Promise((done) => setTimeout(done, 2));
    stats = await decoded.decoderStats();
  }
  assertEquals(counted(stats), pushed, JSON.stringify(stats));
  assertEquals([stats.skipped, stats.shed, stats.errors], [0, 0, 0]);
  return stats;
}
