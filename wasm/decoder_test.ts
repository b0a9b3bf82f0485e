import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import type { DecodedFrame, Decoder, FfmpegInstance, Skip } from "./mod.ts";
import {
  decodeAll,
  encode,
  HAS_FFMPEG,
  md5,
  nativeMd5,
  picture,
  pixelsOf,
  testInstance,
  type TestStream,
} from "./testing.ts";

const X264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params"];

/** Thirty pictures, a keyframe every ten, two B-frames that nothing refers to between any two others. */
let made: Promise<TestStream> | null = null;
const stream = () =>
  made ??= encode("h264", picture(320, 240, { frames: 30 }), [
    ...X264,
    "threads=1:keyint=10:bframes=2:b-adapt=0:b-pyramid=none:scenecut=0",
  ]);

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !HAS_FFMPEG, fn });

function hashes(instance: FfmpegInstance, decoder: Decoder, units: TestStream["units"]): string[] {
  const found: string[] = [];
  decodeAll(decoder, units, (frame) => found.push(md5(pixelsOf(instance, frame))));
  return found;
}

test("a decoder that is not read from says again, and nothing is lost", async () => {
  const { units } = await stream();
  const instance = await testInstance();
  using decoder = instance.decoder("h264");
  const found: string[] = [];
  let refused = 0;
  const receive = (most: number) => {
    for (let i = 0; i < most; i++) {
      const frame = decoder.receive();
      if (!frame) return;
      found.push(md5(pixelsOf(instance, frame)));
      frame.release();
    }
  };
  for (const { data, pts } of units) {
    // Every refusal takes out one picture alone, so that the decoder is always as full as it can be.
    while (decoder.send(data, pts) === "again") {
      refused++;
      receive(1);
    }
  }
  decoder.drain();
  receive(Infinity);
  assert(refused > 10, `it refused ${refused} times`);
  assertEquals(found, await nativeMd5(await stream()));
});

test("pictures that are held stay as they are while others are decoded", async () => {
  const { units } = await stream();
  const instance = await testInstance();
  using decoder = instance.decoder("h264");
  const held: { frame: DecodedFrame; hash: string }[] = [];
  const receive = () => {
    for (let frame = decoder.receive(); frame; frame = decoder.receive()) {
      held.push({ frame, hash: md5(pixelsOf(instance, frame)) });
    }
  };
  for (const { data, pts } of units) {
    decoder.send(data, pts);
    receive();
  }
  decoder.drain();
  receive();
  assertEquals(held.map(({ hash }) => hash), await nativeMd5(await stream()));
  assertEquals(new Set(held.map(({ frame }) => frame.planes[0].offset)).size, 30, "no two share their pixels");
  for (const { frame, hash } of held) assertEquals(md5(pixelsOf(instance, frame)), hash);
  for (const { frame } of held) frame.release();
});

test("pictures outlive their decoder", async () => {
  const { units } = await stream();
  const instance = await testInstance();
  const decoder = instance.decoder("h264");
  decoder.send(units[0].data, 0);
  decoder.drain();
  const frame = decoder.receive()!;
  const hash = md5(pixelsOf(instance, frame));
  decoder[Symbol.dispose]();
  decoder[Symbol.dispose]();
  using other = instance.decoder("h264");
  assertEquals(hashes(instance, other, units), await nativeMd5(await stream()));
  assertEquals(md5(pixelsOf(instance, frame)), hash);
  frame.release();
  frame.release();
});

Deno.test("a decoder that was disposed of is not used, and its instance lives", async () => {
  const instance = await testInstance();
  const decoder = instance.decoder("h264");
  decoder[Symbol.dispose]();
  assertThrows(() => decoder.send(new Uint8Array(4), 0), TypeError, "disposed");
  assertThrows(() => decoder.receive(), TypeError, "disposed");
  assertThrows(() => decoder.drain(), TypeError, "disposed");
  assertThrows(() => decoder.flush(), TypeError, "disposed");
  assertThrows(() => decoder.skip = "non-keyframes", TypeError, "disposed");
  assertEquals(decoder.skip, "none");
  assertEquals(instance.dead, false);
});

