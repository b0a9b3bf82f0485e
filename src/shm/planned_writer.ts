import {
  type AccessUnit,
  type FrameInfo,
  packedBytes,
  type PixelFormat,
  type Plane,
  type RingPlan,
} from "../media/mod.ts";
import { type RecordInfo, type RingOptions, RingWriter } from "../ring/mod.ts";
import type { NativeLibrary } from "../../ffi/load.ts";
import { makeRing } from "./make_ring.ts";
import type { ShmRingMemory } from "./shm_memory.ts";

/** What a frame must be, or is. */
type Shape = { width: number; height: number; format: PixelFormat };

const NO_BYTES = new Uint8Array(0);

/** How messages call a shape. */
export function shapeText({ width, height, format }: Shape): string {
  return `${width}x${height} ${format}`;
}

/**
 * Writes a ring as its plan says, from whichever thread: refuses what does not fit, or makes the ring anew under its name. The
 * old one is then marked, so that readers go on in the new one when they have read it to its end.
 */
export class PlannedWriter {
  readonly plan: RingPlan;
  readonly #library: NativeLibrary;
  readonly #onRemade: (memory: ShmRingMemory) => void;
  #memory: ShmRingMemory;
  #ring: RingWriter;
  /** The shape of the last frame, and its bytes. */
  #known: (Shape & { bytes: number }) | null = null;

  /** @param onRemade is given the new memory; nothing uses the one before any more, and it is the caller's to close. */
  constructor(
    library: NativeLibrary,
    plan: RingPlan,
    memory: ShmRingMemory,
    onRemade: (memory: ShmRingMemory) => void,
    ring: RingWriter = RingWriter.adopt(memory),
  ) {
    this.plan = plan;
    this.#library = library;
    this.#memory = memory;
    this.#onRemade = onRemade;
    this.#ring = ring;
  }

  get ring(): RingWriter {
    return this.#ring;
  }

  /** @throws {TypeError} where a frame of that shape has no place in this ring. */
  expectShape(shape: Shape): void {
    const { kind } = this.#ring.header;
    const wanted = this.plan.shape;
    if (kind !== "frames") throw this.#refusal(`the frame is ${shapeText(shape)}, the ring takes ${kind}`);
    if (!wanted) {
      const bytes = packedBytes(shape.format, shape.width, shape.height), room = this.#ring.maxBytes;
      if (bytes <= room || this.plan.larger === "remake") return;
      throw this.#refusal(
        `the frame is ${shapeText(shape)}, ${bytes} bytes, the ring has room for ${room}; make it with ` +
          'a larger maxBytes, or with larger: "remake"',
      );
    }
    if (shape.width === wanted.width && shape.height === wanted.height && shape.format === wanted.format) return;
    throw this.#refusal(`the frame is ${shapeText(shape)}, the ring takes ${shapeText(wanted)}`);
  }

  /**
   * @throws {TypeError} where the frame has no place in this ring.
   * @throws {RangeError} where the blob has none beside it.
   */
  writeFrame(
    frame: Omit<FrameInfo, "sequence" | "missed">,
    planes: readonly Plane[],
    blob: Uint8Array | null = frame.blob ?? null,
  ): void {
    const { width, height, format } = frame;
    let known = this.#known;
    if (!known || known.width !== width || known.height !== height || known.format !== format) {
      this.expectShape(frame);
      known = this.#known = { width, height, format, bytes: packedBytes(format, width, height) };
    }
    this.#makeRoom(known.bytes, blob?.length ?? 0);
    this.#ring.writeFrame(frame, planes, blob ?? NO_BYTES);
  }

  /** @throws {RangeError} where the payload and the blob are larger than the room. */
  writeBytes(payload: Uint8Array, info: RecordInfo, blob: Uint8Array | null): void {
    this.#makeRoom(payload.length, blob?.length ?? 0);
    this.#ring.write(info, payload, blob ?? NO_BYTES);
  }

  /** @throws {RangeError} where the unit and the blob are larger than the room. */
  writeUnit(
    unit: AccessUnit,
    more: { width?: number; height?: number; streamId?: number; discontinuity?: boolean; blob?: Uint8Array },
  ): void {
    this.#makeRoom(unit.data.length, more.blob?.length ?? 0);
    this.#ring.writeAccessUnit(unit, more);
  }

  /** Sees to it that a payload and its blob fit. */
  #makeRoom(bytes: number, blobBytes: number): void {
    const room = this.#ring.maxBytes;
    if (bytes + blobBytes <= room) return;
    if (this.plan.larger === "remake") return this.#remake(bytes, blobBytes);
    if (bytes <= room && blobBytes > 0) {
      throw new RangeError(
        `Cannot write ring "${this.plan.name}": the blob has ${blobBytes} bytes, beside ${bytes} there is room for ` +
          `${room - bytes}`,
      );
    }
    throw new RangeError(`Cannot write ring "${this.plan.name}": ${bytes} bytes are to go where ${room} have room`);
  }

  #remake(bytes: number, blobBytes: number): void {
    const { kind, policy, slots, arenaBytes, pid, before } = this.#ring.header;
    const need = bytes + Math.max(blobBytes, this.plan.blobBytes);
    const measures: RingOptions = policy === "fixed"
      ? { kind, policy, slots, cellBytes: need }
      // One payload for an arena would be overwritten by the next.
      : { kind, policy, slots, arenaBytes: Math.max(2 * arenaBytes, 4 * need) };
    const old = this.#ring;
    const records = before + old.head;
    const predecessor = { handle: this.#memory.handle, generations: old.generations, records };
    const { memory, writer } = makeRing(this.#library, this.plan, measures, pid, predecessor);
    this.#memory = memory;
    this.#ring = writer;
    old.close("moved");
    this.#onRemade(memory);
  }

  #refusal(why: string): TypeError {
    return new TypeError(`Cannot write ring "${this.plan.name}": ${why}`);
  }
}
