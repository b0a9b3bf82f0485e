// Pure: no I/O.
import type { Choice } from "../../src/feed/encoded_cursor.ts";

/** How far ahead of its time, or behind it, a keyframe may be for a reader of few pictures: this part of its interval. */
const TOLERANCE = 1 / 8;
/** Jitter of a camera's clock, in microseconds. */
const SLACK = 2_000;
/** Of so many distances between keyframes the longest one counts. */
const DISTANCES = 3;

/** What a reader of pictures wants at present. Times in microseconds. */
export interface Want {
  /** `some`: one picture in each interval. */
  readonly wants: "nothing" | "some" | "all";
  readonly interval: number;
  /** From which `pts` on the next picture is wanted. */
  readonly due: number;
  /** The `pts` of the picture that it had last; minus infinity before the first. */
  readonly last: number;
  isDue(pts: number, early?: number): boolean;
}

/** An access unit, as far as its place in the plan depends on it. */
interface Unit {
  readonly pts: number;
  readonly keyframe: boolean;
  readonly discontinuity: boolean;
}

/**
 * Decides which access units to decode: the union of what the readers want, and what these pictures are made of.
 *
 * A reader of one picture in each interval gets keyframes alone, where they are at most two intervals apart: what is due
 * may then come up to an interval late. Where they are rarer, everything up to the picture that is due is decoded, but for
 * pictures that no other refers to, and nothing from there to the next keyframe if that one comes before the next picture
 * is due. When the next keyframe comes is not known but guessed, by the distances so far; where it does not come,
 * or somebody wants pictures where none were decoded, decoding goes back to the last keyframe and catches up.
 */
export class Plan {
  readonly #frames: "all" | "keyframes" | "wanted";
  readonly #distances: number[] = [];
  #keyframe = NaN;
  /** Microseconds from one keyframe to the next; infinite where it is not known, or longer than it was. */
  #distance = Infinity;
  /** Whether what follows cannot be decoded, as something was passed over that it may refer to. */
  #broken = true;
  /** Whether all pictures are decoded at present. */
  #all = false;
  /** Whether there is no way back to the last keyframe. */
  #stuck = false;
  /** Whether there is no time for what follows the last keyframe. */
  #shedding = false;
  /** Whether something is missing since the last keyframe, which may have been one. */
  #jumped = false;

  constructor(frames: "all" | "keyframes" | "wanted" = "wanted") {
    this.#frames = frames;
  }

  /** Whether what follows up to the next keyframe is not decoded. */
  get broken(): boolean {
    return this.#broken;
  }

  /**
   * Decides about an access unit.
   *
   * @param options.again Whether it was decided about before; what was decided on the way back stands.
   * @param options.jumped Whether it does not follow the one that was decided about before.
   * @param options.hurried Whether there is less time than work: readers of few pictures then get keyframes alone, and no
   * other gets pictures that none refers to.
   * @param options.isDisposable Whether no other picture refers to it; asked only where it matters.
   */
  choose(
    unit: Unit,
    wants: Iterable<Want>,
    options: { again: boolean; jumped?: boolean; hurried: boolean; isDisposable: () => boolean },
  ): Choice {
    this.#jumped ||= options.jumped || unit.discontinuity;
    if (options.again) {
      if (unit.keyframe) this.#broken = false;
      return !unit.keyframe && options.isDisposable() ? "pass" : "take";
    }
    return unit.keyframe ? this.#chooseKeyframe(unit, wants) : this.#chooseOther(unit, wants, options);
  }

  /** There is no way back: what follows waits for the next keyframe. */
  tooLate(): void {
    this.#stuck = true;
  }

  /** Begins anew with the next keyframe. */
  restart(): void {
    this.#broken = true;
    this.#shedding = false;
    this.#keyframe = NaN;
  }

