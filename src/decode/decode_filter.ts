import { type AccessUnit, DecodeError, type DecodeStepOptions, type Filter, type Frame } from "../media/mod.ts";
import type { DecodedFrame } from "../../wasm/mod.ts";
import { copyOut, localInstance } from "./local_instance.ts";

/**
 * Decodes access units. On a feed of a camera it runs in the pool of decode workers, once for all branches, and its
 * frames stay where they were decoded until somebody wants them; on any other sequence it runs on this thread.
 *
 * @param options.corrupt What becomes of pictures known to be damaged. @default {"skip"}
 * @param options.frames Which pictures are decoded. Those that the branches want at present: none while no branch is read
 * and while every `gate()` is shut, few behind `interval()`; or keyframes alone; or all. On any other sequence than a
 * camera's feed all that are not left out by `"keyframes"`, as nobody knows there what will be asked for. @default {"wanted"}
 * @param options.priority Which cameras are served first where not all can be. @default {"normal"}
 * @param options.order Whether to wait for pictures to be in the order of presentation. @default {"presentation"}
 * @throws {TypeError} where the priority is none.
 * @throws {DecodeError} at who reads the feed: where the decoder refuses the stream, or its worker has no memory for it. The 4 GiB of
 * one hold about 150 decoders of 1080p; there are as many workers as cores.
 *
 * @example
 * ```ts ignore
 * await using frames = camera.video.branch({ capacity: 30 }).pipe(decode());
 * for await (using frame of frames) console.log(frame.width, frame.height, frame.age);
 * ```
 */
export function decode(options: DecodeStepOptions = {}): Filter<AccessUnit, Frame> {
  const { priority = "normal" } = options;
  if (!["low", "normal", "high"].includes(priority)) {
    throw new TypeError(`Cannot decode: priority is "${priority}", expected "low", "normal" or "high"`);
  }
  return Object.assign(
    (source: AsyncIterable<AccessUnit>) => decodeHere(source, options),
    { step: { kind: "decode", options } as const },
  );
}

async function* decodeHere(source: AsyncIterable<AccessUnit>, options: DecodeStepOptions): AsyncGenerator<Frame> {
  const instance = await localInstance();
  const units = new Map<number, AccessUnit>();
  let decoder: ReturnType<typeof instance.decoder> | null = null;
  let number = 0, missed = 0;
  const frameOf = (frame: DecodedFrame): Frame | null => {
    try {
      const unit = units.get(frame.pts);
      const corrupt = frame.corrupt || (unit?.corrupt ?? false);
      if (!unit || frame.format === null || corrupt && options.corrupt !== "deliver") {
        missed++;
        return null;
      }
      const { pts, wallTime, receivedAt, keyframe, sequence, generation } = unit;
      const { width, height, format } = frame;
      const made = copyOut(instance, {
        ...{ width, height, format, pts, wallTime, receivedAt, keyframe, corrupt, sequence, generation },
        missed,
        streamId: 0,
      }, frame.planes);
      missed = 0;
      return made;
    } finally {
      frame.release();
    }
  };
  try {
    for await (const unit of source) {
      if (options.frames === "keyframes" && !unit.keyframe) continue;
      decoder ??= instance.decoder(unit.codec, { lowDelay: options.order === "decoding" });
      units.set(number, unit);
      units.delete(number - 64);
      if (decoder.send(unit.data, number++) !== "ok") missed++;
      if (options.frames === "keyframes") decoder.drain();
      for (let frame = decoder.receive(); frame; frame = decoder.receive()) {
        const made = frameOf(frame);
        if (made) yield made;
      }
      if (options.frames === "keyframes") decoder.flush();
    }
    decoder?.drain();
    for (let frame = decoder?.receive(); frame; frame = decoder?.receive()) {
      const made = frameOf(frame);
      if (made) yield made;
    }
  } catch (cause) {
    if (!instance.dead) throw cause;
    throw new DecodeError("trapped", `Cannot decode: ${(cause as Error).message}`, { cause });
  } finally {
    decoder?.[Symbol.dispose]();
  }
}
