import { createHash } from "node:crypto";
import { print } from "./print.ts";

/** Prints what `ffmpeg -f framemd5` prints of a video with a constant frame rate: a header, and a line for each frame. */
export class FrameMd5 {
  /**
   * @param shape.frameRate Written as the shortest fraction that it is, as FFmpeg does.
   * @param shape.sampleAspect Width to height of a sample. @default {[0, 1], which is not known}
   */
  begin(shape: { width: number; height: number; frameRate: number; sampleAspect?: readonly [number, number] }): void {
    const [numerator, denominator] = fraction(shape.frameRate);
    const [across, down] = shape.sampleAspect ?? [0, 1];
    print(`#format: frame checksums
#version: 2
#hash: MD5
#software: Millrace
#tb 0: ${denominator}/${numerator}
#media_type 0: video
#codec_id 0: rawvideo
#dimensions 0: ${shape.width}x${shape.height}
#sar 0: ${across}/${down}
#stream#, dts,        pts, duration,     size, hash`);
  }

  frame(pixels: Uint8Array, number: number): void {
    const time = String(number).padStart(10);
    const hash = createHash("md5").update(pixels).digest("hex");
    print(`0, ${time}, ${time}, ${"1".padStart(8)}, ${String(pixels.length).padStart(8)}, ${hash}`);
  }
}

/** A rate as numerator and denominator: 12.5 is 25/2, 29.97 is 30000/1001. */
export function fraction(rate: number): [number, number] {
  for (const denominator of [1, 2, 4, 1001]) {
    const numerator = rate * denominator;
    const near = denominator === 1001 ? Math.round(numerator / 1000) * 1000 : Math.round(numerator);
    if (Math.abs(numerator - near) < 0.02 * denominator / (denominator === 1001 ? 1 : 20)) return [near, denominator];
  }
  return [Math.round(rate * 1000), 1000];
}
