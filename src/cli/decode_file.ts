import { DecodeError, packedBytes, packedPlanes } from "../media/mod.ts";
import { decoderModule } from "../decode/mod.ts";
import { readVideoFile } from "../file/mod.ts";
import { type DecodedFrame, type Decoder, FfmpegInstance } from "../../wasm/mod.ts";
import type { FrameMd5 } from "./frame_md5.ts";

/** Decodes a file as fast as it goes, with one decoder on this thread. */
export async function decodeFile(
  path: string,
  options: { limit: number; md5: FrameMd5 | null },
): Promise<{ frames: number; seconds: number; width: number; height: number; codec: string }> {
  const file = await readVideoFile(path);
  const instance = await FfmpegInstance.create(await decoderModule());
  const began = performance.now();
  let frames = 0, width = 0, height = 0;
  using decoder = instance.decoder(file.codec);
  const take = (frame: DecodedFrame) => {
    try {
      if (frames >= options.limit) return;
      ({ width, height } = frame);
      const { sampleAspect } = frame;
      if (frames === 0) options.md5?.begin({ width, height, frameRate: file.frameRate, sampleAspect });
      options.md5?.frame(pixelsOf(instance, frame), frames);
      frames++;
    } finally {
      frame.release();
    }
  };
  for (const [number, unit] of file.units.entries()) {
    if (frames >= options.limit) break;
    decoder.send(unit.data, number);
    receiveAll(decoder, take);
  }
  decoder.drain();
  receiveAll(decoder, take);
  if (frames === 0) throw new DecodeError("codec", `Cannot decode ${path}: no picture came out of it`);
  return { frames, seconds: (performance.now() - began) / 1000, width, height, codec: file.codec };
}

function receiveAll(decoder: Decoder, take: (frame: DecodedFrame) => void): void {
  for (let frame = decoder.receive(); frame; frame = decoder.receive()) take(frame);
}

/** The picture without padding, plane after plane. */
function pixelsOf(instance: FfmpegInstance, frame: DecodedFrame): Uint8Array {
  const { format, width, height } = frame;
  if (format === null) {
    throw new DecodeError("codec", "Cannot show a frame: its pixel format is none that is known here");
  }
  const pixels = new Uint8Array(packedBytes(format, width, height));
  for (const [i, { offset, stride, rows }] of packedPlanes(format, width, height).entries()) {
    const plane = frame.planes[i];
    for (let row = 0; row < rows; row++) {
      const at = plane.offset + row * plane.stride;
      pixels.set(instance.bytes.subarray(at, at + stride), offset + row * stride);
    }
  }
  return pixels;
}
