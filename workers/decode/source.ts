import { DecodeError, type FrameInfo, packedPlanes, type VideoCodec } from "../../src/media/mod.ts";
import { type Choice, type Chooser, EncodedCursor } from "../../src/feed/encoded_cursor.ts";
import type { RecordMeta } from "../../src/ring/mod.ts";
import type { DecodedFrame, Decoder } from "../../wasm/mod.ts";
import { DECODE_COUNTERS, type SourceSettings } from "../decode_protocol.ts";
import { WakeWish } from "../wake_wish.ts";
import type { Decoded } from "./decoded.ts";
import type { Instance } from "./instance.ts";
import type { Job } from "./job.ts";
import { Plan } from "./plan.ts";
import { References } from "./references.ts";

/** Access units whose pictures may still be inside the decoder: it holds back sixteen at most, and some between are passed over. */
const REMEMBERED = 256;
/** Who sleeps up to the next keyframe looks around by itself before so many milliseconds, unless there is no time for it. */
const SLEEP = 2_000;
/** How often a source may take the instance down before it is given up. */
const MAX_TRAPS = 3;

/** Pictures of so many samples are worth a second thread, where their codec can have one. */
export const LARGE = 2560 * 1440;

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
  /** Access units that were lost up to this one. */
  lost: number;
  /** Whether it is there for those that come after it: nobody wanted its picture when it was new. */
  again: boolean;
}

