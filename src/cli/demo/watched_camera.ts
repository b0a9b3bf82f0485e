import { type Analysis, startAnalysis } from "../../analysis/mod.ts";
import { decode, scale } from "../../decode/mod.ts";
import { interval } from "../../filter/mod.ts";
import type { OpenRtspOptions, RtspCamera, RtspCameraStats } from "../../ingest/mod.ts";
import type { FrameFeed } from "../../media/mod.ts";
import { redactUrl } from "../../rtsp/mod.ts";
import type { ShmWriter } from "../../shm/mod.ts";
import { openSource } from "../camera_source.ts";
import { sentenceOf } from "../errors.ts";
import { Median } from "./median.ts";
import { SHARED } from "./rings.ts";

/** What the analysis gets: brightness, five times a second. */
const ANALYZED = { width: 320, height: 180, format: "GRAY8" } as const;
const ANALYZER = new URL("../../../examples/motion.ts", import.meta.url);
/** What it says of each. */
export interface Motion {
  /** The share of the picture that changed. */
  score: number;
  motion: boolean;
}

/** A camera, and all that the demo does with its pictures. */
export class WatchedCamera implements AsyncDisposable {
  readonly name: string;
  readonly ring: ShmWriter;
  /** Of the latest frames, from the last packet until it was decoded and here, in milliseconds. */
  readonly latency = new Median();
  frames = 0;
  motion: Motion | null = null;
  results = 0;
  /** What of it ended and was not to, in a sentence each. */
  readonly failures: string[] = [];
  readonly #stack = new AsyncDisposableStack();
  #url = "";
  #camera: RtspCamera | null = null;
  #decoded: FrameFeed | null = null;
  #failed = false;
  #heldBack = 0;
  #caughtUp: { at: number; frames: number } | null = null;
  #firstSequence = 0;
  #lastSequence = 0;
  #closing = false;

  /** @param ring What gets its small pictures; it becomes this object's. */
  constructor(name: string, ring: ShmWriter) {
    this.name = name;
    this.ring = ring;
  }

  /**
   * Opens the camera, and begins; may be called again after it failed.
   *
   * @param options.signal Ends the opening, and nothing afterwards.
   * @throws what `openSource` and `startAnalysis` throw; it is noted among the failures, too.
   */
  async open(url: string, options: OpenRtspOptions): Promise<void> {
    this.#url = redactUrl(url);
    const opening = new AbortController();
    const { signal } = options;
    const abort = () => opening.abort(signal?.reason);
    signal?.addEventListener("abort", abort);
    try {
      signal?.throwIfAborted();
      await this.#begin(url, { ...options, signal: opening.signal });
      // It could not be opened before, and came in the end.
      if (this.#failed) this.failures.length = 0;
      this.#failed = false;
    } catch (error) {
      if (!signal?.aborted) {
        this.#failed = true;
        this.#fail(error as Error);
      }
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  async #begin(url: string, options: OpenRtspOptions): Promise<void> {
    const { signal } = options;
    const camera = this.#camera = this.#stack.use(await openSource(url, options));
    this.#heldBack = this.#notPassedOn();
    const frames = this.#decoded = this.#stack.use(camera.video.branch({ capacity: 30 }).pipe(decode()));
    // Before the analysis: a decoder makes one branch's pictures after the other's, and here the age is looked at.
    const shared = frames.branch().pipe(interval(1_000)).pipe(scale(SHARED)).pipeTo(this.ring);
    this.#report(shared, "shared memory");
    this.#report(this.#count(frames, camera), "decoding");
    const input = frames.branch().pipe(interval(200)).pipe(scale(ANALYZED));
    const analysis = this.#stack.use(
      await startAnalysis<Motion>(ANALYZER, { input, permissions: "none", signal }),
    );
    this.#report(this.#follow(analysis), "analysis");
  }

  /** The camera's address without its password; empty before it is opened. */
  get url(): string {
    return this.#camera?.url ?? this.#url;
  }

  /** `connecting` until it is open, `failed` where it could not be opened, then the camera's own. */
  get state(): string {
    return this.#failed ? "failed" : this.#camera?.state ?? "connecting";
  }

  get transport(): RtspCameraStats["transport"] {
    return this.#camera?.stats().transport ?? null;
  }

  /** Why no pictures come from it at present, in a sentence; null where they do. */
  get trouble(): string | null {
    if (!this.#camera || this.#camera.state === "live") return null;
    const { state, reason } = this.#camera.stats();
    return `${this.name} is ${state}${reason ? `: ${reason}` : ""}`;
  }

  /** When it had caught up with the camera; until then the frames since the last keyframe come at once. */
  get caughtUp(): { at: number; frames: number } | null {
    return this.#caughtUp;
  }

  /** Frames a second, since it caught up with the camera. */
  get fps(): number {
    if (this.#caughtUp === null) return 0;
    return (this.frames - this.#caughtUp.frames) * 1000 / (performance.now() - this.#caughtUp.at);
  }

  /** Pictures of the camera since the first one that did not arrive here, wherever they were lost. */
  get dropped(): number {
    const notHere = this.frames === 0 ? 0 : this.#lastSequence - this.#firstSequence + 1 - this.frames;
    return Math.max(0, notHere) + this.#notPassedOn() - this.#heldBack;
  }

  /** Pictures that were not decoded because this machine had no time for it. */
  get shed(): number {
    return this.#decoded?.decoderStats().shed ?? 0;
  }

  /** Ends everything that was begun. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await this.ring[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }

  #notPassedOn(): number {
    if (!this.#camera) return 0;
    const { skipped, oversize } = this.#camera.stats();
    return skipped + oversize;
  }

  /** Looks at every frame, and touches no pixel. */
  async #count(frames: FrameFeed, camera: RtspCamera): Promise<void> {
    for await (using frame of frames.branch()) {
      if (this.frames++ === 0) this.#firstSequence = frame.sequence;
      if (this.#caughtUp === null && frame.sequence + 2 >= camera.stats().accessUnits) {
        this.#caughtUp = { at: performance.now(), frames: this.frames };
      }
      // With B-frames they are shown in another order than they were numbered in.
      this.#lastSequence = Math.max(this.#lastSequence, frame.sequence);
      if (this.#caughtUp) this.latency.add(frame.age);
    }
  }

  async #follow(analysis: Analysis<Motion>): Promise<void> {
    for await (const motion of analysis) {
      this.motion = motion;
      this.results++;
    }
  }

  /** Notes why a part of it ended. */
  #report(part: Promise<void>, what: string): void {
    part.then(
      () => this.#closing || this.failures.push(`${this.name}: the ${what} ended`),
      (error) => this.#closing || this.#fail(error),
    );
  }

  /** The end of a camera is the end of all its branches, with the same error: it is said once. */
  #fail(error: Error): void {
    const failure = `${this.name}: ${sentenceOf(error).sentence}`;
    if (!this.failures.includes(failure)) this.failures.push(failure);
  }
}
