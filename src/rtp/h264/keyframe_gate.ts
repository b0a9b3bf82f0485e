// Pure: no I/O.

/**
 * Holds back every picture that cannot be right: shut at the begin and after each loss, opened by a whole keyframe.
 * Without it a decoder shows smears after a loss, and a motion detector sees motion in them.
 */
export class KeyframeGate {
  #open = false;
  #skipped = 0;

  get open(): boolean {
    return this.#open;
  }

  /** Pictures held back. */
  get skipped(): number {
    return this.#skipped;
  }

  /** Whether to let this picture pass. */
  admit(unit: { keyframe: boolean; corrupt: boolean; discontinuity: boolean }): boolean {
    if (unit.corrupt || unit.discontinuity) this.#open = false;
    if (unit.keyframe && !unit.corrupt) this.#open = true;
    if (!this.#open) this.#skipped++;
    return this.#open;
  }

  /** Waits for the next keyframe. */
  shut(): void {
    this.#open = false;
  }
}
