import { Frame } from "../../src/media/mod.ts";

/** Of so many frames each size. */
const EACH = 40;
const SIZES = [[64, 48], [96, 64], [32, 32]];

/** Frame number `i` as the first process makes it: all that is known of it follows from the number. */
export function chainFrame(i: number): Frame {
  const [width, height] = SIZES[Math.floor(i / EACH) % SIZES.length];
  return Frame.of(chainPixels(i, width * height), {
    ...{
      width,
      height,
      format: "GRAY8",
      pts: i * 40_000,
      wallTime: i % 3 === 0 ? null : 1e12 + i,
      receivedAt: 2e12 + i,
    },
    ...{ streamId: 40 + i % 5, generation: Math.floor(i / EACH), keyframe: i % 10 === 0, corrupt: i % 7 === 0 },
    blob: i % 2 === 0 ? new TextEncoder().encode(`frame ${i}`) : null,
  });
}

function chainPixels(i: number, bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => i * 7 + at * 3);
}

/** What went along with a frame, and its pixels. */
export function contentsOf(frame: Frame) {
  const { width, height, format, pts, wallTime, receivedAt, streamId, keyframe, corrupt, blob } = frame;
  return { width, height, format, pts, wallTime, receivedAt, streamId, keyframe, corrupt, blob, pixels: frame.copy() };
}
