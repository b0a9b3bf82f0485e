import { type AccessUnit, Frame, type FrameInfo } from "../../src/media/mod.ts";

/** A name that nobody else has. */
export const freshName = () => `millrace-test-${crypto.randomUUID()}`;

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A grey picture, all of whose pixels are `value`. */
export function grey(value: number, width: number, height: number, more: Partial<FrameInfo> = {}): Frame {
  const info = { width, height, format: "GRAY8", pts: value * 1_000, sequence: value, ...more } as const;
  return Frame.of(new Uint8Array(width * height).fill(value), info);
}

/** An access unit of `bytes` bytes that are its number; every tenth is a keyframe. */
export function unit(sequence: number, bytes = 100, more: Partial<AccessUnit> = {}): AccessUnit {
  return {
    codec: "h264",
    data: new Uint8Array(bytes).fill(sequence),
    pts: sequence * 40_000,
    dts: sequence * 40_000 - 5,
    keyframe: sequence % 10 === 0,
    corrupt: false,
    sequence,
    generation: 3,
    receivedAt: 1_000 + sequence,
    wallTime: sequence % 2 === 0 ? 5_000 + sequence : null,
    ...more,
  };
}

/** Whether all bytes are one value. */
export const isAll = (bytes: Uint8Array, value: number) => bytes.every((byte) => byte === (value & 255));
