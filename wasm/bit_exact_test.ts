import { assertEquals, assertNotEquals } from "@std/assert";
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
  startHelper,
  testInstance,
} from "./testing.ts";

/** A stream that uses some feature of its codec, and what its frames must be. */
interface Case {
  name: string;
  codec: Codec;
  size: [number, number];
  /** @default {20} */
  frames?: number;
  format: BridgeFormat;
  fullRange?: boolean;
  interlaced?: "top" | "bottom";
  /** FFmpeg filters that the picture goes through last. */
  filter?: string;
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
const SMALL: [number, number] = [248, 168];
const CROPPED: [number, number] = [322, 242];
const ODD: [number, number] = [321, 241];

const h264 = (name: string, encoder: string[], rest: Partial<Case> = {}): Case => ({
  ...{ name: `h264 ${name}`, codec: "h264", size: EVEN, format: "I420", encoder, ...rest },
});
const hevc = (name: string, encoder: string[], rest: Partial<Case> = {}): Case => ({
  ...{ name: `hevc ${name}`, codec: "hevc", size: SMALL, frames: 12, format: "I420", encoder, ...rest },
});
const mjpeg = (name: string, encoder: string[], rest: Partial<Case> = {}): Case => ({
  ...{ name: `mjpeg ${name}`, codec: "mjpeg", size: EVEN, format: "I420", fullRange: true, encoder, ...rest },
});

/** What becomes darker and lighter is predicted with weights, what moves far is predicted from beyond the edges. */
const FADING = { filter: "fade=in:0:14:color=gray" }, MOVING = { filter: "scroll=h=0.06:v=0.09" };
const TEN_BITS: Partial<Case> = { format: "I420P10" };

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
  h264("weights", x264("bframes=3:b-adapt=0:weightp=2:weightb=1:ref=3"), FADING),
  h264("fast motion", x264("bframes=2:b-adapt=0:merange=64:subme=8"), MOVING),
  h264("scaling matrices", x264("cqm=jvt:8x8dct=1:bframes=1")),
  h264("deblocking by more, chroma by less", x264("deblock=4,-3:chroma-qp-offset=-8:bframes=1")),
  h264("coarse", x264("qp=45:bframes=2")),
  h264("fine", x264("qp=4:bframes=2:8x8dct=1")),
  h264("keyframes alone", x264("keyint=1:8x8dct=1:partitions=all")),
  h264("seven references, smallest blocks", x264("ref=7:partitions=all:me=umh:subme=9:bframes=3")),
  h264("slices of 400 bytes", x264("slice-max-size=400:bframes=1")),
  h264("10 bits by CAVLC, weights", x264("cabac=0:weightp=2", "yuv420p10le"), { ...TEN_BITS, ...FADING }),
  hevc("B-frames", x265("bframes=4:keyint=12"), { frames: 20 }),
  hevc("slices and wavefronts, cropped", x265("slices=2:wpp=1"), { size: CROPPED }),
  hevc("open groups of pictures, small blocks", x265("open-gop=1:keyint=8:ctu=16:min-cu-size=8")),
  hevc("asymmetric blocks", x265("rect=1:amp=1:bframes=3:rd=5")),
  hevc("deep transform trees", x265("tu-intra-depth=4:tu-inter-depth=4:max-tu-size=32")),
  hevc("transforms of 8 at most", x265("max-tu-size=8:ctu=32:tu-inter-depth=3")),
  hevc("coding blocks of 16 at least", x265("ctu=32:min-cu-size=16:tu-intra-depth=3")),
  hevc("coding blocks of 32 at least", x265("ctu=64:min-cu-size=32")),
  hevc("no sample adaptive offset", x265("sao=0:bframes=2")),
  hevc("no deblocking", x265("no-deblock=1:sao-non-deblock=1")),
  hevc("deblocking by more", x265("deblock=5,-4:sao=0")),
  hevc("scaling lists", x265("scaling-list=default:tu-intra-depth=3")),
  hevc("weights", x265("weightp=1:weightb=1:bframes=3:b-adapt=0:ref=3"), FADING),
  hevc("fast motion", x265("merange=92:bframes=2:b-adapt=0"), MOVING),
  hevc("transform skipped", x265("tskip=1:qp=20")),
  hevc("constrained intra", x265("constrained-intra=1:rd=2:keyint=10")),
  hevc("no strong intra smoothing", x265("strong-intra-smoothing=0:keyint=4")),
  hevc("keyframes alone", x265("keyint=1:tu-intra-depth=4")),
  hevc("lossless", x265("lossless=1")),
  hevc("some blocks lossless", x265("cu-lossless=1:qp=12:rd=5")),
  hevc("four slices", x265("slices=4:bframes=2")),
  hevc("wavefronts, blocks of 16", x265("wpp=1:ctu=16")),
  hevc("eight B-frames, five references", x265("bframes=8:b-adapt=0:ref=5:b-pyramid=1")),
  hevc("no temporal vectors, one merge candidate", x265("temporal-mvp=0:max-merge=1")),
  hevc("quantization by blocks of 8", x265("aq-mode=3:aq-strength=3:qg-size=8:ctu=32")),
  hevc("offsets of chroma's quantization", x265("cbqpoffs=-9:crqpoffs=9")),
  hevc("no sign hidden, every rate decided", x265("signhide=0:rdoq-level=2:rd=6:psy-rdoq=10")),
  hevc("coarse", x265("qp=48:bframes=2")),
  hevc("fine", x265("qp=2:bframes=2")),
  hevc("little more than a coding block", x265("ctu=64"), { size: [136, 72] }),
  hevc("4:2:2", x265("tu-intra-depth=3", "yuv422p"), { format: "I422" }),
  hevc("one plane", x265("", "gray"), { format: "GRAY8", fullRange: true }),
  hevc("full range", x265("range=full", "yuvj420p"), { fullRange: true }),
  hevc("10 bits", x265("bframes=3", "yuv420p10le"), { size: CROPPED, format: "I420P10" }),
  hevc("10 bits, asymmetric blocks", x265("rect=1:amp=1:bframes=3:rd=5", "yuv420p10le"), TEN_BITS),
  hevc("10 bits, weights", x265("weightp=1:weightb=1:b-adapt=0:ref=3", "yuv420p10le"), { ...TEN_BITS, ...FADING }),
  hevc("10 bits, fast motion", x265("merange=92:b-adapt=0", "yuv420p10le"), { ...TEN_BITS, ...MOVING }),
  hevc("10 bits, keyframes alone", x265("keyint=1:tu-intra-depth=4", "yuv420p10le"), TEN_BITS),
  hevc("10 bits, fine, transform skipped", x265("qp=2:tskip=1", "yuv420p10le"), TEN_BITS),
  hevc("10 bits, lossless", x265("lossless=1", "yuv420p10le"), TEN_BITS),
  hevc("10 bits, scaling lists, blocks of 16", x265("scaling-list=default:ctu=16", "yuv420p10le"), TEN_BITS),
  hevc("odd size", x265("", "yuv444p"), { size: ODD, format: "I444" }),
  mjpeg("4:2:0", jpeg("yuvj420p"), { size: CROPPED }),
  mjpeg("4:2:0, odd size", jpeg("yuvj420p"), { size: ODD }),
  mjpeg("4:2:2, default tables", jpeg("yuvj422p", "-huffman", "default"), { size: ODD, format: "I422" }),
  mjpeg("4:4:4", jpeg("yuvj444p"), { size: ODD, format: "I444" }),
];

for (const one of CASES) {
  const { name, codec, size: [width, height], format, fullRange = false, interlaced, encoder, frames = 20 } = one;
  Deno.test({
    name: `every frame is native FFmpeg's to the bit: ${name}`,
    ignore: !HAS_FFMPEG,
    fn: async () => {
      const input = picture(width, height, { frames, filter: interlaced ? "interlace" : one.filter });
      const stream = await encode(codec, input, interlaced ? [...encoder, ...fields[interlaced]] : encoder);
      const expected = await nativeMd5(stream);
      assertEquals(expected.length, frames, "frames that the native decoder gave");

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
      if (codec !== "hevc") return;
      await using second = await startHelper(instance);
      using helped = instance.decoder(codec);
      const byTwo: string[] = [];
      decodeAll(helped, stream.units, (frame) => byTwo.push(md5(pixelsOf(instance, frame))));
      assertEquals(byTwo, expected, "by two threads");
      assertNotEquals(second.helper.done, 0);
    },
  });
  const shape = {
    ...{ format, width, height, fullRange, interlaced: interlaced !== undefined },
    ...{ topFieldFirst: interlaced === "top", corrupt: false },
  };
}
