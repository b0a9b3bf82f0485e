import {
  type Filter,
  Frame,
  isPixelFormat,
  packedBytes,
  packedPlanes,
  type PixelFormat,
  type ScaleAlgorithm,
} from "../media/mod.ts";
import type { Scaler } from "../../wasm/mod.ts";
import { scaledFullRange } from "./sample_range.ts";
import { copyOut, localInstance } from "./local_instance.ts";

/** What to scale to. */
export interface ScaleOptions {
  /** In pixels. @default {the picture's} */
  width: number;
  height: number;
  /** RGB and GRAY8 come out over the full range, black is 0 and white 255; other YUV over the camera's own range. */
  format: PixelFormat;
  /** @default {"bilinear"} */
  algorithm?: ScaleAlgorithm;
}

const MAX_SIDE = 16_384;

/**
 * Scales and converts frames. On the frames of a decoder it runs beside it, and only for frames that something below
 * wants; on any other sequence it runs on this thread.
 *
 * @throws {RangeError} where a side is not an integer from 1 to 16384.
 * @throws {TypeError} where the format is none.
 *
 * @example
 * ```ts
 * import { scale } from "../../mod.ts";
 *
 * const small = scale({ width: 480, height: 270, format: "RGB24" });
 * if (small.step?.kind !== "scale") throw new Error("a built-in filter describes itself");
 * ```
 */
export function scale(options: ScaleOptions): Filter<Frame, Frame> {
  const { width, height, format, algorithm = "bilinear" } = options;
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1 || side > MAX_SIDE) {
      throw new RangeError(`Cannot scale to ${width}x${height}: sides are integers from 1 to ${MAX_SIDE}`);
    }
  }
  if (!isPixelFormat(format)) throw new TypeError(`Cannot scale to ${format}: it is no pixel format`);
  const step = { kind: "scale", width, height, format, algorithm } as const;
  return Object.assign((source: AsyncIterable<Frame>) => scaleHere(source, step), { step });
}

async function* scaleHere(source: AsyncIterable<Frame>, target: Required<ScaleOptions>): AsyncGenerator<Frame> {
  const instance = await localInstance();
  let scaler: Scaler | null = null;
  let shape = "";
  let rooms: [number, number] = [0, 0];
  const places = (base: number, frame: { format: PixelFormat; width: number; height: number }) =>
    packedPlanes(frame.format, frame.width, frame.height).map(({ offset, stride }) => ({
      offset: base + offset,
      stride,
    }));
  const close = () => {
    scaler?.[Symbol.dispose]();
    scaler = null;
    for (const room of rooms) if (room !== 0) instance.free(room);
    rooms = [0, 0];
  };
  try {
    for await (const frame of source) {
      using _lease = frame;
      const now = `${frame.width}x${frame.height} ${frame.format}`;
      if (now !== shape) {
        close();
        // Of a frame's YUV samples it is not known here whether they are over the full range; cameras' hardly ever are.
        const { width, height, format } = frame;
        scaler = instance.scaler({
          source: { width, height, format, fullRange: format === "GRAY8" },
          target: { ...target, fullRange: scaledFullRange(target.format, false) },
          algorithm: target.algorithm,
        });
        rooms = [
          instance.alloc(frame.byteLength),
          instance.alloc(packedBytes(target.format, target.width, target.height)),
        ];
        if (rooms.includes(0)) throw new RangeError(`Cannot scale ${now}: the sandbox has no memory for it`);
        shape = now;
      }
      frame.copy(instance.bytes.subarray(rooms[0], rooms[0] + frame.byteLength));
      scaler!.run(places(rooms[0], frame), places(rooms[1], target));
      const { width, height, format } = target;
      yield copyOut(instance, { ...infoOf(frame), width, height, format }, places(rooms[1], target));
    }
  } finally {
    close();
  }
}

function infoOf(frame: Frame) {
  const { pts, wallTime, receivedAt, keyframe, corrupt, sequence, generation, missed, streamId } = frame;
  return { pts, wallTime, receivedAt, keyframe, corrupt, sequence, generation, missed, streamId };
}
