// Pure: no I/O.

/** What a priority weighs. @see DecodeStepOptions.priority */
const WEIGHTS = { low: 1, normal: 4, high: 16 };

/** Of a turn that took longer, the rest is forgotten: among fifty others it would take minutes until they had as much. */
const LONGEST = 100;

/** What one of many has had. */
interface Share<Member> {
  readonly member: Member;
  readonly weight: number;
  /** Milliseconds by its weight. */
  had: number;
}

/**
 * Shares a thread's time out among members of different weight: whoever had least by its weight is asked first. A member
 * that takes long for each of its turns, as a large camera does, so gets fewer of them, and one that has little to do
 * finds the thread free almost at once. What nobody takes up is lost: who had nothing to do for an hour may not keep all
 * others waiting afterwards.
 */
export class Turns<Member> {
  readonly #shares: Share<Member>[] = [];
  /** What whoever worked last had had before. */
  #level = 0;

  add(member: Member, priority: keyof typeof WEIGHTS = "normal"): void {
    this.#shares.push({ member, weight: WEIGHTS[priority], had: this.#level });
  }

  delete(member: Member): void {
    const at = this.#shares.findIndex((share) => share.member === member);
    if (at >= 0) this.#shares.splice(at, 1);
  }

  /**
   * Gives one turn: asks one after the other until one has something to do.
   *
   * @param work The milliseconds that it took; null where there was nothing to do. It may add members and delete them.
   * @returns whether there was something to do.
   */
  async give(work: (member: Member) => Promise<number | null> | number | null): Promise<boolean> {
    this.#shares.sort((a, b) => a.had - b.had);
    for (const share of [...this.#shares]) {
      const result = work(share.member);
      const took = result instanceof Promise ? await result : result;
      if (took === null) {
        share.had = Math.max(share.had, this.#level);
        continue;
      }
      this.#level = Math.max(this.#level, share.had);
      share.had = Math.min(share.had + took / share.weight, this.#level + LONGEST / share.weight);
      return true;
    }
    return false;
  }
}
