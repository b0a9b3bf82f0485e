import { assert, assertEquals } from "@std/assert";
import { packedBytes, packedPlanes } from "../src/media/mod.ts";
import type { Algorithm, BridgeFormat, FfmpegInstance, ScalerOptions } from "./mod.ts";
import { reference } from "./resize_reference.ts";
import { HAS_FFMPEG, native, testInstance } from "./testing.ts";

/** Where red, green and blue are in a pixel of so many bytes. */
const CHANNELS: Partial<Record<BridgeFormat, [bytes: number, places: number[]]>> = {
  RGB24: [3, [0, 1, 2]],
  BGR24: [3, [2, 1, 0]],
  RGBA: [4, [0, 1, 2]],
  BGRA: [4, [2, 1, 0]],
  GRAY8: [1, [0]],
};
const GUARD = 256;
const UNTOUCHED = 0xe7;
/** What a sample may be from the true one, in levels: half a level of rounding, and what the arithmetic on the way costs. */
const BYTES_WITHIN = 0.6;
const FLOATS_WITHIN = 0.1;
/** 4:2:0 into RGB of its size: luma's and chroma's share are rounded each. */
const EQUAL_WITHIN = 1.1;
/** Grey has no share of chroma's. */
const GREY_WITHIN = 0.65;