test("in the long run no memory is taken", async () => {
  const { units } = await stream();
  const instance = await testInstance();
  const passes: number[] = [];
  for (let pass = 0; pass < 30; pass++) {
    using decoder = instance.decoder("h264");
    decodeAll(decoder, units, () => {});
    passes.push(instance.memory.buffer.byteLength);
    // What is free in one piece must not become less: that is what a leak would eat first.
    const room = instance.alloc(20 << 20);
    assertNotEquals(room, 0);
    instance.free(room);
  }
  assertEquals(passes.at(-1), passes[2]);
});

test("pixels that are not given back are the caller's loss, up to the limit, and come back", async () => {
  const { units } = await stream();
  const instance = await testInstance({ maximumBytes: 34 << 20 });
  using decoder = instance.decoder("h264");
  const held: DecodedFrame[] = [];
  let refusal = 0;
  for (let pass = 0; pass < 40 && refusal === 0; pass++) {
    for (const { data, pts } of units) {
      const sent = decoder.send(data, pts);
      for (let frame = decoder.receive(); frame; frame = decoder.receive()) held.push(frame);
      if (typeof sent === "number") refusal = sent;
      else if (decoder.lastError !== 0) refusal = decoder.lastError;
    }
  }
  assert(refusal < 0, `an error came: ${refusal}`);
  assert(held.length > 100, `${held.length} pictures were held`);
  assertEquals(instance.dead, false);
  for (const frame of held) frame.release();
  decoder.flush();
  assertEquals(hashes(instance, decoder, units), await nativeMd5(await stream()));
});

test("a flush forgets what was held back, and a drained decoder goes on after one", async () => {
  const { units } = await stream();
  const instance = await testInstance();
  using decoder = instance.decoder("h264");
  const expected = await nativeMd5(await stream());
  assertEquals(hashes(instance, decoder, units), expected);
  assert(decoder.send(units[0].data, 0) !== "ok", "drained");
  decoder.flush();
  for (const { data, pts } of units.slice(0, 5)) decoder.send(data, pts);
  decoder.flush();
  assertEquals(decoder.receive(), null);
  assertEquals(hashes(instance, decoder, units), expected);
});

for (
  const [skip, nativeName, frames] of [["non-reference", "noref", 13], ["non-keyframes", "nokey", 3]] as [
    Skip,
    string,
    number,
  ][]
) {
  test(`skipping ${skip} gives what native FFmpeg gives`, async () => {
    const { units } = await stream();
    const instance = await testInstance();
    using decoder = instance.decoder("h264");
    decoder.skip = skip;
    assertEquals(decoder.skip, skip);
    const found = hashes(instance, decoder, units);
    assertEquals(found, await nativeMd5(await stream(), ["-skip_frame", nativeName]));
    assert(found.length <= frames, `${found.length} of 30 frames`);
    decoder.flush();
    decoder.skip = "none";
    assertEquals(hashes(instance, decoder, units), await nativeMd5(await stream()));
  });
}

test("a size that changes in the middle is followed", async () => {
  const small = await encode("h264", picture(160, 120, { frames: 12 }), [...X264, "threads=1:bframes=2"]);
  const large = await stream();
  const instance = await testInstance();
  using decoder = instance.decoder("h264");
  const units = [...large.units, ...small.units, ...large.units].map(({ data }, pts) => ({ data, pts }));
  const sizes: string[] = [], found: string[] = [];
  decodeAll(decoder, units, (frame) => {
    sizes.push(`${frame.width}x${frame.height}`);
    found.push(md5(pixelsOf(instance, frame)));
  });
  const [before, between] = [await nativeMd5(large), await nativeMd5(small)];
  assertEquals(found, [...before, ...between, ...before]);
  assertEquals(sizes, [
    ...before.map(() => "320x240"),
    ...between.map(() => "160x120"),
    ...before.map(() => "320x240"),
  ]);
});

