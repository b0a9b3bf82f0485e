import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { encode, HAS_FFMPEG } from "../../wasm/testing.ts";
import fc from "fast-check";
import { FileSource } from "../../tests/support/file_source.ts";
import { encodedFeed } from "../feed/mod.ts";
import { readAnnexB } from "../file/mod.ts";
import { type AccessUnit, Frame, NO_LEASE, packedPlanes, type PixelFormat } from "../media/mod.ts";
import { decode } from "./decode_filter.ts";
import { letterbox } from "./letterbox.ts";
import { scale } from "./scale_filter.ts";

/** A picture whose planes hold one value each. */
function plainFrame(format: PixelFormat, width: number, height: number, values: readonly number[]): Frame {
  const planes = packedPlanes(format, width, height).map(({ stride, rows }, i) => ({
    data: new Uint8Array(stride * rows).fill(values[i] ?? values[0]),
    ...{ stride, rowBytes: stride, rows },
  }));
  const info = {
    width,
    height,
    format,
    pts: 40_000,
    wallTime: 5,
    receivedAt: 6,
    keyframe: true,
    corrupt: false,
  } as const;
  return new Frame({ ...info, sequence: 3, generation: 2, missed: 1, streamId: 9 }, planes, NO_LEASE);
}

async function* listed<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

/** What `scale()` makes of one picture on this thread. */
async function scaled(frame: Frame, width: number, height: number, format: PixelFormat): Promise<Frame> {
  for await (const made of scale({ width, height, format })(listed(frame))) return made;
  throw new Error("nothing came out");
}

/** The value that every sample of a plane has. */
function levelOf(frame: Frame, plane = 0): number {
  const { data } = frame.planes[plane];
  assert(data.every((sample) => sample === data[0]), `plane ${plane} is not even`);
  return data[0];
}

/** An encoder may make black and white a level other. */
const near = (got: number, level: number) => Math.abs(got - level) <= 2;

Deno.test("scale() makes black 0 and white 255 in RGB and GRAY8, and leaves YUV as it is", async () => {
  for (const [luma, level] of [[16, 0], [235, 255], [126, 128]]) {
    for (const format of ["RGB24", "BGRA", "GRAY8"] as const) {
      for (const size of [[32, 24], [16, 12], [64, 48]]) {
        const made = await scaled(plainFrame("I420", 32, 24, [luma, 128, 128]), size[0], size[1], format);
        const got = format === "BGRA" ? made.planes[0].data[0] : levelOf(made);
        assertEquals(got, level, `luma ${luma} is ${got} in ${format} at ${size}`);
      }
    }
    const yuv = await scaled(plainFrame("I420", 32, 24, [luma, 90, 200]), 16, 12, "NV12");
    assertEquals([levelOf(yuv), yuv.planes[1].data[0], yuv.planes[1].data[1]], [luma, 90, 200]);
  }
  // What was GRAY8 before goes over the full range.
  assertEquals(levelOf(await scaled(plainFrame("GRAY8", 8, 8, [255]), 4, 4, "GRAY8")), 255);
  assertEquals(levelOf(await scaled(plainFrame("GRAY8", 8, 8, [255]), 4, 4, "RGB24")), 255);
  assertEquals(levelOf(await scaled(plainFrame("GRAY8", 8, 8, [255]), 4, 4, "I420")), 235);
});

/** Luma of a camera's black and white pictures, and what each format makes of them beside the decoder. */
for (const [range, pixels] of [["video", "yuv420p"], ["full", "yuvj420p"]] as const) {
  Deno.test({
    name: `scale() beside the decoder gives the same levels for a camera of ${range} range`,
    ignore: !HAS_FFMPEG,
    async fn() {
      for (const [colour, level] of [["black", 0], ["white", 255]] as const) {
        const input = ["-f", "lavfi", "-i", `color=${colour}:size=64x48:rate=25`, "-frames:v", "30"];
        const tags = ["-color_range", range === "full" ? "pc" : "tv"];
        const { data } = await encode("h264", input, [
          "-c:v",
          "libx264",
          "-pix_fmt",
          pixels,
          "-bf",
          "0",
          "-g",
          "5",
          ...tags,
        ]);
        const source = new FileSource(readAnnexB(data));
        const decoded = encodedFeed(source).branch().pipe(decode());
        const reading = (["GRAY8", "RGB24", "I420"] as const).map(async (format) => {
          for await (using frame of decoded.branch().pipe(scale({ width: 32, height: 24, format }))) {
            return levelOf(frame);
          }
        });
        const tensor = { width: 32, height: 32, format: "RGBPF32", fit: "letterbox", border: 51 } as const;
        const boxed = (async () => {
          for await (using frame of decoded.branch().pipe(scale(tensor))) return new Float32Array(frame.copy().buffer);
        })();
        const pushing = setInterval(() => source.push(1), 40);
        const luma = range === "full" ? level : level === 0 ? 16 : 235;
        const levels = await Promise.all(reading) as number[];
        assert(
          [level, level, luma].every((wanted, i) => near(levels[i], wanted)),
          `${colour} is ${levels} of ${range} range`,
        );
        const floats = await boxed;
        clearInterval(pushing);
        const { y, height } = letterbox({ width: 64, height: 48 }, tensor);
        assertEquals([floats?.length, y, height], [3 * 32 * 32, 4, 24]);
        for (const [i, value] of floats!.entries()) {
          const row = Math.floor(i / 32) % 32, wanted = row < y || row >= y + height ? 0.2 : level / 255;
          assert(Math.abs(value - wanted) < 0.01, `${value} in row ${row} of ${colour}, ${range} range`);
        }
        source.end();
        await decoded[Symbol.asyncDispose]();
      }
    },
  });
}

