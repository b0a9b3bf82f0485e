import { type Analysis, startAnalysis } from "../../analysis/mod.ts";
import { decode, scale } from "../../decode/mod.ts";
import { interval } from "../../filter/mod.ts";
import { openRtsp, type OpenRtspOptions, type RtspCamera } from "../../ingest/mod.ts";
import { type FrameFeed, ShmError } from "../../media/mod.ts";
import { ShmWriter } from "../../shm/mod.ts";
import { Median } from "./median.ts";

/** What other processes get: a small picture a second. */
const SHARED = { width: 480, height: 270, format: "RGB24" } as const;
/** What the analysis gets: brightness, five times a second. */
const ANALYZED = { width: 320, height: 180, format: "GRAY8" } as const;
const ANALYZER = new URL("../../../examples/motion.ts", import.meta.url);
/** What it says of each. */
export interface Motion {
  /** The share of the picture that changed. */
  score: number;
  motion: boolean;
}
/** More demos than this at a time are not to be expected. */
const MAX_RINGS = 100;

/** A camera, and all that the demo does with its pictures. */
export class WatchedCamera implements AsyncDisposable {
  readonly name: string;
  readonly camera: RtspCamera;
  readonly ring: ShmWriter;
  /** Of the latest frames, from the last packet until it was decoded and here, in milliseconds. */
  readonly latency = new Median();
  frames = 0;
  motion: Motion | null = null;
  results = 0;
  /** What of it ended and was not to, in a sentence each. */
  readonly failures: string[] = [];
  readonly #stack: AsyncDisposableStack;
  readonly #heldBack: number;
  #caughtUp: { at: number; frames: number } | null = null;
  #firstSequence = 0;
  #lastSequence = 0;
  #closing = false;

  private constructor(
    name: string,
    parts: { camera: RtspCamera; frames: FrameFeed; ring: ShmWriter; analysis: Analysis<Motion> },
    stack: AsyncDisposableStack,
  ) {
    this.name = name;
    this.camera = parts.camera;
    this.ring = parts.ring;
    this.#stack = stack;
    this.#heldBack = this.#notPassedOn();
    const shared = parts.frames.branch().pipe(interval(1_000)).pipe(scale(SHARED));
    this.#report(shared.pipeTo(parts.ring), "shared memory");
    this.#report(this.#count(parts.frames), "decoding");
    this.#report(this.#follow(parts.analysis), "analysis");
  }

  /** Opens a camera, and begins. @throws what `openRtsp`, `ShmWriter.create` and `startAnalysis` throw. */
  static async open(url: string, name: string, options: OpenRtspOptions): Promise<WatchedCamera> {
    await using stack = new AsyncDisposableStack();
    const camera = stack.use(await openRtsp(url, options));
    const frames = stack.use(camera.video.branch({ capacity: 30 }).pipe(decode()));
    const ring = stack.use(await freeRing());
    const input = frames.branch().pipe(interval(200)).pipe(scale(ANALYZED));
    const { signal } = options;
    const analysis = stack.use(await startAnalysis<Motion>(ANALYZER, { input, permissions: "none", signal }));
    return new WatchedCamera(name, { camera, frames, ring, analysis }, stack.move());
  }

  /** Frames a second, since it caught up with the camera: the first frames come at once, from the last keyframe on. */
  get fps(): number {
    if (this.#caughtUp === null) return 0;
    return (this.frames - this.#caughtUp.frames) * 1000 / (performance.now() - this.#caughtUp.at);
  }

  /** Pictures of the camera since the first one that did not arrive here, wherever they were lost. */
  get dropped(): number {
    const notHere = this.frames === 0 ? 0 : this.#lastSequence - this.#firstSequence + 1 - this.frames;
    return Math.max(0, notHere) + this.#notPassedOn() - this.#heldBack;
  }

  /** Ends everything that was begun, in the reverse order. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    await this.#stack.disposeAsync();
  }

  #notPassedOn(): number {
    const { skipped, oversize } = this.camera.stats();
    return skipped + oversize;
  }

  /** Looks at every frame, and touches no pixel. */
  async #count(frames: FrameFeed): Promise<void> {
    for await (using frame of frames.branch()) {
      if (this.frames++ === 0) this.#firstSequence = frame.sequence;
      if (this.#caughtUp === null && frame.sequence + 2 >= this.camera.stats().accessUnits) {
        this.#caughtUp = { at: performance.now(), frames: this.frames };
      }
      // With B-frames they are shown in another order than they were numbered in.
      this.#lastSequence = Math.max(this.#lastSequence, frame.sequence);
      this.latency.add(frame.age);
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
      (error) => this.#closing || this.failures.push(`${this.name}: ${(error as Error).message}`),
    );
  }
}

/** The first ring of the demo's names that no living process has; what a dead one left is replaced. */
async function freeRing(): Promise<ShmWriter> {
  for (let number = 1;; number++) {
    try {
      return await ShmWriter.create(`demo-${number}`, { slots: 4, ...SHARED });
    } catch (error) {
      if (!(error instanceof ShmError && error.code === "in-use") || number === MAX_RINGS) throw error;
    }
  }
}
