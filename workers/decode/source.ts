import {
  DecodeError,
  type DecodeStepOptions,
  type FrameInfo,
  packedPlanes,
  type VideoCodec,
} from "../../src/media/mod.ts";
import { EncodedCursor } from "../../src/feed/encoded_cursor.ts";
import type { DecodedFrame, Decoder } from "../../wasm/mod.ts";
import { DECODE_COUNTERS } from "../decode_protocol.ts";
import type { Decoded } from "./decoded.ts";
import type { Instance } from "./instance.ts";
import type { Job } from "./job.ts";

/** Access units whose pictures may still be inside the decoder; it holds back sixteen at most. */
const REMEMBERED = 64;
/** How often a source may take the instance down before it is given up. */
const MAX_TRAPS = 3;

/** Indexes of the counters. */
const COUNTER = Object.fromEntries(DECODE_COUNTERS.map((name, i) => [name, i])) as Record<
  typeof DECODE_COUNTERS[number],
  number
>;

/** What is known of an access unit, kept until its picture comes out. */
interface UnitInfo {
  sequence: number;
  pts: number;
  wallTime: number | null;
  receivedAt: number;
  generation: number;
  keyframe: boolean;
  corrupt: boolean;
}

/** How a source is decoded. */
export interface SourceOptions {
  ring: SharedArrayBuffer;
  codec: VideoCodec;
  parameterSets: Uint8Array;
  streamId: number;
  capacity: number;
  options: DecodeStepOptions;
  counters: SharedArrayBuffer;
}