Deno.test("scale() keeps what is known of a frame, takes frames of any size in turn, and gives each back", async () => {
  const sizes = [[64, 48], [33, 17], [64, 48], [1, 1], [2, 160]];
  const frames = sizes.map(([width, height]) => plainFrame("I420", width, height, [100, 128, 128]));
  let seen = 0;
  for await (using frame of scale({ width: 20, height: 10, format: "I444" })(listed(...frames))) {
    const { width, height, format, pts, wallTime, receivedAt, sequence, generation, missed, streamId } = frame;
    assertEquals({ width, height, format }, { width: 20, height: 10, format: "I444" });
    assertEquals([pts, wallTime, receivedAt, sequence, generation, missed, streamId], [40_000, 5, 6, 3, 2, 1, 9]);
    assertEquals([levelOf(frame), levelOf(frame, 1), levelOf(frame, 2)], [100, 128, 128]);
    seen++;
  }
  assertEquals(seen, sizes.length);
  for (const frame of frames) assertThrows(() => frame.planes, TypeError, "disposed");
});

Deno.test("scale() refuses a size or a format that is none, where it was written", () => {
  for (const side of [0, -1, 1.5, NaN, 16_385]) {
    assertThrows(() => scale({ width: side, height: 8, format: "RGB24" }), RangeError, "sides are integers");
    assertThrows(() => scale({ width: 8, height: side, format: "RGB24" }), RangeError, "sides are integers");
  }
  assertThrows(() => scale({ width: 8, height: 8, format: "RGB" as PixelFormat }), TypeError, "no pixel format");
  const shape = { width: 8, height: 8, format: "RGBPF32" } as const;
  assertThrows(() => scale({ ...shape, fit: "cover" as "letterbox" }), TypeError, "no way to");
  for (const border of [-1, 256, 0.5, NaN]) assertThrows(() => scale({ ...shape, border }), RangeError, "levels are");
  const normalize = { mean: [0, 0, 0], std: [1, 1, 1] } as const;
  assertThrows(() => scale({ ...shape, format: "RGB24", normalize }), TypeError, "only RGBPF32");
  for (const std of [[1, 0, 1], [1, 1, NaN]] as [number, number, number][]) {
    assertThrows(() => scale({ ...shape, normalize: { mean: [0, 0, 0], std } }), RangeError, "Cannot normalize");
  }
});

Deno.test("scale() letterboxes into a tensor, on this thread and with what letterbox() says", async () => {
  const options = { width: 64, height: 64, format: "RGBPF32", fit: "letterbox", border: 51 } as const;
  const place = letterbox({ width: 32, height: 18 }, options);
  assertEquals(place, { x: 0, y: 14, width: 64, height: 36 });
  for await (using made of scale(options)(listed(plainFrame("I420", 32, 18, [235, 128, 128])))) {
    assertEquals([made.format, made.width, made.height, made.planes.length], ["RGBPF32", 64, 64, 3]);
    const tensor = new Float32Array(made.copy().buffer);
    assertEquals(tensor.length, 3 * 64 * 64);
    for (const [i, value] of tensor.entries()) {
      const y = Math.floor(i / 64) % 64;
      assert(Math.abs(value - (y >= 14 && y < 50 ? 1 : 0.2)) < 0.001, `${value} in row ${y}`);
    }
  }
});

Deno.test("letterbox() keeps the ratio of the sides, within the frame, on even pixels where chroma is halved", () => {
  const side = fc.integer({ min: 1, max: 4096 });
  fc.assert(fc.property(side, side, side, side, fc.constantFrom("RGB24", "I420"), (w, h, width, height, format) => {
    const place = letterbox({ width: w, height: h }, { width, height, format });
    assert(place.x >= 0 && place.y >= 0 && place.width >= 1 && place.height >= 1);
    assert(place.x + place.width <= width && place.y + place.height <= height);
    assert(place.width === width || place.height === height, "it touches two edges");
    const ratio = Math.min(width / w, height / h);
    assert(Math.abs(place.width - w * ratio) <= 2 && Math.abs(place.height - h * ratio) <= 2);
    if (format === "I420") assertEquals([place.x % 2, place.y % 2], [0, 0]);
  }));
});

Deno.test("decode() on this thread says that nothing came, and passes the source's error on", async () => {
  const frames = [];
  for await (using frame of decode()(listed<AccessUnit>())) frames.push(frame);
  assertEquals(frames, []);
  async function* failing(): AsyncGenerator<AccessUnit> {
    yield* [];
    throw new RangeError("the cable was pulled");
  }
  await assertRejects(
    async () => {
      for await (using _frame of decode()(failing())) { /* none comes */ }
    },
    RangeError,
    "the cable was pulled",
  );
});
