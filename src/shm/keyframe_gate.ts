// Pure: no I/O.
import type { RecordMeta, RingReader } from "../ring/mod.ts";

/**
 * Takes records that build on one another out of a ring, so that what it gives can always be decoded: it begins at a keyframe,
 * and where something is missing, it goes on at the next one.
 */
export class KeyframeGate {
  /** The writer that wrote what was read last, 0 before the first. */
  #writer = 0;
  #waiting = true;
  /** Whether it gave nothing yet. */
  #fresh = true;
  /** Records passed over since the last one that was given. */
  #gap = 0;
  #skipped = 0;

  /** Records that it passed over, but for those before the first one that it gave. */
  get skipped(): number {
    return this.#skipped;
  }

  /**
   * The next record, copied into what `into` gives for its size; null where there is none now.
   *
   * @param writer Another number means that another writer wrote what comes now, from 1.
   */
  next(reader: RingReader, writer: number, into: (bytes: number) => Uint8Array): RecordMeta | null {
    if (this.#writer === 0) beginAtKeyframe(reader);
    else if (this.#writer !== writer) this.#waiting = true;
    this.#writer = writer;
    for (;;) {
      const meta = reader.peek("every");
      if (!meta) return null;
      if (meta.keyframe) this.#waiting = false;
      else if (meta.missed > 0 || meta.discontinuity) this.#waiting = true;
      if (meta.corrupt) this.#waiting = true;
      if (this.#waiting) {
        reader.skip();
        if (!this.#fresh) this.#gap++;
        continue;
      }
      if (!reader.read(into(meta.bytes + meta.blobBytes))) continue;
      meta.missed += this.#gap;
      this.#skipped += this.#gap;
      this.#gap = 0;
      this.#fresh = false;
      return meta;
    }
  }
}

/** At the newest keyframe that was there when the reader came: what lies before was for others. */
function beginAtKeyframe(reader: RingReader): void {
  const from = reader.cursor;
  reader.skipTo(0);
  if (!reader.skipToKeyframe(from + 1)) reader.skipTo(from);
}
