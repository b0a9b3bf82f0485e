import { type FilterStep, packedBytes, type PixelFormat } from "../../src/media/mod.ts";
import { LeaseQueue } from "../../src/decode/lease_queue.ts";
import { GateState } from "../../src/filter/gate.ts";
import { IntervalGate } from "../../src/filter/interval.ts";
import type { JobOutput } from "../decode_protocol.ts";
import { Doorbell } from "../doorbell.ts";
import type { Decoded } from "./decoded.ts";
import type { Instance } from "./instance.ts";
import type { Want } from "./plan.ts";
import { RingOutput } from "./ring_output.ts";
import { ScaleStage } from "./scale_stage.ts";

/** What a job tells its worker. */
export interface JobEvents {
  grown(shape: { width: number; height: number; format: PixelFormat }): void;
  starved(): void;
}

/** Frames that one reader may hold, beside those in its queue: what it keeps is missing to the others. */
const MAX_HELD = 64;
const MIN_HELD = 4;
/** Bytes of pictures that one reader may hold, where that is less. */
const MAX_HELD_BYTES = 128 << 20;

/** How many pictures of so many bytes one reader may hold. */
function maxHeld(bytes: number): number {
  return Math.max(MIN_HELD, Math.min(MAX_HELD, Math.floor(MAX_HELD_BYTES / bytes)));
}

/** One branch's steps and its way out. */
export class Job implements Want {
  /** What looks at no pixel, in order. */
  readonly #gates: (IntervalGate | GateState)[] = [];
  readonly #intervals: IntervalGate[];
  readonly #doors: GateState[];
  readonly #scale: ScaleStage | null;
  readonly #queue: LeaseQueue | null = null;
  readonly #ring: RingOutput | null = null;
  readonly #bell: Doorbell;
  readonly #overflow: "drop-oldest" | "drop-newest" | "block";
  readonly #events: JobEvents;
  #instance: Instance;
  #maxHeld = MAX_HELD;
  /** What its source had lost up to the picture before; null before the first. */
  #lostBefore: number | null = null;
  /** Pictures that are lost to its reader since the one before, beside those that its queue loses. */
  #missing = 0;

  constructor(instance: Instance, steps: readonly FilterStep[], output: JobOutput, events: JobEvents) {
    this.#instance = instance;
    this.#events = events;
    this.#bell = new Doorbell(output.bell);
    // Gates look at times and the scaler at pixels, so all gates come first: what is not due is not scaled. Of several
    // scalers the last one says what comes out.
    for (const step of steps) {
      if (step.kind === "interval") this.#gates.push(new IntervalGate(step.intervalMs));
      else if (step.kind === "gate") this.#gates.push(new GateState(step.state));
    }
    this.#intervals = this.#gates.filter((gate) => gate instanceof IntervalGate);
    this.#doors = this.#gates.filter((gate) => gate instanceof GateState);
    const scale = steps.findLast((step) => step.kind === "scale");
    this.#scale = scale ? new ScaleStage(scale) : null;
    if (output.kind === "queue") {
      this.#queue = new LeaseQueue(output.queue);
      this.#overflow = output.overflow;
    } else {
      this.#ring = new RingOutput(output, (shape) => events.grown(shape));
      this.#overflow = "drop-oldest";
    }
  }

  /** Whether it makes other pictures of those that it takes. */
  get scales(): boolean {
    return this.#scale !== null;
  }

