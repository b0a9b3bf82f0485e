import {
  type Filter,
  type FilterStep,
  Frame,
  isPixelFormat,
  packedBytes,
  packedPlanes,
  type PixelFormat,
  type ScaleAlgorithm,
  type ScaleFit,
  type ScaleNormalization,
} from "../media/mod.ts";
import type { Scaler } from "../../wasm/mod.ts";
import { scalerTarget } from "./letterbox.ts";
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
  /** `letterbox()` says where the picture goes. @default {"stretch"} */
  fit?: ScaleFit;
  /** The grey of what letterboxing leaves over, an integer from 0, black, to 255. @default {0} */
  border?: number;
  /** What RGBPF32 has in place of values from 0 to 1; of other formats it is a TypeError. */
  normalize?: ScaleNormalization;
}

type ScaleStep = Extract<FilterStep, { kind: "scale" }>;

const MAX_SIDE = 16_384;

/**
 * Scales and converts frames. On the frames of a decoder it runs beside it, and only for frames that something below
 * wants; on any other sequence it runs on this thread.
 *
 * Colours are converted by the camera's matrix and range. Into RGB, GRAY8 and RGBPF32 a picture is made by kernels of our
 * own, which round once, at the end, within 0.6 of a level of what double precision makes. 4:2:0 into RGB of the same size has
 * each pixel's chroma as it lies, four pixels to a sample, and is within 1.1 of a level; with "bicubic" chroma is interpolated.
 *
 * @throws {RangeError} where a side is not an integer from 1 to 16384, a border's level not one from 0 to 255, or a number to
 * normalize by is none, or 0 to divide by.
 * @throws {TypeError} where the format is none, or the fit, or where something else than RGBPF32 is to be normalized.
 *
 * @example
 * ```ts
 * import { scale } from "../../mod.ts";
 *
 * const small = scale({ width: 480, height: 270, format: "RGB24" });
 * if (small.step?.kind !== "scale") throw new Error("a built-in filter describes itself");
 * ```
 *
 * @example A network's input: 3 x 640 x 640 floats, `new Float32Array(frame.copy().buffer)`.
 * ```ts
 * import { scale } from "../../mod.ts";
 *
 * const tensor = scale({ width: 640, height: 640, format: "RGBPF32", fit: "letterbox", border: 114 });
 * if (tensor.step?.kind !== "scale") throw new Error("a built-in filter describes itself");
 * ```
 */
export function scale(options: ScaleOptions): Filter<Frame, Frame> {
  const { width, height, format, algorithm = "bilinear", fit = "stretch", border = 0, normalize } = options;
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1 || side > MAX_SIDE) {
      throw new RangeError(`Cannot scale to ${width}x${height}: sides are integers from 1 to ${MAX_SIDE}`);
    }
  }
  if (!isPixelFormat(format)) throw new TypeError(`Cannot scale to ${format}: it is no pixel format`);
  if (fit !== "stretch" && fit !== "letterbox") {
    throw new TypeError(`Cannot fit a picture by "${fit}": it is no way to`);
  }
  if (!Number.isInteger(border) || border < 0 || border > 255) {
    throw new RangeError(`Cannot have a border of level ${border}: levels are integers from 0 to 255`);
  }
  if (normalize) checkNormalization(normalize, format);
  const step = { kind: "scale", width, height, format, algorithm, fit, border, normalize } as const;
  return Object.assign((source: AsyncIterable<Frame>) => scaleHere(source, step), { step });
}

function checkNormalization({ mean, std }: ScaleNormalization, format: PixelFormat): void {
  if (format !== "RGBPF32") throw new TypeError(`Cannot normalize ${format}: only RGBPF32 is of floats`);
  if (mean.length !== 3 || std.length !== 3 || ![...mean, ...std].every(Number.isFinite) || std.includes(0)) {
    throw new RangeError(
      `Cannot normalize by mean ${mean} and std ${std}: each is of three numbers, std of none that is 0`,
    );
  }
}

async function* scaleHere(source: AsyncIterable<Frame>, target: ScaleStep): AsyncGenerator<Frame> {
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
          target: scalerTarget(target, frame, false),
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