/** One source in a decode worker: its cursor in the ring of access units, its decoder, and its jobs. */
export class Source implements Chooser {
  readonly jobs = new Map<number, Job>();
  readonly #settings: SourceSettings;
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
    lost: 0,
    again: false,
  }));
  readonly #plan: Plan;
  readonly #references = new References();
  readonly #wish: WakeWish;
  #instance: Instance;
  #codec: VideoCodec;
  #decoder: Decoder | null = null;
  #idle = true;
  /** Since when it is woken for keyframes alone; 0 where it is for all. */
  #quietSince = 0;
  #busyBefore = 0;
  #ending = false;
  #drained = false;
  /** Set while the decoder may hold pictures that `receive()` gives without more being sent. */
  #receiving = false;
  /** Whether access units were sent that the decoder was not asked to finish. */
  #unfinished = false;
  /** Whether something was passed over that what follows may refer to: first everything that was sent comes out. */
  #gap = false;
  /** Whether the decoder is being asked for the last pictures before a gap. */
  #finishing = false;
  /** Access units that were lost up to the last picture that came out. */
  #lost = 0;
  /** Pictures lost behind that: refused, or held back. */
  #lostInside = 0;
  /** Access units that were sent, and whose pictures are to come. */
  #inside = 0;
  /** An access unit that waits for that. */
  #pending: RecordMeta | null = null;

  constructor(instance: Instance, settings: SourceSettings) {
    this.#instance = instance;
    this.#settings = settings;
    this.#codec = settings.codec;
    this.#counters = new Float64Array(settings.counters);
    this.#wish = new WakeWish(settings.wish);
    this.#plan = new Plan(settings.options.frames);
    this.#cursor = new EncodedCursor(settings.ring, { capacity: settings.capacity, corrupt: settings.options.corrupt });
  }

  /** Whether every picture of it is out. */
  get ended(): boolean {
    return this.#drained;
  }

  /** Whether its pictures are worth a second thread. */
  get large(): boolean {
    return this.#large;
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
      this.#wish.set("nothing");
      return false;
    }
    for (const job of this.jobs.values()) if (job.blocked) return false;
    const began = performance.now();
    if (this.#quietSince > 0) this.#wake(began);
    const worked = this.#receiving ? this.#receive() : this.#send();
    if (!worked && this.#mayBeQuiet()) {
      this.#wish.set("keyframes");
      this.#quietSince = performance.now();
    }
    this.#counters[COUNTER.busyMicroseconds] += (performance.now() - began) * 1000;
    return worked;
  }

  /** Whether it has more to bring out of what it decoded. */
  get midway(): boolean {
    return this.#receiving;
  }

  /** Notes which share of so many milliseconds it took since this was called last. */
  measure(milliseconds: number): void {
    const busy = this.#counters[COUNTER.busyMicroseconds];
    this.#counters[COUNTER.load] = (busy - this.#busyBefore) / 1_000 / milliseconds;
    this.#busyBefore = busy;
  }

  /** Goes on in another instance, from the next keyframe. */
  moveTo(instance: Instance): void {
    this.#instance = instance;
    this.#decoder = null;
    this.#lostInside += this.#inside + (this.#pending && !this.#cursor.again ? 1 : 0);
    this.#inside = 0;
    this.#receiving =
      this.#finishing =
      this.#unfinished =
      this.#gap =
        false;
    this.#pending = null;
    this.#cursor.waitForKeyframe();
    this.#plan.restart();
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

  /** Decides about an access unit; called by the cursor. */
  choose(meta: RecordMeta, again: boolean): Choice {
    let patient = false;
    for (const job of this.jobs.values()) patient ||= job.patient;
    const choice = this.#plan.choose(meta, this.jobs.values(), {
      again,
      jumped: this.#cursor.afterJump,
      hurried: !patient && this.#cursor.hurried,
      isDisposable: () => this.#references.isDisposable(meta.codec ?? this.#codec, this.#cursor.peekBytes()),
    });
    if (choice === "again" || choice !== "take" && this.#plan.broken) this.#gap = true;
    if (choice === "pass" && !again) { for (const job of this.jobs.values()) job.passedOver(meta.pts); }
    return choice;
  }

  /** There is no way back to the last keyframe; called by the cursor. */
  tooLate(): void {
    this.#plan.tooLate();
  }

  #send(): boolean {
    if (this.#idle) this.#resume();
    const meta = this.#pending ?? this.#cursor.next(this);
    this.#count();
    const codec = meta?.codec ?? this.#codec;
    // Behind a gap the order of the pictures says nothing about those before it, and pictures that lead the keyframe refer to
    // what is not there: the decoder gives what it has and begins anew. So it does where a camera came back with another codec.
    const anew = this.#gap || meta !== null && (codec !== this.#codec || this.#cursor.afterGap && meta.keyframe);
    this.#gap = false;
    this.#pending = null;
    if (anew && this.#unfinished) {
      this.#pending = meta;
      return this.#finish();
    }
    if (!meta) return this.#ending ? this.#drain() : false;
    const unit = this.#units[meta.sequence % REMEMBERED];
    unit.sequence = meta.sequence;
    unit.pts = meta.pts;
    unit.wallTime = meta.wallTime;
    unit.receivedAt = meta.receivedAt;
    unit.generation = meta.generation;
    unit.keyframe = meta.keyframe;
    unit.corrupt = meta.corrupt;
    unit.lost = this.#cursor.skipped + this.#cursor.shed;
    unit.again = this.#cursor.again;
    if (codec !== this.#codec) {
      this.#codec = codec;
      this.#decoder?.[Symbol.dispose]();
      this.#decoder = null;
    }
    if (!unit.again) this.#inside++;
    const result = this.#open().send(this.#cursor.data, meta.sequence);
    // Every picture was taken out before this was sent, so the decoder never says "again".
    if (result !== "ok") this.#refused();
    this.#receiving = this.#unfinished = true;
    if (!meta.keyframe) return true;
    this.#references.keyframe(this.#codec, this.#cursor.data);
    // A decoder that puts pictures in order would give this one only with those after it.
    if (!unit.again && this.#plan.endsWithKeyframe(this.jobs.values())) this.#finish();
    return true;
  }

  #receive(): boolean {
    const decoder = this.#open();
    const frame = decoder.receive();
    if (frame) {
      this.#deliver(frame);
      return true;
    }
    if (decoder.lastError < 0) this.#refused();
    this.#receiving = false;
    if (this.#finishing) {
      this.#finishing = false;
      this.#inside = 0;
      decoder.flush();
      return true;
    }
    if (!this.#ending || !this.#drainSent) return true;
    this.#drained = true;
    for (const job of this.jobs.values()) job.end();
    return true;
  }

  /** Counts that the decoder makes no picture of an access unit. */
  #refused(): void {
    this.#counters[COUNTER.errors]++;
    this.#lostInside++;
    this.#comesOut();
  }

  #comesOut(): void {
    this.#inside = Math.max(0, this.#inside - 1);
  }

  #drainSent = false;
  #large = false;

  #drain(): boolean {
    this.#drainSent = true;
    this.#open().drain();
    this.#receiving = true;
    return true;
  }

  /** Has the decoder give what it holds back, and forget it: what comes next does not follow. */
  #finish(): boolean {
    this.#open().drain();
    this.#unfinished = false;
    this.#finishing = this.#receiving = true;
    return true;
  }

  /** Goes on after it was woken for keyframes alone, with all that came meanwhile. */
  #wake(at: number): void {
    this.#wish.set("all");
    if (at - this.#quietSince < SLEEP) this.#cursor.excuse();
    this.#quietSince = 0;
  }

  /** Whether there is no need to wake before the next keyframe. */
  #mayBeQuiet(): boolean {
    if (this.#ending || this.#unfinished || this.#finishing) return false;
    for (const job of this.jobs.values()) if (job.watchful) return false;
    return this.#plan.awaitsKeyframe(this.jobs.values());
  }

  #count(): void {
    const { delivered, skipped, unwanted, shed } = this.#cursor;
    this.#counters[COUNTER.accessUnits] = delivered;
    this.#counters[COUNTER.skipped] = skipped;
    this.#counters[COUNTER.unwanted] = unwanted;
    this.#counters[COUNTER.shed] = shed;
  }

  /** After a time without readers: the decoder's pictures are of the past. */
  #resume(): void {
    this.#idle = false;
    this.#decoder?.flush();
    this.#unfinished = this.#gap = false;
    this.#pending = null;
    this.#inside = 0;
    this.#plan.restart();
    this.#cursor.rejoin();
    this.#wish.set("all");
    this.#quietSince = 0;
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
    this.#large = this.#codec === "hevc" && frame.width * frame.height >= LARGE;
    const unit = this.#units[frame.pts % REMEMBERED];
    const known = unit !== undefined && unit.sequence === frame.pts;
    const again = known && unit.again;
    if (!again) this.#comesOut();
    if (known) this.#lost = Math.max(this.#lost, unit.lost);
    const corrupt = frame.corrupt || known && unit.corrupt;
    if (corrupt) this.#counters[COUNTER.corrupt]++;
    if (frame.format === null) {
      frame.release();
      throw new DecodeError(
        "codec",
        `Cannot decode ${this.#codec} of this kind: its pixel format is none that is known here; set the camera to 4:2:0`,
      );
    }
    const wanted = known && !again && (!corrupt || this.#settings.options.corrupt === "deliver");
    if (!wanted) {
      if (!again) this.#lostInside++;
      return frame.release();
    }
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
      // Who wants keyframes alone loses none of the others.
      lost: this.#lostInside + (this.#settings.options.frames === "keyframes" ? 0 : this.#lost),
      entry: -1,
      release: () => frame.release(),
    };
    // Who takes the picture as it is does not wait for others' scaling.
    const early = (job: Job) => unit.keyframe ? this.#plan.earlyFor(job) : undefined;
    for (const job of this.jobs.values()) if (!job.scales) job.take(decoded, early(job));
    for (const job of this.jobs.values()) {
      if (job.scales) this.#counters[COUNTER.scaleMicroseconds] += job.take(decoded, early(job));
    }
    this.#instance.done(decoded);
  }
}
