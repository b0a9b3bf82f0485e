// Pure: no I/O.
import type { VideoFile } from "../file/mod.ts";

/** One access unit of an endless playback. */
export interface PlayedUnit {
  data: Uint8Array;
  keyframe: boolean;
  /** When it is due, in microseconds since the start: its decoding time. */
  due: number;
  /** Its presentation time in microseconds since the start, continuous over loops. */
  pts: number;
}

/** Plays a file's access units again and again, with times that go on. */
export class Playback {
  readonly #units: VideoFile["units"];
  /** Microseconds of one round. */
  readonly duration: number;
  readonly #firstDts: number;
  #round = 0;
  #next = 0;

  constructor(file: VideoFile) {
    this.#units = file.units;
    this.#firstDts = file.units[0].dts;
    const step = 1e6 / file.frameRate;
    this.duration = Math.round(file.units[file.units.length - 1].dts - this.#firstDts + step);
  }

  /** When the next access unit is due, in microseconds since the start. */
  get due(): number {
    return this.#round * this.duration + this.#units[this.#next].dts - this.#firstDts;
  }

  /** The next access unit. */
  next(): PlayedUnit {
    const { data, keyframe, pts } = this.#units[this.#next];
    const due = this.due;
    const unit = { data, keyframe, due, pts: this.#round * this.duration + pts - this.#firstDts };
    if (++this.#next === this.#units.length) {
      this.#next = 0;
      this.#round++;
    }
    return unit;
  }

  /** The presentation time of the next keyframe, in microseconds since the start. */
  get nextKeyframePts(): number {
    const { length } = this.#units;
    for (let i = 0; i < length; i++) {
      const at = this.#next + i;
      const { keyframe, pts } = this.#units[at % length];
      if (keyframe) return (this.#round + Math.floor(at / length)) * this.duration + pts - this.#firstDts;
    }
    return this.due;
  }

  /** Passes over what is due before a time, as a camera does that was away. */
  skipTo(time: number): void {
    while (this.due < time) this.next();
  }
}
