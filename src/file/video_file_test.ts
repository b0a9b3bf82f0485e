import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { encode, HAS_FFMPEG, native, picture, type TestStream } from "../../wasm/testing.ts";
import { reorderedClip } from "../../tests/support/clips.ts";
import { jpegFilesOf } from "./mjpeg.ts";
import { readAnnexB, readVideoFile, type VideoFile } from "./mod.ts";

const x264 = (params: string) => ["-c:v", "libx264", "-x264-params", `threads=1:${params}`];
const x265 = (
  params: string,
) => ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", `log-level=none:${params}`];
const FIELDS = ["-flags", "+ildct+ilme", "-top", "1"];
const STREAMS: Record<string, () => Promise<TestStream>> = {
  "no B-frames": () => encode("h264", picture(64, 48, { frames: 12 }), x264("bframes=0:keyint=5")),
  "a pyramid of B-frames": () =>
    encode("h264", picture(64, 48, { frames: 40 }), x264("bframes=3:b-adapt=0:b-pyramid=normal:keyint=12")),
  "open groups of pictures": () =>
    encode("h264", picture(64, 48, { frames: 40 }), x264("open-gop=1:bframes=3:b-adapt=0:keyint=8")),
  "four slices and delimiters": () =>
    encode("h264", picture(64, 96, { frames: 12 }), x264("slices=4:bframes=2:aud=1:keyint=6")),
  "interlaced, B-frames": () =>
    encode("h264", picture(64, 96, { frames: 20, filter: "interlace" }), [...x264("tff=1:bframes=2"), ...FIELDS]),
  "order that wraps": () =>
    encode("h264", picture(32, 32, { frames: 300 }), x264("bframes=2:b-adapt=0:keyint=1000:scenecut=0")),
  "hevc": () => encode("hevc", picture(64, 64, { frames: 12 }), x265("slices=2")),
  "hevc, open groups of pictures": () =>
    encode("hevc", picture(64, 64, { frames: 40 }), x265("open-gop=1:keyint=8:bframes=4:b-adapt=0:b-pyramid=1")),
  "hevc, closed groups of pictures": () =>
    encode("hevc", picture(64, 64, { frames: 40 }), x265("open-gop=0:keyint=8:bframes=3:b-adapt=0:aud=1")),
  "hevc, order that wraps": () =>
    encode("hevc", picture(64, 64, { frames: 300 }), x265("keyint=1000:scenecut=0:bframes=2:log2-max-poc-lsb=4")),
};

for (const [name, make] of Object.entries(STREAMS)) {
  Deno.test({
    name: `readAnnexB() splits a stream where the encoder did, and knows when its pictures are shown: ${name}`,
    ignore: !HAS_FFMPEG,
    async fn() {
      const { codec, data, units } = await make();
      const file = readAnnexB(data);
      assertEquals(file.codec, codec);
      assertEquals(file.units.map((unit) => unit.data.length), units.map((unit) => unit.data.length));
      assertEquals(file.units[0].keyframe, true);
      assertTimes(file);
      const first = Math.min(...units.map((unit) => unit.pts));
      const rate = Math.round(file.frameRate * 1000) / 1000;
      assertEquals(file.units.map((unit) => Math.round(unit.pts * rate / 1e6)), units.map((unit) => unit.pts - first));
    },
  });
}

Deno.test({
  name: "readVideoFile() splits a raw MJPEG stream where the encoder did",
  ignore: !HAS_FFMPEG,
  async fn() {
    const encoder = ["-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p"];
    const { data, units } = await encode("mjpeg", picture(64, 48, { frames: 7 }), encoder);
    const path = await Deno.makeTempFile({ suffix: ".mjpeg" });
    await Deno.writeFile(path, data);
    const file = await readVideoFile(path);
    assertEquals([file.codec, file.width, file.height, file.units.length], ["mjpeg", 64, 48, 7]);
    assertEquals(file.units.map((unit) => unit.data), units.map((unit) => unit.data));
    assertTimes(file);
    await Deno.remove(path);
  },
});

Deno.test("jpegFilesOf() takes any bytes, and gives bounds within them", () => {
  const marker = fc.constantFrom([0xff, 0xd8], [0xff, 0xd9], [0xff, 0xda, 0, 4, 1, 2], [
    0xff,
    0xc0,
    0,
    17,
    ...new Array(15).fill(9),
  ]);
  const bytes = fc.array(fc.oneof(marker, fc.array(fc.nat(255), { maxLength: 20 })), { maxLength: 20 })
    .map((parts) => new Uint8Array(parts.flat()));
  fc.assert(fc.property(bytes, (data) => {
    let last = 0;
    for (const { start, end, width, height } of jpegFilesOf(data)) {
      assert(start >= last && end > start && end <= data.length && width > 0 && height > 0);
      last = end;
    }
  }));
});