/** One source in a decode worker: its cursor in the ring of access units, its decoder, and its jobs. */
export class Source {
  readonly jobs = new Map<number, Job>();
  readonly #settings: SourceOptions;
  readonly #cursor: EncodedCursor;
  readonly #counters: Float64Array;
  readonly #units: UnitInfo[] = Array.from({ length: REMEMBERED }, () => ({
    sequence: -1,
    pts: 0,
    wallTime: null,
    receivedAt: 0,
    generation: 0,
    keyframe: false,
    corrupt: false,
  }));
  #instance: Instance;
  #codec: VideoCodec;
  #decoder: Decoder | null = null;
  #idle = true;
  #ending = false;
  #drained = false;
  /** Set while the decoder may hold pictures that `receive()` gives without more being sent. */
  #receiving = false;
  /** The access unit that waits, in the cursor, for the decoder to be empty. */
  #held: { codec: VideoCodec; sequence: number } | null = null;

  constructor(instance: Instance, settings: SourceOptions) {
    this.#instance = instance;
    this.#settings = settings;
    this.#codec = settings.codec;
    this.#counters = new Float64Array(settings.counters);
    this.#cursor = new EncodedCursor(settings.ring, { capacity: settings.capacity, corrupt: settings.options.corrupt });
  }

  /** Whether every picture of it is out. */
  get ended(): boolean {
    return this.#drained;
  }

  /** Whether it took the instance down too often to be tried again. */
  get hopeless(): boolean {
    return this.#counters[COUNTER.traps] >= MAX_TRAPS;
  }

  addJob(number: number, job: Job): void {
    this.jobs.set(number, job);
    if (this.#drained) job.end();
  }

  /** The source will write no more. */
  end(): void {
    this.#ending = true;
  }

  /** Counts that a picture found no entry in the frame table. */
  starved(): void {
    this.#counters[COUNTER.starved]++;
  }

  /**
   * Does a bit of work: sends one access unit, or takes one picture out. False where there is nothing to do now.
   *
   * @throws {InstanceDeadError} where the instance trapped.
   * @throws {DecodeError} where its pictures are none that can be shown.
   */
  step(): boolean {
    if (this.#drained) return false;
    if (this.jobs.size === 0 && !this.#ending) {
      this.#idle = true;
      return false;
    }
    for (const job of this.jobs.values()) if (job.blocked) return false;
    const began = performance.now();
    const worked = this.#receiving ? this.#receive() : this.#send();
    this.#counters[COUNTER.busyMicroseconds] += (performance.now() - began) * 1000;
    return worked;
  }

  /** Goes on in another instance, from the next keyframe. */
  moveTo(instance: Instance): void {
    this.#instance = instance;
    this.#decoder = null;
    this.#receiving = false;
    this.#held = null;
    this.#cursor.waitForKeyframe();
    for (const job of this.jobs.values()) job.moveTo(instance);
  }

  /** Counts that the instance trapped while it worked for this source. */
  trapped(): void {
    this.#counters[COUNTER.traps]++;
  }

  /** Ends its decoder, and all that read it. */
  close(): void {
    for (const job of this.jobs.values()) job.leave();
    this.jobs.clear();
    this.#decoder?.[Symbol.dispose]();
    this.#decoder = null;
  }

  #send(): boolean {
    if (this.#idle) this.#resume();
    const meta = this.#cursor.next();
    this.#counters[COUNTER.skipped] = this.#cursor.skipped;
    if (!meta) return this.#ending ? this.#drain() : false;
    this.#counters[COUNTER.accessUnits]++;
    const unit = this.#units[meta.sequence % REMEMBERED];
    unit.sequence = meta.sequence;
    unit.pts = meta.pts;
    unit.wallTime = meta.wallTime;
    unit.receivedAt = meta.receivedAt;
    unit.generation = meta.generation;
    unit.keyframe = meta.keyframe;
    unit.corrupt = meta.corrupt;
    const codec = meta.codec ?? this.#codec;
    // Behind a gap the order of the pictures says nothing about those before it, and pictures that lead the keyframe refer to
    // what is not there: the decoder gives what it has and begins anew. So it does where a camera came back with another codec.
    if (this.#decoder && (codec !== this.#codec || this.#cursor.afterGap && meta.keyframe)) {
      this.#held = { codec, sequence: meta.sequence };
      this.#decoder.drain();
      this.#receiving = true;
      return true;
    }
    this.#codec = codec;
    this.#feed(meta.sequence);
    return true;
  }

  /** Sends the access unit that the cursor has. */
  #feed(sequence: number): void {
    const result = this.#open().send(this.#cursor.data, sequence);
    // Every picture was taken out before this was sent, so the decoder never says "again".
    if (result !== "ok") this.#counters[COUNTER.errors]++;
    this.#receiving = true;
  }

  #receive(): boolean {
    const decoder = this.#open();
    const frame = decoder.receive();
    if (frame) {
      this.#deliver(frame);
      return true;
    }
    if (decoder.lastError < 0) this.#counters[COUNTER.errors]++;
    if (this.#held) {
      this.#beginAnew(decoder, this.#held);
      return true;
    }
    this.#receiving = false;
    if (!this.#ending || !this.#drainSent) return true;
    this.#drained = true;
    for (const job of this.jobs.values()) job.end();
    return true;
  }

  #beginAnew(decoder: Decoder, { codec, sequence }: { codec: VideoCodec; sequence: number }): void {
    this.#held = null;
    if (codec === this.#codec) decoder.flush();
    else {
      decoder[Symbol.dispose]();
      this.#decoder = null;
      this.#codec = codec;
    }
    this.#feed(sequence);
  }

  #drainSent = false;

  #drain(): boolean {
    this.#drainSent = true;
    this.#open().drain();
    this.#receiving = true;
    return true;
  }

  /** After a time without readers: the decoder's pictures are of the past. */
  #resume(): void {
    this.#idle = false;
    this.#decoder?.flush();
    this.#cursor.rejoin();
  }

  #open(): Decoder {
    const { codec, parameterSets, options } = this.#settings;
    return this.#decoder ??= this.#instance.ffmpeg.decoder(this.#codec, {
      // Those of another codec are in its keyframes.
      parameterSets: this.#codec === codec ? parameterSets : undefined,
      lowDelay: options.order === "decoding",
    });
  }

  #deliver(frame: DecodedFrame): void {
    this.#counters[COUNTER.frames]++;
    const unit = this.#units[frame.pts % REMEMBERED];
    const known = unit !== undefined && unit.sequence === frame.pts;
    const corrupt = frame.corrupt || known && unit.corrupt;
    if (corrupt) this.#counters[COUNTER.corrupt]++;
    if (frame.format === null) {
      frame.release();
      throw new DecodeError(
        "codec",
        `Cannot decode ${this.#codec} of this kind: its pixel format is none that is known here; set the camera to 4:2:0`,
      );
    }
    const wanted = known && (!corrupt || this.#settings.options.corrupt === "deliver");
    if (!wanted) return frame.release();
    const info: FrameInfo = {
      width: frame.width,
      height: frame.height,
      format: frame.format,
      pts: unit.pts,
      wallTime: unit.wallTime,
      receivedAt: unit.receivedAt,
      keyframe: unit.keyframe,
      corrupt,
      sequence: unit.sequence,
      generation: unit.generation,
      missed: 0,
      streamId: this.#settings.streamId,
    };
    const shape = packedPlanes(info.format, info.width, info.height);
    const decoded: Decoded = {
      info,
      planes: shape.map(({ stride: rowBytes, rows }, i) => ({ ...frame.planes[i], rowBytes, rows })),
      fullRange: frame.fullRange,
      matrix: frame.matrix,
      entry: -1,
      release: () => frame.release(),
    };
    // Who takes the picture as it is does not wait for others' scaling.
    for (const job of this.jobs.values()) if (!job.scales) job.take(decoded);
    for (const job of this.jobs.values()) {
      if (job.scales) this.#counters[COUNTER.scaleMicroseconds] += job.take(decoded);
    }
    this.#instance.done(decoded);
  }
}
