import { assertEquals } from "@std/assert";
import { References } from "./references.ts";

const unit = (...nals: number[][]) => new Uint8Array(nals.flatMap((nal) => [0, 0, 0, 1, ...nal]));
const H264_SLICE = 1, H264_SEI = 6, H264_PPS = 8;
const h264 = (type: number, refIdc: number) => [refIdc << 5 | type, 0x88, 0x84];
const hevc = (type: number, layer: number, ...rest: number[]) => [type << 1, layer + 1, ...rest, 0x80];
const SPS = 33, IDR = 19, TRAIL_N = 0, TRAIL_R = 1, RASL_N = 8;

Deno.test("References tells H.264 pictures that no other refers to", () => {
  const references = new References();
  const is = (...nals: number[][]) => references.isDisposable("h264", unit(...nals));
  assertEquals(is(h264(H264_SLICE, 0)), true);
  assertEquals(is(h264(H264_SEI, 0), h264(H264_SLICE, 0), h264(H264_SLICE, 0)), true);
  assertEquals(is(h264(H264_SLICE, 1)), false);
  assertEquals(is(h264(H264_SLICE, 0), h264(H264_SLICE, 2)), false, "a field of it is referred to");
  assertEquals(is(h264(H264_PPS, 3), h264(H264_SLICE, 0)), false, "a parameter set is for those that follow");
  assertEquals(is(h264(H264_SEI, 0)), false, "no picture");
  assertEquals(is(), false);
});

Deno.test("References tells HEVC pictures that no other refers to, of the highest sub-layer alone", () => {
  const references = new References();
  const is = (...nals: number[][]) => references.isDisposable("hevc", unit(...nals));
  assertEquals(is(hevc(TRAIL_N, 0)), false, "how many sub-layers there are is not known yet");
  references.keyframe("hevc", unit(hevc(SPS, 0, 0b0000_0001), hevc(IDR, 0)));
  assertEquals([is(hevc(TRAIL_N, 0)), is(hevc(RASL_N, 0)), is(hevc(TRAIL_R, 0))], [true, true, false]);
  references.keyframe("hevc", unit(hevc(IDR, 0)));
  assertEquals(is(hevc(TRAIL_N, 0)), true, "a keyframe without parameter sets changes nothing");
  references.keyframe("hevc", unit(hevc(SPS, 0, 0b0000_0011), hevc(IDR, 0)));
  assertEquals([is(hevc(TRAIL_N, 0)), is(hevc(TRAIL_N, 1)), is(hevc(TRAIL_R, 1))], [false, true, false]);
});

Deno.test("References reads no further than the unit goes", () => {
  const references = new References();
  for (const bytes of [[], [0, 0, 1], [0, 0, 0, 1], [0, 0, 1, 66], [0, 0, 1, 66, 1]]) {
    references.keyframe("hevc", new Uint8Array(bytes));
    assertEquals(references.isDisposable("h264", new Uint8Array(bytes)), false);
    assertEquals(references.isDisposable("hevc", new Uint8Array(bytes)), false);
  }
});