/** What a player may rely on. */
function assertTimes({ units, frameRate }: VideoFile): void {
  assert(frameRate > 0 && Number.isFinite(frameRate));
  units.forEach((unit, i) => {
    assert(unit.dts <= unit.pts, `unit ${i}: dts ${unit.dts} is above pts ${unit.pts}`);
    if (i > 0) assert(unit.dts > units[i - 1].dts, `unit ${i}: dts goes from ${units[i - 1].dts} to ${unit.dts}`);
  });
  assertEquals(new Set(units.map((unit) => unit.pts)).size, units.length);
}

Deno.test({
  name: "a raw stream is what it is in an MP4 file, times and all",
  ignore: !HAS_FFMPEG,
  async fn() {
    const path = await reorderedClip();
    const mp4 = await readVideoFile(path);
    const raw = readAnnexB(await native(["-i", path, "-c", "copy", "-bsf:v", "h264_mp4toannexb", "-f", "h264", "-"]));
    assertTimes(mp4);
    const facts = ({ codec, width, height, frameRate }: VideoFile) => ({ codec, width, height, frameRate });
    assertEquals(facts(raw), facts(mp4));
    const times = ({ units }: VideoFile) => units.map(({ pts, dts, keyframe }) => ({ pts, dts, keyframe }));
    assertEquals(times(raw), times(mp4));
  },
});

Deno.test("readAnnexB() does not care where a stream was cut", async () => {
  const { data } = await encode("h264", picture(64, 48, { frames: 10 }), x264("bframes=2:keyint=4:repeat-headers=1"));
  for (let at = 0; at < data.length; at += 97) {
    for (const part of [data.subarray(0, at), data.subarray(at)]) {
      let file: VideoFile;
      try {
        file = readAnnexB(part, "cut.h264");
      } catch (error) {
        assert(error instanceof TypeError && /^Cannot play cut\.h264: [^\n]+$/.test(error.message), String(error));
        continue;
      }
      assertTimes(file);
      const bytes = file.units.reduce((sum, unit) => sum + unit.data.length, 0);
      assert(bytes <= part.length && bytes > 0);
    }
  }
});

Deno.test("readAnnexB() takes any bytes for a video, or says in one sentence that they are none", () => {
  const bytes = fc.uint8Array({ maxLength: 400 });
  const start = fc.constantFrom([0, 0, 1, 0x67], [0, 0, 0, 1, 0x67], [0, 0, 1, 0x65], [0, 0, 1, 0x40, 1], [
    0,
    0,
    0,
    1,
    0x41,
  ]);
  const stream = fc.array(fc.tuple(start, bytes), { maxLength: 6 }).map((parts) =>
    new Uint8Array(parts.flatMap(([code, rest]) => [...code, ...rest]))
  );
  fc.assert(fc.property(fc.oneof(bytes, stream), (data) => {
    const before = data.slice();
    try {
      assertTimes(readAnnexB(data, "any"));
    } catch (error) {
      assert(error instanceof TypeError && /^Cannot play any: [^\n]+$/.test(error.message), String(error));
    }
    assertEquals(data, before);
  }));
});

Deno.test("readVideoFile() says in one sentence what a file is not", async () => {
  const folder = await Deno.makeTempDir();
  const write = async (name: string, data: Uint8Array | string) => {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    await Deno.writeFile(`${folder}/${name}`, bytes);
    return `${folder}/${name}`;
  };
  const box = (type: string, bytes: number) => {
    const data = new Uint8Array(bytes);
    new DataView(data.buffer).setUint32(0, bytes);
    data.set(new TextEncoder().encode(type), 4);
    return data;
  };
  const neither = "it is no MP4 file, and no raw H.264, H.265 or MJPEG stream";
  const damaged = "it is damaged, or was not written to its end";
  const whole = await Deno.readFile(await reorderedClip());
  const cases: [path: string, says: string][] = [
    [await write("empty.mp4", ""), neither],
    [await write("words.h264", "This is no video.\n".repeat(50)), neither],
    [await write("zeros.h264", new Uint8Array(5_000)), neither],
    [await write("picture.png", new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13])), neither],
    [
      await write(
        "sets.h264",
        Uint8Array.fromHex("000000016742c00cd901419f9f0110000003001000000303 20f142a480".replace(" ", "")),
      ),
      "it has no picture",
    ],
    [await write("head.mp4", box("ftyp", 32)), damaged],
    [await write("unfinished.mp4", whole.subarray(0, whole.length / 2)), damaged],
    [await write("moov.mp4", box("moov", 8)), damaged],
  ];
  for (const [path, says] of cases) {
    const name = path.split("/").at(-1);
    await assertRejects(() => readVideoFile(path), TypeError, `Cannot play ${name}: ${says}`);
  }
  await assertRejects(() => readVideoFile(`${folder}/missing.mp4`), Deno.errors.NotFound);
  await Deno.remove(folder, { recursive: true });
});

