// Pure: no I/O.

/** Pixels a second that take about a whole thread to decode: five cameras of 1080p25. */
const PIXELS_A_SECOND = 5 * 25 * 1920 * 1080;
/** What a camera is taken for that does not say how large it is. */
const UNKNOWN = { width: 1920, height: 1080, frameRate: 25 };

/** The share of a thread that decoding all of a stream takes, about; 0 means not known, for each. */
export function expectedLoad(stream: { width: number; height: number; frameRate: number }): number {
  const { width, height } = stream.width > 0 && stream.height > 0 ? stream : UNKNOWN;
  return width * height * (stream.frameRate || UNKNOWN.frameRate) / PIXELS_A_SECOND;
}

/** One decoder's load: what was measured, and what was expected for as long as it may not have been all yet. */
export function loadOf(decoder: { expected: number; measured: number; isNew: boolean }): number {
  return decoder.isNew ? Math.max(decoder.expected, decoder.measured) : decoder.measured;
}

/** The one with the least load; of equals the first. Undefined where there is none. */
export function leastLoaded<Worker extends { readonly load: number }>(workers: readonly Worker[]): Worker | undefined {
  return workers.reduce<Worker | undefined>((least, one) => least && least.load <= one.load ? least : one, undefined);
}
