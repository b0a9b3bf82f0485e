import type { VideoFile } from "../file/mod.ts";
import { type Faults, isOn, seededRandom } from "./faults.ts";
import { Playback } from "./playback.ts";
import type { Disturbance, ServedStream, StreamDescription, Viewer } from "../serve/mod.ts";
import { FaultyPath } from "./faulty_path.ts";

/** One picture source of a virtual camera: a file that plays in real time, to everybody alike. */
export class Stream implements ServedStream {
  readonly name: string;
  readonly file: VideoFile;
  readonly faults: Faults;
  readonly #random: () => number;
  readonly viewers = new Set<Viewer>();
  #playback: Playback;
  #startedAt = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(name: string, file: VideoFile, faults: Faults, seed: number) {
    this.name = name;
    this.file = file;
    this.faults = faults;
    this.#random = seededRandom(seed);
    this.#playback = new Playback(file);
    this.#schedule();
  }

  /** Where a viewer that joins now will begin, in microseconds of the playback. */
  get nextKeyframePts(): number {
    return this.#playback.nextKeyframePts;
  }

  describe(): StreamDescription {
    const { codec, parameterSets, frameRate, width, height } = this.file;
    return { name: this.name, codec, parameterSets, frameRate, width, height };
  }

  disturb(): Disturbance {
    return new FaultyPath(this.faults, this.#random);
  }

  join(viewer: Viewer): void {
    this.viewers.add(viewer);
  }

  leave(viewer: Viewer): void {
    this.viewers.delete(viewer);
  }

  /** Begins anew, as a camera does after a reboot. */
  restart(): void {
    this.#playback = new Playback(this.file);
    this.#startedAt = performance.now();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.viewers.clear();
  }

  #schedule(): void {
    // By the clock and not by the interval: what was late does not make all that follows late.
    const wait = this.#startedAt + this.#playback.due / 1000 - performance.now();
    this.#timer = setTimeout(() => this.#play(), Math.max(0, wait));
  }

  #play(): void {
    const elapsed = (performance.now() - this.#startedAt) * 1000;
    // After a pause of the whole process the camera is where it would be, as a camera is.
    if (elapsed - this.#playback.due > 2e6) {
      this.#playback.skipTo(elapsed - 1e5);
      for (const viewer of this.viewers) viewer.pause();
    }
    while (this.#playback.due <= elapsed) {
      const unit = this.#playback.next();
      if (isOn(this.faults.stall, unit.due / 1e6)) {
        for (const viewer of this.viewers) viewer.pause();
        continue;
      }
      const now = performance.timeOrigin + performance.now();
      const time = { now, unixMs: now + this.faults.clockOffset, pts: elapsed };
      for (const viewer of this.viewers) viewer.send(unit, time);
    }
    this.#schedule();
  }
}