Deno.test({
  name: "readVideoFile() names the codec that it does not take, and the track that is missing",
  ignore: !HAS_FFMPEG,
  async fn() {
    const folder = await Deno.makeTempDir();
    await native([...picture(64, 48, { frames: 3 }), "-c:v", "mpeg4", `${folder}/old.mp4`]);
    await native(["-f", "lavfi", "-i", "sine=duration=0.2", "-c:a", "aac", `${folder}/sound.mp4`]);
    await assertRejects(() => readVideoFile(`${folder}/old.mp4`), TypeError, "Cannot play old.mp4: its video is");
    await assertRejects(
      () => readVideoFile(`${folder}/sound.mp4`),
      TypeError,
      "Cannot play sound.mp4: it has no video track",
    );
    await Deno.remove(folder, { recursive: true });
  },
});

Deno.test("readVideoFile() takes a damaged MP4 file for what is left of it, or says so in one sentence", async () => {
  const whole = await Deno.readFile(await reorderedClip());
  const text = new TextDecoder("latin1").decode(whole);
  const index = text.indexOf("moov"), duration = text.indexOf("stts") + 16;
  const path = await Deno.makeTempFile({ suffix: ".mp4" });
  // Beyond the tables of times: a count there makes a parser of millions of entries, which is only slow.
  const damage = fc.array(fc.tuple(fc.integer({ min: index, max: index + 250 }), fc.nat(255)), {
    minLength: 1,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(damage, async (changes) => {
      const data = whole.slice();
      for (const [at, byte] of changes) data[at] = byte;
      await Deno.writeFile(path, data);
      try {
        const file = await readVideoFile(path);
        assert(file.units.length > 0 && file.frameRate > 0);
      } catch (error) {
        assert(error instanceof TypeError && /^Cannot play [\w.]+: [^\n]+$/.test(error.message), String(error));
      }
    }),
    // Found by chance: pictures that last for days.
    { numRuns: 60, examples: [[[[duration, 77]]]] },
  );
  await Deno.remove(path);
});

Deno.test("a stream that tells the order of its pictures in a rare way is refused where they may be out of order", () => {
  // x264's parameter set, its order type changed from 0 to 1, which carries other numbers behind it.
  const sps = spsOfOrderType1();
  const stream = (profile: number) =>
    new Uint8Array([
      0,
      0,
      1,
      0x67,
      profile,
      ...sps,
      0,
      0,
      1,
      0x68,
      0xce,
      0x38,
      0x80,
      0,
      0,
      1,
      0x65,
      0x88,
      0x84,
      0x21,
      0xa0,
    ]);
  assertThrows(() => readAnnexB(stream(77), "rare.h264"), TypeError, "put it into an MP4 file");
  // Baseline has no B-frames.
  assertEquals(readAnnexB(stream(66)).units.length, 1);
});

/** The rest of a sequence parameter set of 64x48 behind its profile. @see H.264, 7.3.2.1.1 */
function spsOfOrderType1(): number[] {
  let bits = "";
  const unsigned = (value: number) => {
    const binary = (value + 1).toString(2);
    bits += "0".repeat(binary.length - 1) + binary;
  };
  unsigned(0); // seq_parameter_set_id
  unsigned(0); // log2_max_frame_num_minus4
  unsigned(1); // pic_order_cnt_type
  bits += "0"; // delta_pic_order_always_zero_flag
  for (let i = 0; i < 3; i++) unsigned(0); // two offsets, and no cycle
  unsigned(1); // max_num_ref_frames
  bits += "0";
  unsigned(3); // width in macroblocks, minus 1
  unsigned(2);
  bits += "11"; // frame_mbs_only_flag, direct_8x8_inference_flag
  bits += "00" + "1"; // no cropping, no usability information, stop bit
  const bytes = bits.padEnd(Math.ceil(bits.length / 8) * 8, "0").match(/.{8}/g)!.map((byte) => parseInt(byte, 2));
  return [0x00, 0x1e, ...bytes];
}
