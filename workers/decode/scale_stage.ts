import { type FilterStep, type FrameInfo, packedBytes, packedPlanes } from "../../src/media/mod.ts";
import type { PlanePlace } from "../../src/decode/frame_table.ts";
import { scalerTarget } from "../../src/decode/letterbox.ts";
import type { Scaler } from "../../wasm/mod.ts";
import type { Decoded } from "./decoded.ts";
import type { Instance, Room } from "./instance.ts";

type ScaleStep = Extract<FilterStep, { kind: "scale" }>;

/** Scales the pictures of one job; the scaler is made anew when the pictures change. */
export class ScaleStage {
  readonly #step: ScaleStep;
  #scaler: Scaler | null = null;
  #for = "";

  constructor(step: ScaleStep) {
    this.#step = step;
  }

  /** The scaled picture, in room of its own; null where there is no memory for it, or no way. */
  run(instance: Instance, decoded: Decoded): { info: FrameInfo; planes: PlanePlace[]; room: Room } | null {
    const { width, height, format, algorithm } = this.#step;
    const { info } = decoded;
    const key = `${info.width}x${info.height} ${info.format} ${decoded.fullRange} ${decoded.matrix}`;
    if (key !== this.#for) {
      this.close();
      this.#scaler = instance.ffmpeg.scaler({
        source: { ...info, fullRange: decoded.fullRange, matrix: decoded.matrix },
        target: scalerTarget(this.#step, info, decoded.fullRange),
        algorithm,
      });
      this.#for = key;
    }
    const room = instance.room(packedBytes(format, width, height));
    if (!room) return null;
    const planes = packedPlanes(format, width, height).map(({ offset, stride, rows }) => ({
      offset: room.offset + offset,
      stride,
      rowBytes: stride,
      rows,
    }));
    this.#scaler!.run(decoded.planes, planes);
    return { info: { ...info, width, height, format }, planes, room };
  }

  /** Forgets a scaler whose instance is gone. */
  reset(): void {
    this.#scaler = null;
    this.#for = "";
  }

  close(): void {
    this.#scaler?.[Symbol.dispose]();
    this.reset();
  }
}