  /** Whether its reader must take something out before a picture may be decoded. */
  get blocked(): boolean {
    if (this.#overflow !== "block" || this.#queue === null || this.#queue.closed) return false;
    return this.#queue.waitsForRoom(this.#maxHeld);
  }

  /** Whether its reader must get every picture, and the decoder waits for it. */
  get patient(): boolean {
    return this.#overflow === "block";
  }

  get wants(): "nothing" | "some" | "all" {
    if (this.#queue?.closed || this.#shut) return "nothing";
    return this.#intervals.length > 0 ? "some" : "all";
  }

  /** Whether what it wants may change at any time, and without a word. */
  get watchful(): boolean {
    return this.#doors.length > 0;
  }

  get interval(): number {
    return this.#intervals.reduce((most, { interval }) => Math.max(most, interval), 0);
  }

  get due(): number {
    return this.#intervals.reduce((latest, { due }) => Math.max(latest, due), -Infinity);
  }

  get last(): number {
    return this.#intervals.at(-1)?.last ?? -Infinity;
  }

  isDue(pts: number, early?: number): boolean {
    for (const gate of this.#intervals) if (!gate.isDue(pts, early)) return false;
    return true;
  }

  get #shut(): boolean {
    for (const door of this.#doors) if (!door.open) return true;
    return false;
  }

  /** Takes note of a picture that was not decoded: a gate that is shut counts what it holds back, decoded or not. */
  passedOver(pts: number): void {
    if (this.#shut) this.#passes(pts);
  }

  #passes(pts: number, early?: number): boolean {
    for (const gate of this.#gates) {
      if (gate instanceof IntervalGate) {
        if (!gate.pass(pts, early)) return false;
      } else if (!gate.open) {
        gate.hold();
        return false;
      }
    }
    return true;
  }

  /**
   * Takes one picture, which stays the caller's. Returns the microseconds that scaling took.
   *
   * @param early How far ahead of its time it may be, in microseconds, where it is not to be on time.
   */
  take(decoded: Decoded, early?: number): number {
    if (this.#queue?.closed || !this.#passes(decoded.info.pts, early)) return 0;
    // Who wants some pictures alone has not lost those between.
    if (this.#gates.length === 0) {
      this.#missing += decoded.lost - (this.#lostBefore ?? decoded.lost);
      this.#lostBefore = decoded.lost;
    }
    if (!this.#scale) {
      this.#put(decoded);
      return 0;
    }
    const began = performance.now();
    const scaled = this.#scale.run(this.#instance, decoded);
    const spent = (performance.now() - began) * 1000;
    if (!scaled) {
      this.#starved();
      return spent;
    }
    const { info, planes, room } = scaled;
    const picture: Decoded = { ...decoded, info, planes, entry: -1, release: () => room.free() };
    this.#put(picture);
    this.#instance.done(picture);
    return spent;
  }

  setRing(ring: SharedArrayBuffer): void {
    this.#ring?.set(ring);
  }

  /** Lets go of everything that lives in the instance, which is gone, and goes on with another. */
  moveTo(instance: Instance): void {
    this.#scale?.reset();
    this.#instance = instance;
  }

  /** No more pictures will come: the reader gets what is queued, and the end. */
  end(): void {
    this.#queue?.end();
    this.#ring?.end();
    this.#bell.ring();
  }

  /** Its reader is gone. */
  close(): void {
    this.#queue?.close();
    this.#queue?.discard(({ entry, epoch }) => {
      if (epoch === this.#instance.epoch) this.#instance.pool.table.release(entry);
    });
    this.#scale?.close();
  }

  /** Its decoder is gone: the reader gets what is queued, and the end. */
  leave(): void {
    this.end();
    this.#scale?.close();
  }

  #put(picture: Decoded): void {
    if (this.#ring) {
      this.#ring.write(this.#instance, picture);
      this.#bell.ring();
      return;
    }
    const { pool, epoch } = this.#instance;
    const entry = this.#instance.entryOf(picture);
    if (entry < 0) return this.#starved();
    const { format, width, height } = picture.info;
    this.#maxHeld = maxHeld(packedBytes(format, width, height));
    pool.table.hold(entry);
    const lost = this.#queue!.push({ entry, epoch }, {
      overflow: this.#overflow,
      maxHeld: this.#maxHeld,
      missing: this.#missing,
    });
    if (lost && lost.epoch === epoch) pool.table.release(lost.entry);
    this.#missing = 0;
    this.#bell.ring();
  }

  /** There is no place for a picture: everything is held. */
  #starved(): void {
    this.#missing++;
    this.#events.starved();
  }
}
