// Pure: no I/O.

/**
 * Holds back every picture that cannot be right: shut at the begin and after each loss, opened by a whole keyframe.
 * Without it a decoder shows smears after a loss, and a motion detector sees motion in them.
 */
export class KeyframeGate {
  #open = false;
  /** Whether the keyframe of now is the one that opened it: pictures that lead it refer to what was not shown. */
  #opening = false;
  #skipped = 0;

  get open(): boolean {
    return this.#open;
  }

  /** Pictures held back. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Whether to let this picture pass. One that does not may have missed nothing but its leading place: see `open`. */
  admit(unit: { keyframe: boolean; leading: boolean; corrupt: boolean; discontinuity: boolean }): boolean {
    if (unit.corrupt || unit.discontinuity) this.#open = false;
    if (unit.keyframe && !unit.corrupt) {
      this.#opening = !this.#open;
      this.#open = true;
    }
    const passes = this.#open && !(unit.leading && this.#opening);
    if (!passes) this.#skipped++;
    return passes;
  }

  /** Waits for the next keyframe. */
  shut(): void {
    this.#open = false;
  }
}
