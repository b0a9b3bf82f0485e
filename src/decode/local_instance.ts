import { Frame, type FrameInfo, NO_LEASE, packedBytes, packedPlanes } from "../media/mod.ts";
import { FfmpegInstance } from "../../wasm/mod.ts";
import { decoderModule } from "./module.ts";

let shared: Promise<FfmpegInstance> | null = null;

/** An instance on this thread, for filters that run where the user is. Made on first use; made anew once it trapped. */
export async function localInstance(): Promise<FfmpegInstance> {
  const known = await shared?.catch(() => null);
  if (known && !known.dead) return known;
  shared = decoderModule().then((module) => FfmpegInstance.create(module));
  return await shared;
}

/** A frame with pixels of its own, copied without padding out of an instance. */
export function copyOut(
  instance: FfmpegInstance,
  info: FrameInfo,
  places: readonly { offset: number; stride: number }[],
): Frame {
  const shape = packedPlanes(info.format, info.width, info.height);
  const pixels = new Uint8Array(packedBytes(info.format, info.width, info.height));
  const planes = shape.map(({ offset, stride: rowBytes, rows }, i) => {
    const from = places[i];
    for (let row = 0; row < rows; row++) {
      const at = from.offset + row * from.stride;
      pixels.set(instance.bytes.subarray(at, at + rowBytes), offset + row * rowBytes);
    }
    return { data: pixels.subarray(offset, offset + rowBytes * rows), stride: rowBytes, rowBytes, rows };
  });
  return new Frame(info, planes, NO_LEASE);
}
