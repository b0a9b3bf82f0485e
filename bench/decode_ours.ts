import type { VideoFile } from "../src/file/mod.ts";
import type { FfmpegInstance } from "../wasm/mod.ts";

/** Frames a second of our decoder, access units in memory. */
export function decodeOurs(instance: FfmpegInstance, file: VideoFile): { frames: number; rate: number } {
  using decoder = instance.decoder(file.codec);
  let frames = 0;
  const receive = () => {
    for (let frame = decoder.receive(); frame; frame = decoder.receive()) {
      frames++;
      frame.release();
    }
  };
  const began = performance.now();
  for (const [number, unit] of file.units.entries()) {
    decoder.send(unit.data, number);
    receive();
  }
  decoder.drain();
  receive();
  return { frames, rate: frames / ((performance.now() - began) / 1000) };
}
