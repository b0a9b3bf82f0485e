import { Frame, NO_LEASE } from "../../src/media/mod.ts";
import { fill } from "./pattern.ts";

export const SHAPE = { width: 64, height: 32 } as const;
export const BYTES = SHAPE.width * SHAPE.height * 3;
export const RING = { protocol: "valkka", slots: 4, ...SHAPE } as const;

/** A frame of the peer's pattern; what the peer calls its time is 1700000000000 + sequence. */
export function picture(sequence: number, shape: { width: number; height: number } = SHAPE): Frame {
  const { width, height } = shape;
  const info = {
    ...shape,
    format: "RGB24",
    pts: sequence * 40_000,
    wallTime: 1_700_000_000_000 + sequence,
    receivedAt: Date.now(),
    keyframe: false,
    corrupt: false,
    sequence,
    generation: 0,
    missed: 0,
    streamId: 7,
  } as const;
  const data = fill(new Uint8Array(width * height * 3), sequence);
  return new Frame(info, [{ data, stride: width * 3, rowBytes: width * 3, rows: height }], NO_LEASE);
}
