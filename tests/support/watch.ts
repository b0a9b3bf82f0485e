import { decode, openRtsp, type OpenRtspOptions } from "../../mod.ts";
import { md5 } from "../../wasm/testing.ts";
import type { RtspCameraStats } from "../../src/ingest/mod.ts";

/** What came of watching a camera. */
export interface Watched {
  frames: number;
  /** Frames that are none of the stream's, or say of themselves that they are damaged. */
  wrong: number;
  /** Of what the camera played since the first picture. */
  share: number;
  stats: RtspCameraStats;
}

/**
 * Decodes what comes of a camera for a while, and compares every frame with those that the lossless stream has.
 *
 * @param expected MD5 of each frame of the stream, by the native decoder.
 */
export async function watch(
  url: string,
  stream: { expected: readonly string[]; rate: number },
  options: OpenRtspOptions & { milliseconds: number; firstPicture?: () => void },
): Promise<Watched> {
  const { milliseconds, firstPicture, ...opening } = options;
  const known = new Set(stream.expected);
  let frames = 0, wrong = 0;
  await using camera = await openRtsp(url, opening);
  await using decoded = camera.video.branch({ capacity: 100 }).pipe(decode());
  firstPicture?.();
  const began = performance.now();
  let stats = camera.stats();
  const timer = setTimeout(() => {
    stats = camera.stats();
    void camera[Symbol.asyncDispose]();
  }, milliseconds);
  try {
    for await (using frame of decoded.branch({ capacity: 16, overflow: "block" })) {
      if (performance.now() - began > milliseconds) break;
      frames++;
      if (frame.corrupt || !known.has(md5(frame.copy()))) wrong++;
    }
  } finally {
    clearTimeout(timer);
  }
  return { frames, wrong, share: frames / (milliseconds / 1000 * stream.rate), stats };
}
