import { assert, assertEquals } from "@std/assert";
import { decode, openRtsp, type OpenRtspOptions } from "../../mod.ts";
import { md5 } from "../../wasm/testing.ts";

/** A frame as a reader at the end of the pipeline got it. */
export interface PlayedFrame {
  md5: string;
  pts: number;
  sequence: number;
  streamId: number;
  missed: number;
  corrupt: boolean;
}

/**
 * Opens a camera, decodes, and takes so many frames; nothing is dropped between the socket and here.
 *
 * @param options.skips Pictures that may be held back on the way to what can be decoded. @default {0}
 */
export async function play(
  url: string,
  count: number,
  options: OpenRtspOptions & { skips?: number },
): Promise<PlayedFrame[]> {
  const { skips = 0, ...rest } = options;
  // Room for all that a busy machine may be behind by: clips are played at twenty times their speed.
  await using camera = await openRtsp(url, { slots: 1_000 + count, bufferBytes: 64 << 20, ...rest });
  await using frames = camera.video.branch({ capacity: 1_000 + count }).pipe(decode());
  const played: PlayedFrame[] = [];
  for await (using frame of frames.branch({ capacity: 16, overflow: "block" })) {
    const { pts, sequence, streamId, missed, corrupt } = frame;
    played.push({ md5: md5(frame.copy()), pts, sequence, streamId, missed, corrupt });
    if (played.length === count) break;
  }
  const { lost, oversize, skipped } = camera.stats(), decoder = frames.decoderStats();
  assertEquals([played.length, lost, oversize, Math.max(0, skipped - skips)], [count, 0, 0, 0]);
  assertEquals([decoder.skipped, decoder.shed], [0, 0], "access units that the decoder had no time for");
  return played;
}

/** Asserts that the frames are those of a file in their order, from any of them on, and going round where the file does. */
export function assertFramesOf(played: readonly PlayedFrame[], frames: readonly string[], streamId: number): void {
  const begin = frames.indexOf(played[0].md5);
  assert(begin >= 0, "the first frame is none of the file's");
  played.forEach((frame, i) => {
    const at = (begin + i) % frames.length;
    assertEquals(frame.md5, frames[at], `frame ${i} is not the file's frame ${at}, but ${frames.indexOf(frame.md5)}`);
    assertEquals([frame.streamId, frame.missed, frame.corrupt], [streamId, 0, false], `frame ${i}`);
    if (i > 0) assert(frame.pts > played[i - 1].pts, `frame ${i}: pts goes from ${played[i - 1].pts} to ${frame.pts}`);
  });
}