  /**
   * Whether nothing that follows a keyframe which was just taken will be wanted before the next one, so that its picture
   * need not wait for others.
   */
  endsWithKeyframe(wants: Iterable<Want>): boolean {
    if (this.#frames === "all") return false;
    if (this.#frames === "wanted") {
      for (const want of wants) {
        if (want.wants === "all" || want.wants === "some" && !this.#suffice(want)) return false;
      }
    }
    this.#broken = true;
    return true;
  }

  /** Whether, as things are, none but a keyframe will be decoded next. */
  awaitsKeyframe(wants: Iterable<Want>): boolean {
    if (this.#frames === "keyframes") return true;
    if (this.#frames === "all" || !this.#broken) return false;
    for (const want of wants) if (!this.#suffice(want)) return false;
    return true;
  }

  #chooseKeyframe({ pts }: Unit, wants: Iterable<Want>): Choice {
    this.#measure(pts);
    this.#stuck = this.#shedding = false;
    let all = this.#frames === "all", wanted = false;
    this.#all = false; // while it is asked who would take a keyframe early
    for (const want of wants) {
      if (want.wants === "nothing") continue;
      all ||= want.wants === "all" && this.#frames !== "keyframes";
      wanted ||= this.#frames === "keyframes" || want.isDue(pts, this.earlyFor(want)) ||
        !this.#suffice(want) && this.#next > want.due + SLACK;
    }
    this.#all = all;
    wanted ||= all;
    this.#broken = !wanted;
    return wanted ? "take" : "pass";
  }

  #chooseOther(
    { pts }: Unit,
    wants: Iterable<Want>,
    { hurried, isDisposable }: { hurried: boolean; isDisposable: () => boolean },
  ): Choice {
    if (this.#frames === "keyframes") return this.#pass();
    let needed = this.#frames === "all", all = needed, due = false;
    for (const want of wants) {
      if (want.wants === "nothing") continue;
      all ||= want.wants === "all";
      const overdue = this.#isOverdue(want, pts);
      // It is the camera that is late, and nobody knows by how much: up to its next keyframe pictures are decoded.
      if (overdue && pts > this.#next) this.#distance = Infinity;
      needed ||= all || overdue || !this.#suffice(want) && this.#next > want.due + SLACK;
      due ||= want.wants === "some" && want.isDue(pts);
    }
    if (!needed) return this.#pass();
    this.#all = all;
    if (this.#shedding || hurried && !all) {
      this.#shedding = this.#broken = true;
      return "shed";
    }
    if (this.#broken) return this.#stuck ? "pass" : "again";
    if (all && !hurried || !all && due) return "take";
    if (!isDisposable()) return "take";
    return all ? "shed" : "pass";
  }

  #pass(): Choice {
    this.#broken = true;
    return "pass";
  }

  /**
   * How far ahead of its time a keyframe may be, in microseconds: the one after it may be more late than it is early.
   * Undefined where pictures come that are on time.
   */
  earlyFor(want: Want): number | undefined {
    if (this.#all || !this.#suffice(want)) return undefined;
    return Math.max(SLACK, Math.min(want.interval * TOLERANCE, this.#distance / 2));
  }

  /** Whether the next keyframe is expected to come in time. */
  #suffice(want: Want): boolean {
    return want.wants === "some" && this.#distance <= 2 * want.interval + SLACK;
  }

  /** Whether a reader should have had a picture by now, keyframe or not. */
  #isOverdue(want: Want, pts: number): boolean {
    if (want.wants !== "some") return false;
    if (!this.#suffice(want)) return pts > want.due + SLACK;
    return pts > want.last + (2 + TOLERANCE) * want.interval;
  }

  /** When the next keyframe is expected. */
  get #next(): number {
    return this.#keyframe + this.#distance;
  }

  #measure(pts: number): void {
    const distance = pts - this.#keyframe;
    this.#keyframe = pts;
    if (distance > 0 && !this.#jumped) {
      this.#distances.push(distance);
      if (this.#distances.length > DISTANCES) this.#distances.shift();
    }
    this.#jumped = false;
    this.#distance = this.#distances.length > 0 ? Math.max(...this.#distances) : Infinity;
  }
}