test("parameter sets may come beside the stream", async () => {
  const single = await encode("h264", picture(320, 240, { frames: 10 }), [...X264, "threads=1:keyint=30:annexb=1"]);
  const first = single.units[0].data;
  // The first access unit is parameter sets, x264's note on itself, and the keyframe.
  const keyframe = first.findIndex((byte, i) => byte === 0x65 && first[i - 1] === 1 && first[i - 2] === 0);
  const bare = [{ ...single.units[0], data: first.subarray(keyframe - 3) }, ...single.units.slice(1)];
  const instance = await testInstance();
  using without = instance.decoder("h264");
  assertEquals(hashes(instance, without, bare), []);
  using decoder = instance.decoder("h264", { parameterSets: first.subarray(0, keyframe - 3) });
  assertEquals(hashes(instance, decoder, bare), await nativeMd5(single));
});

test("a picture larger than allowed is refused", async () => {
  const { units } = await stream();
  const instance = await testInstance();
  using decoder = instance.decoder("h264", { maxPixels: 320 * 240 - 1 });
  const before = instance.memory.buffer.byteLength;
  assert(typeof decoder.send(units[0].data, 0) === "number");
  assertEquals(decoder.receive(), null);
  assertEquals(instance.memory.buffer.byteLength, before);
});

test("without B-frames each access unit gives its picture at once", async () => {
  const plain = await encode("h264", picture(320, 240, { frames: 10 }), [...X264, "threads=1:bframes=0"]);
  const instance = await testInstance();
  for (const lowDelay of [false, true]) {
    using decoder = instance.decoder("h264", { lowDelay });
    for (const { data, pts } of plain.units) {
      assertEquals(decoder.send(data, pts), "ok");
      const frame = decoder.receive();
      assertEquals(frame?.pts, pts);
      frame?.release();
    }
  }
});

test("many decoders share an instance and disturb each other in nothing", async () => {
  const { units } = await stream();
  const jpeg = await encode("mjpeg", picture(162, 122, { frames: 30 }), ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"]);
  const instance = await testInstance();
  const lanes = Array.from({ length: 8 }, (_, i) => {
    const source = i % 2 === 0 ? { codec: "h264" as const, units } : jpeg;
    return { units: source.units, decoder: instance.decoder(source.codec), found: [] as string[] };
  });
  const receive = ({ decoder, found }: typeof lanes[number]) => {
    for (let frame = decoder.receive(); frame; frame = decoder.receive()) {
      found.push(md5(pixelsOf(instance, frame)));
      frame.release();
    }
  };
  for (let number = 0; number < 30; number++) {
    for (const lane of lanes) {
      lane.decoder.send(lane.units[number].data, number);
      receive(lane);
    }
  }
  const expected = [await nativeMd5(await stream()), await nativeMd5(jpeg)];
  lanes.forEach((lane, i) => {
    lane.decoder.drain();
    receive(lane);
    assertEquals(lane.found, expected[i % 2]);
    lane.decoder[Symbol.dispose]();
  });
});

test("pictures of other formats are decoded and have no name", async () => {
  const deep = await encode("h264", picture(160, 120, { frames: 3 }), [
    ...["-c:v", "libx264", "-pix_fmt", "yuv422p10le", "-x264-params", "threads=1"],
  ]);
  const instance = await testInstance();
  using decoder = instance.decoder("h264");
  const formats: unknown[] = [];
  decodeAll(decoder, deep.units, (frame) => formats.push(frame.format));
  assertEquals(formats, [null, null, null]);
});

test("colours are told as the stream tells them", async () => {
  const marked = await encode("h264", picture(160, 120, { frames: 2 }), [
    ...X264,
    "threads=1:colorprim=bt709:transfer=smpte170m:colormatrix=bt470bg:fullrange=on",
  ]);
  const instance = await testInstance();
  using decoder = instance.decoder("h264");
  decodeAll(decoder, marked.units, ({ primaries, transfer, matrix, fullRange, format }) => {
    assertEquals({ primaries, transfer, matrix, fullRange, format }, {
      ...{ primaries: 1, transfer: 6, matrix: 5, fullRange: true, format: "I420" },
    });
  });
});
