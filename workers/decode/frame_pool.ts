// Pure: no I/O.
import type { FrameInfo } from "../../src/media/mod.ts";
import { FrameTable, type PlanePlace } from "../../src/decode/frame_table.ts";

/** Frames of one worker that may be out at once: what some thirty readers hold at most that never give one back. */
const ENTRIES = 2048;

/** The worker's side of its frame table: hands out entries, and takes them back once nobody holds them. */
export class FramePool {
  readonly table = new FrameTable(ENTRIES);
  readonly #free: number[] = Array.from({ length: ENTRIES }, (_, i) => ENTRIES - 1 - i);
  readonly #out: number[] = [];
  readonly #release: ((() => void) | null)[] = new Array(ENTRIES).fill(null);

  /**
   * Takes an entry for a picture. Whoever calls this puts holds on it before the next `reap()`.
   *
   * @param release Called when the last hold is gone.
   * @returns the entry, or -1 where all are held.
   */
  take(info: FrameInfo, planes: readonly PlanePlace[], release: () => void): number {
    if (this.#free.length === 0) this.reap();
    const entry = this.#free.pop();
    if (entry === undefined) return -1;
    this.table.put(entry, info, planes);
    this.#release[entry] = release;
    this.#out.push(entry);
    return entry;
  }

  /** Takes back what nobody holds any more. */
  reap(): void {
    const out = this.#out;
    let kept = 0;
    for (let i = 0; i < out.length; i++) {
      const entry = out[i];
      if (this.table.holds(entry) > 0) {
        out[kept++] = entry;
        continue;
      }
      this.#release[entry]!();
      this.#release[entry] = null;
      this.#free.push(entry);
    }
    out.length = kept;
  }
}
