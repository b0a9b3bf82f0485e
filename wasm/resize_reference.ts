// Pure: no I/O.
import { packedPlanes } from "../src/media/mod.ts";
import type { BridgeFormat, ScalerOptions } from "./mod.ts";

/** What one sample is made of: the first of the source's, and what each counts for. */
interface Taps {
  first: number;
  weights: number[];
}

/** The weights of the filters, in double precision; beyond the edges, the edge's sample is repeated. */
function filter(extent: number, count: number, algorithm: string): Taps[] {
  const ratio = extent / count, scale = Math.max(1, ratio);
  const weight = (distance: number): number => {
    if (algorithm === "area" && ratio > 1) {
      return Math.max(0, Math.min(distance + 0.5, ratio / 2) - Math.max(distance - 0.5, -ratio / 2));
    }
    const d = Math.abs(distance) / scale;
    if (algorithm !== "bicubic") return Math.max(0, 1 - d);
    if (d >= 2) return 0;
    return d < 1 ? 1.4 * d ** 3 - 2.4 * d ** 2 + 1 : -0.6 * d ** 3 + 3 * d ** 2 - 4.8 * d + 2.4;
  };
  return Array.from({ length: count }, (_, i) => {
    const centre = (i + 0.5) * ratio - 0.5, reach = 2 * scale + 1;
    const first = Math.floor(centre - reach);
    const weights = Array.from({ length: Math.ceil(2 * reach) + 2 }, (_, k) => weight(first + k - centre));
    const sum = weights.reduce((a, b) => a + b);
    return { first, weights: weights.map((one) => one / sum) };
  });
}

/** A plane of numbers. */
interface Plane {
  values: Float64Array;
  width: number;
  height: number;
}

function scaled(plane: Plane, extent: [number, number], size: [number, number], algorithm: string): Plane {
  const [width, height] = size;
  const within = (at: number, count: number) => Math.min(Math.max(at, 0), count - 1);
  const across = filter(extent[0], width, algorithm), down = filter(extent[1], height, algorithm);
  const rows = new Float64Array(width * plane.height);
  for (let y = 0; y < plane.height; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = across[x];
      let sum = 0;
      for (let i = 0; i < weights.length; i++) {
        sum += weights[i] * plane.values[y * plane.width + within(first + i, plane.width)];
      }
      rows[y * width + x] = sum;
    }
  }
  const values = new Float64Array(width * height);
  for (let y = 0; y < height; y++) {
    const { first, weights } = down[y];
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * rows[within(first + i, plane.height) * width + x];
      values[y * width + x] = sum;
    }
  }
  return { values, width, height };
}

/** Kr and Kb of ITU-T H.273, by the number of the matrix. */
const MATRICES: Record<number, [number, number]> = {
  1: [0.2126, 0.0722],
  4: [0.30, 0.11],
  7: [0.212, 0.087],
  9: [0.2627, 0.0593],
  10: [0.2627, 0.0593],
};

const HALVED: Partial<Record<BridgeFormat, [number, number]>> = {
  I420: [2, 2],
  NV12: [2, 2],
  I420P10: [2, 2],
  I422: [2, 1],
};

/** The planes of a packed picture, as numbers of 8 bits and their fraction. */
function planesOf(pixels: Uint8Array, { format, width, height }: ScalerOptions["source"]): Plane[] {
  return packedPlanes(format, width, height).flatMap(({ offset, stride, rows }, plane): Plane[] => {
    const part = pixels.slice(offset, offset + stride * rows);
    if (format === "I420P10") {
      const words = new Uint16Array(part.buffer);
      return [{ values: Float64Array.from(words, (word) => word / 4), width: stride / 2, height: rows }];
    }
    if (format !== "NV12" || plane === 0) return [{ values: Float64Array.from(part), width: stride, height: rows }];
    return [0, 1].map((which) => ({
      values: Float64Array.from({ length: part.length / 2 }, (_, i) => part[2 * i + which]),
      width: stride / 2,
      height: rows,
    }));
  });
}

/**
 * What a picture is to become, in double precision, before it is rounded: red, green and blue, or grey, from 0 to 255, not
 * clipped. `shared`: four pixels have the chroma of one sample, as it lies, of 4:2:0 at equal size.
 */
export function reference(
  { source, target, algorithm = "bilinear" }: ScalerOptions,
  pixels: Uint8Array,
  shared = false,
): Float64Array[] {
  const planes = planesOf(pixels, source);
  const size: [number, number] = [target.width, target.height];
  const luma = scaled(planes[0], [source.width, source.height], size, algorithm).values;
  const [black, span] = source.fullRange ? [0, 255] : [16, 219];
  if (target.format === "GRAY8") {
    const [to, wide] = target.fullRange ? [0, 255] : [16, 219];
    return [luma.map((y) => to + (y - black) * wide / span)];
  }
  const [acrossBy, downBy] = HALVED[source.format] ?? [1, 1];
  const colour = planes.slice(1).map((plane) => {
    const extent: [number, number] = [source.width / acrossBy, source.height / downBy];
    if (!shared) return scaled(plane, extent, size, algorithm).values;
    const row = (i: number) => Math.floor(i / size[0]) >> 1, column = (i: number) => (i % size[0]) >> 1;
    return Float64Array.from(luma, (_, i) => plane.values[row(i) * plane.width + column(i)]);
  });
  const [kr, kb] = MATRICES[source.matrix ?? 2] ?? [0.299, 0.114];
  const wide = source.fullRange ? 255 : 224, kg = 1 - kr - kb;
  const made = [0, 1, 2].map(() => new Float64Array(luma.length));
  for (let i = 0; i < luma.length; i++) {
    const y = (luma[i] - black) / span;
    const [u, v] = [0, 1].map((which) => colour.length === 0 ? 0 : (colour[which][i] - 128) / wide);
    const red = y + 2 * (1 - kr) * v, blue = y + 2 * (1 - kb) * u;
    const green = (y - kr * red - kb * blue) / kg;
    [red, green, blue].forEach((one, channel) => made[channel][i] = 255 * one);
  }
  return made;
}
