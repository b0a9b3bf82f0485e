import { assert, assertEquals, assertThrows } from "@std/assert";
import { packedBytes, packedPlanes } from "../src/media/mod.ts";
import { type Algorithm, BRIDGE_FORMATS, type BridgeFormat, type Scaler, type ScalerOptions } from "./mod.ts";
import { HAS_FFMPEG, native, picture, testInstance } from "./testing.ts";

const FFMPEG_FORMATS: Record<BridgeFormat, string> = {
  I420: "yuv420p",
  I422: "yuv422p",
  I444: "yuv444p",
  NV12: "nv12",
  I420P10: "yuv420p10le",
  RGB24: "rgb24",
  BGR24: "bgr24",
  RGBA: "rgba",
  BGRA: "bgra",
  GRAY8: "gray",
  RGBPF32: "gbrpf32le",
};
const FFMPEG_ALGORITHMS: Record<Algorithm, string> = {
  nearest: "neighbor",
  bilinear: "bilinear",
  area: "area",
  bicubic: "bicubic",
};
/** FFmpeg's names of H.273's numbers; 2 is not told. */
const MATRICES = ["bt709", "bt709", "bt601", "bt601", "fcc", "bt601", "bt601", "smpte240m", "bt601", "bt2020"];
/** Bytes before and after a target that nothing may be written to. */
const GUARD = 256;
const UNTOUCHED = 0xe7;

const pictures = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** The pixels of a picture of that shape, the same at every call. */
function pixels(format: BridgeFormat, width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const key = `${format} ${width}x${height}`;
  let made = pictures.get(key);
  if (!made) {
    const raw = ["-pix_fmt", FFMPEG_FORMATS[format], "-f", "rawvideo", "pipe:1"];
    made = native([...picture(width, height, { frames: 1 }), ...raw]);
    pictures.set(key, made);
  }
  return made;
}

async function ours(options: ScalerOptions): Promise<Uint8Array> {
  const { source, target } = options;
  const from = await pixels(source.format, source.width, source.height);
  const instance = await testInstance();
  using scaler: Scaler = instance.scaler(options);
  const bytes = packedBytes(target.format, target.width, target.height);
  const [a, room] = [instance.alloc(from.length), instance.alloc(bytes + 2 * GUARD)];
  const b = room + GUARD;
  instance.bytes.set(from, a);
  instance.bytes.fill(UNTOUCHED, room, b + bytes + GUARD);
  const places = (base: number, { format, width, height }: ScalerOptions["source"]) =>
    packedPlanes(format, width, height).map(({ offset, stride }) => ({ offset: base + offset, stride }));
  scaler.run(places(a, source), places(b, target));
  const around = [...instance.bytes.slice(room, b), ...instance.bytes.slice(b + bytes, b + bytes + GUARD)];
  assert(around.every((byte) => byte === UNTOUCHED), "nothing is written beside the target");
  assertEquals(instance.bytes.slice(a, a + from.length), from, "the source is left as it was");
  return instance.bytes.slice(b, b + bytes);
}

/** What native swscale makes of it, its ranges and matrix stated. */
async function theirs({ source, target, algorithm = "bilinear" }: ScalerOptions): Promise<Uint8Array> {
  const range = (full?: boolean) => full ? "pc" : "tv";
  const isRgb = /^(RGB|BGR)/.test(target.format);
  const scale = [
    ...[`scale=${target.width}:${target.height}`, `flags=${FFMPEG_ALGORITHMS[algorithm]}+accurate_rnd`],
    ...[`in_range=${range(source.fullRange)}`, `out_range=${range(target.fullRange || isRgb)}`],
    ...[`in_color_matrix=${MATRICES[source.matrix ?? 2]}`, `out_color_matrix=${MATRICES[source.matrix ?? 2]}`],
  ].join(":");
  // Native kernels in assembly may round otherwise: the same C is what must give the same.
  return await native([
    ...["-cpuflags", "0", "-f", "rawvideo", "-pix_fmt", FFMPEG_FORMATS[source.format]],
    ...["-s", `${source.width}x${source.height}`, "-i", "pipe:0", "-vf", scale],
    ...["-pix_fmt", FFMPEG_FORMATS[target.format], "-f", "rawvideo", "pipe:1"],
  ], await pixels(source.format, source.width, source.height));
}

function same(name: string, options: ScalerOptions): void {
  Deno.test({
    name: `scaled as native swscale does, to the bit: ${name}`,
    ignore: !HAS_FFMPEG,
    fn: async () => {
      const [a, b] = [await ours(options), await theirs(options)];
      assertEquals(a.length, b.length);
      const first = a.findIndex((byte, i) => byte !== b[i]);
      assert(first < 0, `the first byte that differs is ${first} of ${a.length}: ${a[first]}, native has ${b[first]}`);
    },
  });
}

