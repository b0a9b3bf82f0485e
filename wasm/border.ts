// Pure: no I/O.
import type { BridgeFormat } from "./exports.ts";
import type { Normalization } from "./scaler.ts";

/** A part of a picture, in pixels. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What is around a picture that does not fill its frame. */
export interface Border {
  /** Bytes from a plane's first sample to the picture's in it. */
  offsetOf(plane: number, at: { stride: number }): number;
  /** Writes it. */
  fill(memory: Uint8Array, planes: readonly { offset: number; stride: number }[]): void;
}

/** Grey in one plane: the bytes of a sample, and by how many bits each side is halved. */
interface Grey {
  sample: readonly number[];
  shift: number;
}

const HALVED: readonly BridgeFormat[] = ["I420", "NV12", "I420P10"];

/**
 * The border of a frame whose picture is at `place`, grey of a level from 0 to 255.
 *
 * @throws {RangeError} where the place is not within the frame.
 */
export function makeBorder(frame: {
  width: number;
  height: number;
  format: BridgeFormat;
  place: Rectangle;
  fullRange?: boolean;
  border?: number;
  normalize?: Normalization;
}): Border {
  const { width, height, format, place } = frame;
  if (place.x < 0 || place.y < 0 || place.x + place.width > width || place.y + place.height > height) {
    throw new RangeError(
      `Cannot put a picture at ${place.x},${place.y} of ${width}x${height}: it is ${place.width}x${place.height}`,
    );
  }
  const parts = greyOf(format, frame.border ?? 0, frame.fullRange ?? false, frame.normalize).map(
    ({ sample, shift }, plane) => {
      const across = format === "I422" && plane > 0 ? 1 : shift;
      const up = (side: number, by: number) => (side + (1 << by) - 1) >> by;
      const row = new Uint8Array(up(width, across) * sample.length);
      for (let at = 0; at < row.length; at += sample.length) row.set(sample, at);
      return {
        row,
        rows: up(height, shift),
        left: (place.x >> across) * sample.length,
        right: up(place.x + place.width, across) * sample.length,
        top: place.y >> shift,
        bottom: up(place.y + place.height, shift),
      };
    },
  );
  return {
    offsetOf: (plane, { stride }) => plane < parts.length ? parts[plane].top * stride + parts[plane].left : 0,
    fill(memory, planes) {
      for (const [plane, { row, rows, left, right, top, bottom }] of parts.entries()) {
        const { offset, stride } = planes[plane];
        const [before, after] = [row.subarray(0, left), row.subarray(right)];
        for (let y = 0; y < rows; y++) {
          const at = offset + y * stride;
          if (y < top || y >= bottom) {
            memory.set(row, at);
          } else {
            if (before.length > 0) memory.set(before, at);
            if (after.length > 0) memory.set(after, at + right);
          }
        }
      }
    },
  };
}

function greyOf(format: BridgeFormat, level: number, fullRange: boolean, normalize?: Normalization): Grey[] {
  const full = (sample: readonly number[]): Grey => ({ sample, shift: 0 });
  switch (format) {
    case "RGB24":
    case "BGR24":
      return [full([level, level, level])];
    case "RGBA":
    case "BGRA":
      return [full([level, level, level, 255])];
    case "RGBPF32":
      return [0, 1, 2].map((i) => {
        const value = (level / 255 - (normalize?.mean[i] ?? 0)) / (normalize?.std[i] ?? 1);
        return full([...new Uint8Array(new Float32Array([value]).buffer)]);
      });
    case "GRAY8":
      return [full([yuvLevel(level, fullRange)])];
    case "I420P10": {
      const luma = Math.round(4 * (fullRange ? level : 16 + level * 219 / 255));
      const word = (value: number) => [value & 255, value >> 8];
      return [full(word(luma)), { sample: word(512), shift: 1 }, { sample: word(512), shift: 1 }];
    }
    case "NV12":
      return [full([yuvLevel(level, fullRange)]), { sample: [128, 128], shift: 1 }];
    default: {
      const chroma = { sample: [128], shift: HALVED.includes(format) ? 1 : 0 };
      return [full([yuvLevel(level, fullRange)]), chroma, chroma];
    }
  }
}

function yuvLevel(level: number, fullRange: boolean): number {
  return Math.round(fullRange ? level : 16 + level * 219 / 255);
}
