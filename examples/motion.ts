import type { AnalysisContext, AnalysisFrame } from "../src/analysis/mod.ts";

/** What this analyzer says of each frame. */
export interface Motion {
  /** Of the frame, in microseconds. */
  pts: number;
  /** The share of the picture that changed since the frame before, 0 to 1. */
  score: number;
  motion: boolean;
}

/** What a program can set, in `parameters`. */
export interface MotionParameters {
  /** How much brighter or darker a pixel must be to have changed; less is noise of the sensor. @default {20} */
  step?: number;
  /** From which score on it is motion. @default {0.01} */
  threshold?: number;
}

/** The luma of the frame before; the frame's own pixels are gone when the function returns. */
let before = new Uint8Array(0);
let shape = "";

/**
 * Says how much of the picture changed. Takes GRAY8 frames of any size; of I420 and NV12 it looks at the luma, which is
 * their first plane.
 */
export default function (
  { planes: [luma], pts, width, height, generation, corrupt }: AnalysisFrame,
  { parameters }: AnalysisContext<MotionParameters | undefined>,
): Motion | undefined {
  // What a lost packet does to a picture is no motion.
  if (corrupt) return;
  const { step = 20, threshold = 0.01 } = parameters ?? {};
  const { data, stride } = luma;
  const first = shape !== (shape = `${width}x${height} ${generation}`);
  if (first) before = new Uint8Array(width * height);

  let changed = 0;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const value = data[y * stride + x];
      if (Math.abs(value - before[at]) > step) changed++;
      before[at] = value;
    }
  }
  const score = first ? 0 : changed / (width * height);
  return { pts, score, motion: score >= threshold };
}
