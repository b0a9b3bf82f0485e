import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { type Codec, type DecodedFrame, FfmpegInstance, InstanceDeadError } from "./mod.ts";
import {
  decodeAll,
  encode,
  HAS_FFMPEG,
  md5,
  nativeMd5,
  picture,
  pixelsOf,
  startHelper,
  testInstance,
  testModule,
  type TestStream,
  type TestUnit,
} from "./testing.ts";

const MAXIMUM_BYTES = 128 << 20;

const x264 = (params: string) => [
  ...["-c:v", "libx264", "-pix_fmt", "yuv420p", "-x264-params", `threads=1:keyint=8:${params}`],
];
const ENCODERS: { name: string; codec: Codec; encoder: string[] }[] = [
  { name: "h264 CABAC", codec: "h264", encoder: x264("bframes=2:8x8dct=1") },
  { name: "h264 CAVLC, slices, interlaced", codec: "h264", encoder: [...x264("cabac=0:slices=3"), "-flags", "+ilme"] },
  {
    name: "hevc",
    codec: "hevc",
    encoder: ["-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=none:pools=1:keyint=8"],
  },
  { name: "mjpeg", codec: "mjpeg", encoder: ["-c:v", "mjpeg", "-pix_fmt", "yuvj420p"] },
];

/** Numbers that look random and are the same at every run, from 0 to below `limit`. */
function randomNumbers(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed ^= mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61);
    return ((mixed ^ mixed >>> 14) >>> 0) % limit;
  };
}

type Random = ReturnType<typeof randomNumbers>;

/** What a network, or somebody who means harm, does to a stream. */
const DAMAGES: Record<string, (units: readonly TestUnit[], random: Random) => TestUnit[]> = {
  "flipped bits": (units, random) =>
    units.map(({ data, pts }) => {
      const copy = data.slice();
      for (let i = 0; i < 1 + copy.length / 200; i++) copy[random(copy.length)] ^= 1 << random(8);
      return { data: copy, pts };
    }),
  "flipped bits in the heads": (units, random) =>
    units.map(({ data, pts }) => {
      const copy = data.slice();
      for (let i = 0; i < 3; i++) copy[random(Math.min(64, copy.length))] = random(256);
      return { data: copy, pts };
    }),
  "cut ends": (units, random) =>
    units.map(({ data, pts }) => ({ data: data.subarray(0, 1 + random(data.length)), pts })),
  "missing middles": (units, random) =>
    units.map(({ data, pts }) => {
      const from = random(data.length), to = from + random(data.length - from);
      return { data: Uint8Array.from([...data.subarray(0, from), ...data.subarray(to), 0]), pts };
    }),
  "lost and doubled access units": (units, random) => units.flatMap((unit) => [[], [unit], [unit, unit]][random(3)]),
  "another order": (units, random) => {
    const left = [...units];
    return units.map(() => left.splice(random(left.length), 1)[0]);
  },
  "two streams in one": (units, random) =>
    units.map(({ data, pts }) => {
      const other = units[random(units.length)].data;
      const cut = random(data.length);
      return { data: Uint8Array.from([...data.subarray(0, cut), ...other.subarray(cut % other.length), 0]), pts };
    }),
  "noise": (units, random) =>
    units.map(({ data, pts }) => ({
      data: data.map((byte, i) => i < 6 ? byte : random(256)),
      pts,
    })),
};

/** Asserts that a picture is one: every row of it lies in the memory. */
function assertInMemory(instance: FfmpegInstance, frame: DecodedFrame): void {
  assert(frame.width > 0 && frame.height > 0, `size is ${frame.width}x${frame.height}`);
  if (frame.format === null) return;
  // Reading past the end of the memory would give fewer bytes than were asked for, and `set` would leave zeros.
  for (const { offset, stride } of frame.planes) {
    const rows = offset + Math.abs(stride) * Math.ceil(frame.height / 2);
    assert(offset > 0 && rows <= instance.memory.buffer.byteLength, `plane at ${offset}, stride ${stride}`);
  }
  pixelsOf(instance, frame);
}

for (const { name, codec, encoder } of ENCODERS) {
  let made: Promise<TestStream> | null = null;
  for (const [kind, damage] of Object.entries(DAMAGES)) {
    Deno.test({
      name: `a damaged stream harms nobody: ${name}, ${kind}`,
      ignore: !HAS_FFMPEG,
      fn: async () => {
        const stream = await (made ??= encode(codec, picture(176, 144, { frames: 16 }), encoder));
        const expected = await nativeMd5(stream);
        const module = await testModule();
        let instance = await FfmpegInstance.create(module, { maximumBytes: MAXIMUM_BYTES });
        let traps = 0, frames = 0, errors = 0;
        for (let seed = 1; seed <= 12; seed++) {
          using decoder = instance.decoder(codec);
          try {
            const units = damage(stream.units, randomNumbers(seed * 7919));
            for (const { data, pts } of units) {
              if (typeof decoder.send(data, pts) === "number") errors++;
              for (let frame = decoder.receive(); frame; frame = decoder.receive()) {
                frames++;
                assertInMemory(instance, frame);
                frame.release();
              }
              if (decoder.lastError !== 0) errors++;
            }
            assert(instance.memory.buffer.byteLength <= MAXIMUM_BYTES);
            // What came before leaves no trace in what is whole.
            decoder.flush();
            const hashes: string[] = [];
            using other = instance.decoder(codec);
            decodeAll(other, stream.units, (frame) => hashes.push(md5(pixelsOf(instance, frame))));
            assertEquals(hashes, expected);
          } catch (error) {
            if (!(error instanceof InstanceDeadError)) throw error;
            traps++;
            assertEquals(instance.dead, true);
            assertThrows(() => instance.alloc(1), InstanceDeadError);
            instance = await FfmpegInstance.create(module, { maximumBytes: MAXIMUM_BYTES });
          }
        }
        assert(frames + errors + traps > 0);
        // A trap would be contained; that FFmpeg comes through these without one is worth knowing of.
        assertEquals(traps, 0, "traps");
      },
    });
  }
}