/** What our own kernels do, with every algorithm but "nearest", and with that at equal size; resize_test.ts is about them. */
const OURS: { from: readonly BridgeFormat[]; to: readonly BridgeFormat[] } = {
  from: ["I420", "I422", "I444", "NV12", "I420P10", "GRAY8"],
  to: ["RGB24", "BGR24", "RGBA", "BGRA", "GRAY8"],
};

for (const format of ["I420", "I422", "I444", "I420P10", "GRAY8", "RGB24"] as const) {
  for (const to of BRIDGE_FORMATS) {
    if (to === "RGBPF32") continue;
    const algorithm = OURS.from.includes(format) && OURS.to.includes(to) ? "nearest" : "bilinear";
    same(`${format} to ${to}, smaller, odd sizes`, {
      source: { width: 161, height: 121, format },
      target: { width: 97, height: 55, format: to },
      algorithm,
    });
  }
}
for (const algorithm of Object.keys(FFMPEG_ALGORITHMS) as Algorithm[]) {
  for (const format of ["I420", "RGB24", "GRAY8"] as const) {
    if (algorithm !== "nearest" && OURS.to.includes(format)) continue;
    for (const [width, height] of [[160, 90], [320, 240], [500, 400]]) {
      if (format === "RGB24" && width === 320) continue;
      same(`I420 320x240 to ${format} ${width}x${height}, ${algorithm}`, {
        source: { width: 320, height: 240, format: "I420" },
        target: { width, height, format },
        algorithm,
      });
    }
  }
}
for (const fullRange of [false, true]) {
  for (const matrix of [1, 4, 5, 6, 7, 9]) {
    for (const [format, toFull] of [["RGB24", true], ["I420", false], ["I420", true], ["GRAY8", true]] as const) {
      const algorithm = OURS.to.includes(format) ? "nearest" : "bilinear";
      same(`${fullRange ? "full" : "video"} range, matrix ${matrix}, to ${format} ${toFull ? "full" : "video"} range`, {
        source: { width: 160, height: 120, format: "I420", fullRange, matrix },
        target: { width: 80, height: 60, format, fullRange: toFull },
        algorithm,
      });
    }
  }
}
same("a whole camera's picture", {
  source: { width: 1920, height: 1080, format: "I420", matrix: 1 },
  target: { width: 480, height: 270, format: "I420" },
  algorithm: "area",
});
same("a single pixel", {
  source: { width: 161, height: 121, format: "I420" },
  target: { width: 1, height: 1, format: "I420" },
});

Deno.test("a scaler that cannot be is an error, and its instance lives", async () => {
  const instance = await testInstance({ maximumBytes: 32 << 20 });
  const picture = { width: 16, height: 16, format: "I420" } as const;
  for (const width of [0, -1, 1 << 30, NaN]) {
    assertThrows(() => instance.scaler({ source: { ...picture, width }, target: picture }), Error, "Cannot scale");
    assertThrows(() => instance.scaler({ source: picture, target: { ...picture, width } }), Error, "Cannot scale");
  }
  assertEquals(instance.dead, false);
});

Deno.test("planes that are none are refused", async () => {
  const instance = await testInstance();
  using scaler = instance.scaler({
    source: { width: 16, height: 16, format: "I420" },
    target: { width: 8, height: 8, format: "RGB24" },
  });
  assertThrows(() => scaler.run([], []), RangeError, "Cannot scale a picture: Invalid argument");
  using swscale = instance.scaler({
    source: { width: 16, height: 16, format: "RGB24" },
    target: { width: 8, height: 8, format: "RGBPF32" },
  });
  assertThrows(() => swscale.run([], []), RangeError, "Cannot scale a picture: Invalid argument");
  assertEquals(instance.dead, false);
});

Deno.test("a scaler that was disposed of is not used", async () => {
  const instance = await testInstance();
  const picture = { width: 16, height: 16, format: "GRAY8" } as const;
  const scaler = instance.scaler({ source: picture, target: picture });
  scaler[Symbol.dispose]();
  scaler[Symbol.dispose]();
  assertThrows(() => scaler.run([], []), TypeError, "disposed");
  assertEquals(instance.dead, false);
});

Deno.test("scaling takes no memory, and scalers give theirs back", async () => {
  const instance = await testInstance({ maximumBytes: 34 << 20 });
  const source = { width: 640, height: 480, format: "I420" } as const;
  const target = { width: 480, height: 270, format: "RGB24" } as const;
  const [a, b] = [instance.alloc(packedBytes("I420", 640, 480)), instance.alloc(packedBytes("RGB24", 480, 270))];
  const from = packedPlanes("I420", 640, 480).map(({ offset, stride }) => ({ offset: a + offset, stride }));
  const to = [{ offset: b, stride: 480 * 3 }];
  for (let i = 0; i < 300; i++) {
    using scaler = instance.scaler({ source, target, algorithm: "bicubic" });
    scaler.run(from, to);
    using swscale = instance.scaler({ source, target, algorithm: "nearest" });
    if (i < 50) swscale.run(from, to);
  }
  assertEquals(instance.memory.buffer.byteLength, 32 << 20);
});

