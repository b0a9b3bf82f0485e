// Pure: no I/O.
import type { FilterStep, PixelFormat } from "../media/mod.ts";
import { scaledFullRange } from "./sample_range.ts";

/** A part of a picture, in pixels. */
export interface Place {
  x: number;
  y: number;
  width: number;
  height: number;
}

const HALVED: readonly PixelFormat[] = ["I420", "I422", "NV12", "I420P10"];

/**
 * Where `scale()` puts a picture with `fit: "letterbox"`: as large as fits with its sides' ratio kept, in the middle. In
 * formats with halved chroma, on even pixels.
 *
 * @example A box that a network found in a tensor of 640 x 640, back in the camera's picture.
 * ```ts
 * import { letterbox } from "../../mod.ts";
 *
 * const camera = { width: 1920, height: 1080 };
 * const place = letterbox(camera, { width: 640, height: 640, format: "RGBPF32" });
 * const x = (320 - place.x) * camera.width / place.width;
 * if (place.y !== 140 || place.height !== 360 || x !== 960) throw new Error("it is in the middle");
 * ```
 */
export function letterbox(
  picture: { width: number; height: number },
  frame: { width: number; height: number; format: PixelFormat },
): Place {
  const ratio = Math.min(frame.width / picture.width, frame.height / picture.height);
  const even = HALVED.includes(frame.format);
  const side = (length: number, most: number) => {
    const whole = Math.max(1, Math.min(most, Math.round(length * ratio)));
    return even && whole < most ? Math.max(Math.min(2, most), whole & ~1) : whole;
  };
  const [width, height] = [side(picture.width, frame.width), side(picture.height, frame.height)];
  const middle = (left: number) => even ? (left >> 1) & ~1 : left >> 1;
  return { x: middle(frame.width - width), y: middle(frame.height - height), width, height };
}

/** What a scaler is to make of a picture for a step. */
export function scalerTarget(
  step: Extract<FilterStep, { kind: "scale" }>,
  picture: { width: number; height: number },
  sourceFullRange: boolean,
) {
  const { width, height, format, border, normalize } = step;
  const place = step.fit === "letterbox" ? letterbox(picture, step) : undefined;
  return { width, height, format, fullRange: scaledFullRange(format, sourceFullRange), place, border, normalize };
}
