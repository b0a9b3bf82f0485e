import { assertEquals } from "@std/assert";
import type { BridgeFormat, Codec } from "./mod.ts";
import {
  decodeAll,
  encode,
  HAS_FFMPEG,
  md5,
  nativeKeyframes,
  nativeMd5,
  picture,
  pixelsOf,
  testInstance,
} from "./testing.ts";

/** A stream that uses some feature of its codec, and what its frames must be. */
interface Case {
  name: string;
  codec: Codec;
  size: [number, number];
  format: BridgeFormat;
  fullRange?: boolean;
  interlaced?: "top" | "bottom";
  encoder: string[];
}

const x264 = (params: string, pixels = "yuv420p", ...more: string[]) => [
  ...["-c:v", "libx264", "-preset", "medium", "-pix_fmt", pixels, "-x264-params", `threads=1:${params}`, ...more],
];
const x265 = (params: string, pixels = "yuv420p") => [
  ...["-c:v", "libx265", "-pix_fmt", pixels, "-x265-params", `log-level=none:pools=1:frame-threads=1:${params}`],
];
const jpeg = (pixels: string, ...more: string[]) => ["-c:v", "mjpeg", "-q:v", "4", "-pix_fmt", pixels, ...more];
const fields = { top: ["-flags", "+ildct+ilme", "-top", "1"], bottom: ["-flags", "+ildct+ilme", "-top", "0"] };

const EVEN: [number, number] = [320, 240];
const CROPPED: [number, number] = [322, 242];
const ODD: [number, number] = [321, 241];

const h264 = (name: string, encoder: string[], rest: Partial<Case> = {}): Case => ({
  ...{ name: `h264 ${name}`, codec: "h264", size: EVEN, format: "I420", encoder, ...rest },
});
const hevc = (name: string, encoder: string[], rest: Partial<Case> = {}): Case => ({
  ...{ name: `hevc ${name}`, codec: "hevc", size: EVEN, format: "I420", encoder, ...rest },
});
const mjpeg = (name: string, encoder: string[], rest: Partial<Case> = {}): Case => ({
  ...{ name: `mjpeg ${name}`, codec: "mjpeg", size: EVEN, format: "I420", fullRange: true, encoder, ...rest },
});

const CASES: Case[] = [
  h264("CABAC, no B-frames", x264("cabac=1:bframes=0:8x8dct=0", "yuv420p", "-profile:v", "main")),
  h264("CAVLC, baseline", x264("cabac=0:bframes=0:8x8dct=0", "yuv420p", "-profile:v", "baseline")),
  h264("B-frames as a pyramid", x264("bframes=3:b-adapt=0:b-pyramid=normal:ref=4:keyint=12")),
  h264("temporal direct, weighted", x264("bframes=2:b-adapt=0:direct=temporal:weightb=1:weightp=2")),
  h264("8x8 transform by CABAC", x264("8x8dct=1:partitions=all:bframes=1")),
  h264("8x8 transform by CAVLC", x264("cabac=0:8x8dct=1:partitions=all:bframes=1")),
  h264("four slices", x264("slices=4:bframes=2:b-adapt=0")),
  h264("interlaced, top field first", x264("tff=1:bframes=2"), { interlaced: "top" }),
  h264("interlaced, bottom field first, CAVLC, three slices", x264("bff=1:cabac=0:slices=3"), { interlaced: "bottom" }),
  h264("open groups of pictures", x264("open-gop=1:bframes=3:b-adapt=0:keyint=8")),
  h264("intra refresh instead of keyframes", x264("intra-refresh=1:keyint=12:bframes=0")),
  h264("constrained intra, no deblocking", x264("constrained-intra=1:no-deblock=1")),
  h264("lossless", x264("qp=0")),
  h264("size that is no multiple of a macroblock", x264("bframes=2"), { size: CROPPED }),
  h264("interlaced, cropped", x264("tff=1"), { size: [322, 244], interlaced: "top" }),
  h264("odd size", x264("bframes=2", "yuv444p"), { size: ODD, format: "I444" }),
  h264("4:2:2, odd height", x264("bframes=2", "yuv422p"), { size: [322, 241], format: "I422" }),
  h264("full range", x264("", "yuvj420p"), { fullRange: true }),
  h264("10 bits", x264("bframes=2", "yuv420p10le"), { size: CROPPED, format: "I420P10" }),
  h264("smaller than a macroblock", x264("bframes=1"), { size: [16, 8] }),
  hevc("B-frames", x265("bframes=4:keyint=12")),
  hevc("slices and wavefronts, cropped", x265("slices=2:wpp=1"), { size: CROPPED }),
  hevc("open groups of pictures, small blocks", x265("open-gop=1:keyint=8:ctu=16:min-cu-size=8")),
  hevc("10 bits", x265("bframes=3", "yuv420p10le"), { size: CROPPED, format: "I420P10" }),
  hevc("odd size", x265("", "yuv444p"), { size: ODD, format: "I444" }),
  mjpeg("4:2:0", jpeg("yuvj420p"), { size: CROPPED }),
  mjpeg("4:2:0, odd size", jpeg("yuvj420p"), { size: ODD }),
  mjpeg("4:2:2, default tables", jpeg("yuvj422p", "-huffman", "default"), { size: ODD, format: "I422" }),
  mjpeg("4:4:4", jpeg("yuvj444p"), { size: ODD, format: "I444" }),
];

for (const { name, codec, size: [width, height], format, fullRange = false, interlaced, encoder } of CASES) {
  Deno.test({
    name: `every frame is native FFmpeg's to the bit: ${name}`,
    ignore: !HAS_FFMPEG,
    fn: async () => {
      const input = picture(width, height, { frames: 20, filter: interlaced && "interlace" });
      const stream = await encode(codec, input, interlaced ? [...encoder, ...fields[interlaced]] : encoder);
      const expected = await nativeMd5(stream);
      assertEquals(expected.length, 20, "frames that the native decoder gave");

      const instance = await testInstance();
      using decoder = instance.decoder(codec);
      const hashes: string[] = [], times: number[] = [], keyframes: boolean[] = [];
      decodeAll(decoder, stream.units, (frame) => {
        const { format, width, height, fullRange, interlaced, topFieldFirst, corrupt } = frame;
        assertEquals({ format, width, height, fullRange, interlaced, topFieldFirst, corrupt }, shape);
        hashes.push(md5(pixelsOf(instance, frame)));
        times.push(frame.pts);
        keyframes.push(frame.keyframe);
      });
      assertEquals(hashes, expected);
      assertEquals(times, stream.units.map((unit) => unit.pts).sort((a, b) => a - b), "pts, in the order shown");
      assertEquals(keyframes, await nativeKeyframes(stream), "keyframes");
    },
  });
  const shape = {
    ...{ format, width, height, fullRange, interlaced: interlaced !== undefined },
    ...{ topFieldFirst: interlaced === "top", corrupt: false },
  };
}