/** A picture of one value a plane, scaled; what comes out, packed. */
async function plain(options: ScalerOptions, values: readonly number[]): Promise<Uint8Array<ArrayBuffer>> {
  const { source, target } = options;
  const instance = await testInstance();
  using scaler = instance.scaler(options);
  const a = instance.alloc(packedBytes(source.format, source.width, source.height));
  const bytes = packedBytes(target.format, target.width, target.height), b = instance.alloc(bytes + GUARD);
  instance.bytes.fill(UNTOUCHED, b, b + bytes + GUARD);
  const places = (base: number, { format, width, height }: ScalerOptions["source"]) =>
    packedPlanes(format, width, height).map(({ offset, stride }) => ({ offset: base + offset, stride }));
  for (const [i, { offset, stride, rows }] of packedPlanes(source.format, source.width, source.height).entries()) {
    instance.bytes.fill(values[i], a + offset, a + offset + stride * rows);
  }
  scaler.run(places(a, source), places(b, target));
  assert(instance.bytes.slice(b + bytes, b + bytes + GUARD).every((byte) => byte === UNTOUCHED));
  return Uint8Array.from(instance.bytes.slice(b, b + bytes));
}

Deno.test("what a picture leaves over of its frame has the border's grey, in every format", async () => {
  const place = { x: 4, y: 2, width: 10, height: 6 }, [width, height] = [17, 11];
  for (const format of BRIDGE_FORMATS) {
    // White, so that the picture is seen within a border of 51, a fifth.
    const target = { width, height, format, place, border: 51, fullRange: true };
    const made = await plain({ source: { width: 20, height: 12, format: "I420" }, target }, [235, 128, 128]);
    const [first] = packedPlanes(format, width, height);
    const step = first.stride / width;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const within = x >= place.x && x < place.x + place.width && y >= place.y && y < place.y + place.height;
        const at = y * first.stride + x * step;
        const level = format === "RGBPF32"
          ? 255 * new DataView(made.buffer).getFloat32(at, true)
          : format === "I420P10"
          ? new DataView(made.buffer).getUint16(at, true) / 4
          : made[at];
        assert(Math.abs(level - (within ? 255 : 51)) <= 1, `${format}: ${level} at ${x},${y}`);
        if (format === "RGBA" || format === "BGRA") assertEquals(made[at + 3], 255);
      }
    }
    for (const { offset, stride, rows } of packedPlanes(format, width, height).slice(1)) {
      if (format === "RGBPF32") continue;
      const chroma = format === "I420P10"
        ? [...new Uint16Array(made.slice(offset, offset + stride * rows).buffer)].map((one) => one / 4)
        : [...made.subarray(offset, offset + stride * rows)];
      assert(chroma.every((one) => Math.abs(one - 128) <= 1), `${format} is grey`);
    }
  }
});

Deno.test("a picture is not put beyond its frame", async () => {
  const instance = await testInstance();
  const source = { width: 16, height: 16, format: "I420" } as const;
  for (const [x, y] of [[-1, 0], [0, -1], [1, 0], [0, 1]]) {
    const target = { ...source, place: { x, y, width: 16, height: 16 } };
    assertThrows(() => instance.scaler({ source, target }), RangeError, "Cannot put a picture");
  }
});

Deno.test("floats are normalized, those of our kernels and those of swscale's pictures", async () => {
  const normalize = { mean: [0.5, 0.25, 0] as const, std: [0.5, 2, 0.1] as const };
  const target = { width: 6, height: 4, format: "RGBPF32", normalize } as const;
  const expected = [(0.4 - 0.5) / 0.5, (0.4 - 0.25) / 2, 0.4 / 0.1];
  for (
    const [format, values, algorithm] of [["I420", [102, 128, 128], "bilinear"], ["RGB24", [102], "area"], ["I420", [
      102,
      128,
      128,
    ], "nearest"]] as const
  ) {
    const made = await plain({ source: { width: 8, height: 8, format, fullRange: true }, target, algorithm }, values);
    const floats = new Float32Array(made.buffer);
    for (const [i, value] of floats.entries()) {
      const [wanted, { std }] = [expected[Math.floor(i / 24)], normalize];
      // swscale's tables are up to two levels off.
      const off = Math.abs(value - wanted) * std[Math.floor(i / 24)] * 255;
      assert(off <= (algorithm === "bilinear" ? 0.1 : 2.1), `${format} by ${algorithm}: ${value}, not ${wanted}`);
    }
  }
});