Deno.test({
  name: "damaged streams of HEVC give the same by two threads as by one",
  ignore: !HAS_FFMPEG,
  fn: async () => {
    const { codec, encoder } = ENCODERS.find(({ codec }) => codec === "hevc")!;
    const { units } = await encode(codec, picture(176, 144, { frames: 16 }), encoder);
    const [alone, helped] = [await testInstance(), await testInstance()];
    await using second = await startHelper(helped);
    for (const [kind, damage] of Object.entries(DAMAGES)) {
      for (let seed = 1; seed <= 8; seed++) {
        const [one, two] = [alone, helped].map((instance) => {
          using decoder = instance.decoder(codec);
          const seen: string[] = [];
          for (const { data, pts } of damage(units, randomNumbers(seed * 7919))) {
            seen.push(String(decoder.send(data, pts)));
            for (let frame = decoder.receive(); frame; frame = decoder.receive()) {
              assertInMemory(instance, frame);
              seen.push(`${frame.pts} ${frame.corrupt} ${frame.format && md5(pixelsOf(instance, frame))}`);
              frame.release();
            }
          }
          return seen;
        });
        assertEquals(two, one, `${kind}, seed ${seed}`);
      }
    }
    assertNotEquals(second.helper.done, 0);
  },
});

Deno.test({
  name: "half a picture is made whole as native FFmpeg does, and marked",
  ignore: !HAS_FFMPEG,
  fn: async () => {
    const stream = await encode("h264", picture(176, 144, { frames: 16 }), x264("bframes=0:scenecut=0"));
    const units = stream.units.map(({ data, pts }) => ({
      data: pts === 11 ? data.subarray(0, data.length >> 1) : data,
      pts,
    }));
    const data = new Uint8Array(await new Blob(units.map((unit) => unit.data.slice())).arrayBuffer());
    const instance = await FfmpegInstance.create(await testModule());
    using decoder = instance.decoder("h264");
    const hashes: string[] = [], marked: number[] = [];
    decodeAll(decoder, units, (frame) => {
      hashes.push(md5(pixelsOf(instance, frame)));
      if (frame.corrupt) marked.push(frame.pts);
    });
    // With more threads it fills holes from another picture, as that of before may not be there yet.
    assertEquals(hashes, await nativeMd5({ ...stream, data, units }, ["-threads", "1"]));
    assertEquals(marked, [11]);
  },
});

Deno.test("access units of every small size, of nothing and of noise, are errors at most", async () => {
  const random = randomNumbers(42);
  const instance = await FfmpegInstance.create(await testModule(), { maximumBytes: MAXIMUM_BYTES });
  for (const codec of ["h264", "hevc", "mjpeg"] as const) {
    using decoder = instance.decoder(codec);
    for (let bytes = 0; bytes < 80; bytes++) {
      for (const head of [[], [0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 0x67], [0, 0, 1, 0x42], [0xff, 0xd8, 0xff]]) {
        const data = Uint8Array.from({ length: bytes }, (_, i) => head[i] ?? random(256));
        decoder.send(data, bytes);
        for (let frame = decoder.receive(); frame; frame = decoder.receive()) frame.release();
      }
    }
  }
  assertEquals(instance.dead, false);
});

Deno.test("parameter sets of noise are refused or ignored", async () => {
  const random = randomNumbers(4711);
  const instance = await FfmpegInstance.create(await testModule(), { maximumBytes: MAXIMUM_BYTES });
  for (const codec of ["h264", "hevc", "mjpeg"] as const) {
    for (let i = 0; i < 200; i++) {
      const noise = Uint8Array.from({ length: 1 + random(60) }, () => random(256));
      // As an AVCDecoderConfigurationRecord begins, as Annex B begins, and as neither.
      if (i % 3 === 0) noise[0] = 1;
      else if (i % 3 === 1) noise.set([0, 0, 1].slice(0, noise.length));
      try {
        instance.decoder(codec, { parameterSets: noise })[Symbol.dispose]();
      } catch (error) {
        assert(error instanceof Error && error.message.startsWith("Cannot make a decoder"), String(error));
      }
    }
  }
  assertEquals(instance.dead, false);
});