/** Random numbers from 0 to 1 that are the same in each run. */
function random(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

type Content = "random" | "extreme" | "smooth";

/** Any values, the least and the greatest alone, or slow waves. */
function pictureOf(content: Content, { format, width, height }: ScalerOptions["source"], seed: number): Uint8Array {
  const next = random(seed), most = format === "I420P10" ? 1023 : 255;
  const bytes = packedBytes(format, width, height);
  const samples = format === "I420P10" ? new Uint16Array(bytes / 2) : new Uint8Array(bytes);
  for (let i = 0; i < samples.length; i++) {
    samples[i] = content === "random"
      ? Math.floor(next() * (most + 1))
      : content === "extreme"
      ? (next() < 0.5 ? 0 : most)
      : Math.round(most * (0.5 + 0.45 * Math.sin(i / 50 + i % width / 20)));
  }
  return new Uint8Array(samples.buffer);
}

let shared: Promise<FfmpegInstance> | null = null;

/** The channels that come out, one after another; rows have a space between them that is not written to. */
async function made(options: ScalerOptions, pixels: Uint8Array): Promise<Float64Array[]> {
  const { source, target } = options;
  const instance = await (shared ??= testInstance());
  using scaler = instance.scaler(options);
  const planes = packedPlanes(target.format, target.width, target.height);
  const strides = planes.map(({ stride }) => (stride + 20) & ~3);
  const bytes = planes.reduce((sum, { rows }, i) => sum + rows * strides[i], 0);
  const from = instance.alloc(pixels.length), room = instance.alloc(bytes + 2 * GUARD);
  instance.bytes.set(pixels, from);
  instance.bytes.fill(UNTOUCHED, room, room + bytes + 2 * GUARD);
  let at = room + GUARD;
  const to = planes.map(({ rows }, i) => {
    const plane = { offset: at, stride: strides[i] };
    at += rows * strides[i];
    return plane;
  });
  const places = packedPlanes(source.format, source.width, source.height);
  scaler.run(places.map(({ offset, stride }) => ({ offset: from + offset, stride })), to);
  assertEquals(instance.bytes.slice(from, from + pixels.length), pixels, "the source is left as it was");

  const touched = instance.bytes.slice(room, room + bytes + 2 * GUARD);
  instance.free(from);
  instance.free(room);
  const rows = planes.map(({ stride, rows }, i) =>
    Array.from({ length: rows }, (_, y) => {
      const begin = to[i].offset - room + y * strides[i];
      const row = touched.slice(begin, begin + stride);
      touched.fill(UNTOUCHED, begin, begin + stride);
      return row;
    })
  );
  const beside = touched.findIndex((byte) => byte !== UNTOUCHED);
  assert(beside < 0, `${JSON.stringify(options)}: byte ${beside - GUARD} of ${bytes} beside the target is written to`);
  if (target.format === "RGBPF32") {
    return rows.map((plane) => Float64Array.from(plane.flatMap((row) => [...new Float32Array(row.buffer)])));
  }
  const [step, channels] = CHANNELS[target.format]!;
  if (step === 4) assert(rows[0].every((row) => row.every((byte, i) => i % 4 !== 3 || byte === 255)), "it is opaque");
  return channels.map((channel) =>
    Float64Array.from(rows[0].flatMap((row) => [...row].filter((_, i) => i % step === channel)))
  );
}

function within(level: number): number {
  return Math.min(255, Math.max(0, level));
}

/** Whether chroma is taken as it lies. */
function isEqual({ source, target, algorithm }: ScalerOptions): boolean {
  return source.width === target.width && source.height === target.height && algorithm !== "bicubic" &&
    ["I420", "NV12"].includes(source.format) && !["RGBPF32", "GRAY8"].includes(target.format);
}

/** How far the farthest may be from the reference, in levels. */
function bound(options: ScalerOptions): number {
  return options.target.format === "RGBPF32" ? FLOATS_WITHIN : isEqual(options) ? EQUAL_WITHIN : BYTES_WITHIN;
}

/** How far the farthest is from the reference, in levels. */
async function farthest(options: ScalerOptions, content: Content, seed: number): Promise<number> {
  const { source, target } = options;
  const pixels = pictureOf(content, source, seed);
  const expected = reference(options, pixels, isEqual(options));
  const scale = target.format === "RGBPF32" ? 255 : 1;
  let most = 0;
  for (const [channel, values] of (await made(options, pixels)).entries()) {
    assertEquals(values.length, expected[channel].length);
    values.forEach((value, i) => {
      const off = Math.abs(value * scale - within(expected[channel][i]));
      if (!(off <= most)) most = off;
    });
  }
  return most;
}

const SIZES: [from: [number, number], to: [number, number]][] = [
  [[64, 48], [64, 48]],
  [[33, 17], [33, 17]],
  [[121, 91], [77, 39]],
  [[100, 60], [50, 30]],
  [[100, 46], [25, 12]],
  [[144, 48], [24, 8]],
  [[40, 30], [65, 49]],
  [[200, 90], [7, 5]],
  [[1, 1], [5, 3]],
  [[3, 2], [1, 1]],
  [[17, 31], [64, 31]],
];
const SOURCES = ["I420", "NV12", "I422", "I444", "I420P10", "GRAY8"] as const;
const TARGETS = ["RGB24", "BGR24", "RGBA", "BGRA", "GRAY8", "RGBPF32"] as const;
const ALGORITHMS: Algorithm[] = ["bilinear", "area", "bicubic"];

for (const algorithm of ALGORITHMS) {
  for (const format of SOURCES) {
    Deno.test(`${format} scaled by ${algorithm} is what double precision makes of it, in each format and size`, async () => {
      let seed = 1;
      for (const [[width, height], [toWidth, toHeight]] of SIZES) {
        for (const to of TARGETS) {
          const content = (["random", "extreme", "smooth"] as const)[seed % 3];
          const fullRange = seed % 4 < 2, matrix = [1, 4, 5, 7, 9][seed % 5];
          const options: ScalerOptions = {
            source: { width, height, format, fullRange, matrix },
            target: { width: toWidth, height: toHeight, format: to, fullRange: true },
            algorithm,
          };
          const off = await farthest(options, content, seed++);
          assert(off <= bound(options), `${JSON.stringify(options)} of ${content} samples is ${off} levels off`);
        }
      }
    });
  }
}

Deno.test("every matrix and range at equal size is what double precision makes of it, at the extremes as well", async () => {
  let seed = 100;
  for (const matrix of [1, 2, 4, 5, 6, 7, 9, 10]) {
    for (const fullRange of [false, true]) {
      for (const format of ["I420", "NV12"] as const) {
        for (const content of ["random", "extreme"] as const) {
          for (const to of ["RGB24", "RGBA", "BGRA"] as const) {
            const source = { width: 50, height: 34, format, fullRange, matrix };
            const target = { width: 50, height: 34, format: to };
            const options: ScalerOptions = { source, target, algorithm: seed % 3 ? "bilinear" : "nearest" };
            const off = await farthest(options, content, seed++);
            assert(
              off <= bound(options),
              `matrix ${matrix}, full range ${fullRange}, ${format}, ${content} to ${to}: ${off} levels off`,
            );
          }
        }
      }
    }
  }
});

Deno.test("at equal size each level of grey stays grey, and in its place", async () => {
  const [width, height] = [256, 2];
  const pixels = new Uint8Array(packedBytes("I420", width, height)).fill(128);
  for (let i = 0; i < width * height; i++) pixels[i] = i % 256;
  for (const format of ["RGB24", "RGBA", "BGRA"] as const) {
    for (const fullRange of [false, true]) {
      const source = { width, height, format: "I420", fullRange, matrix: 1 } as const;
      const options: ScalerOptions = { source, target: { width, height, format } };
      const [expected] = reference(options, pixels, true), [red, green, blue] = await made(options, pixels);
      assertEquals(green, red);
      assertEquals(blue, red);
      red.forEach((level, i) => {
        const off = Math.abs(level - within(expected[i]));
        assert(off <= GREY_WITHIN, `${format}, full range ${fullRange}: level ${i % 256} is ${off} off`);
      });
    }
  }
});

/** The root of the mean of squares that samples are from what they should be. */
function deviation(values: ArrayLike<number>, expected: Float64Array): number {
  const sum = expected.reduce((sum, one, i) => sum + (values[i] - within(one)) ** 2, 0);
  return Math.sqrt(sum / expected.length);
}

/** What native swscale, rounding as well as it can, makes of it: channels one after another. */
async function swscale({ source, target, algorithm }: ScalerOptions, pixels: Uint8Array): Promise<Uint8Array[]> {
  const scale = `scale=${target.width}:${target.height}:flags=${algorithm}+accurate_rnd:in_range=tv:out_range=pc` +
    ":in_color_matrix=bt709";
  const [format, channels] = target.format === "GRAY8" ? ["gray", 1] : ["rgb24", 3];
  const bytes = await native([
    ...["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", `${source.width}x${source.height}`, "-i", "pipe:0"],
    ...["-vf", scale, "-pix_fmt", format, "-f", "rawvideo", "pipe:1"],
  ], pixels as Uint8Array<ArrayBuffer>);
  return Array.from({ length: channels }, (_, channel) => bytes.filter((_, i) => i % channels === channel));
}

Deno.test({
  name: "what is scaled is no farther from double precision than what native swscale makes with accurate_rnd",
  ignore: !HAS_FFMPEG,
  async fn() {
    for (const algorithm of ["bilinear", "area", "bicubic"] as const) {
      for (const format of ["RGB24", "GRAY8"] as const) {
        for (const [width, height] of [[192, 108], [96, 54], [48, 27], [64, 64]]) {
          const options: ScalerOptions = {
            source: { width: 192, height: 108, format: "I420", matrix: 1 },
            target: { width, height, format, fullRange: true },
            algorithm,
          };
          // Chroma that varies slowly: where it does not, swscale's sharing of it between pixels is what is seen.
          const pixels = pictureOf("smooth", options.source, 1);
          const expected = reference(options, pixels, isEqual(options));
          const theirs = await swscale(options, pixels);
          for (const [channel, values] of (await made(options, pixels)).entries()) {
            // Where both round as well as can be, they differ by samples that lie half way between two levels.
            const [ours, native] = [values, theirs[channel]].map((one) => deviation(one, expected[channel]));
            assert(
              ours <= native + 0.001 && ours < (isEqual(options) ? 0.42 : 0.32),
              `${width}x${height} ${format} by ${algorithm}, channel ${channel}: ours is ${ours} off, swscale's ${native}`,
            );
          }
        }
      }
    }
  },
});
