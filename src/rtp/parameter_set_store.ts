// Pure: no I/O.
import { splitAnnexB } from "./annex_b.ts";

/** One set is never larger than this; with scaling lists and everything optional it is some 500 bytes. */
const MAX_SET_BYTES = 2048;
/** All sets of a stream together, with their start codes. */
export const MAX_PARAMETER_BYTES = 16_384;

/** What a codec says of its parameter sets. */
export interface ParameterSetSyntax<Info> {
  /** How many kinds there are, in the order in which a decoder wants them. */
  readonly kinds: number;
  /** The kind of the NAL unit `data[start..end)`, from 0; -1 where it is no parameter set. */
  kindOf(data: Uint8Array, start: number, end: number): number;
  /** Reads a set: the id that it is known by, and what it tells of the pictures, if anything. Null where it is damaged. */
  read(nal: Uint8Array, kind: number): { id: number; info: Info | null } | null;
}

/**
 * The newest parameter sets of a stream, by their ids, bounded in size.
 *
 * Cameras send them in the description, in band, in both with different content, or change them while they run; the
 * newest in band wins.
 */
export class ParameterSetStore<Info> {
  readonly #syntax: ParameterSetSyntax<Info>;
  /** By kind, and then by id. */
  readonly #sets: readonly Map<number, Uint8Array>[];
  #bytes = 0;
  #info: Info | null = null;
  /** Rises with every change of content. */
  changes = 0;
  /** Sets that could not be read, or were too many or too large. */
  refused = 0;

  constructor(syntax: ParameterSetSyntax<Info>) {
    this.#syntax = syntax;
    this.#sets = Array.from({ length: syntax.kinds }, () => new Map());
  }

  /** What the newest set that tells something tells; null before the first. */
  get info(): Info | null {
    return this.#info;
  }

  /** Whether a decoder could begin with these. */
  get complete(): boolean {
    return this.#sets.every((sets) => sets.size > 0);
  }

  /** Bytes that `write()` writes. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** Takes every parameter set of an Annex B stream; anything else in it is ignored. */
  addAll(annexB: Uint8Array): void {
    splitAnnexB(annexB, (start, end) => {
      if (this.#syntax.kindOf(annexB, start, end) >= 0) this.add(annexB, start, end);
    });
  }

  /** Takes one NAL unit, `data[start..end)`, which is copied. False where it cannot be used. */
  add(data: Uint8Array, start: number, end: number): boolean {
    while (end > start && data[end - 1] === 0) end--;
    const kind = this.#syntax.kindOf(data, start, end);
    if (kind >= 0 && end - start <= MAX_SET_BYTES) {
      const nal = data.subarray(start, end);
      // Most sets are repeated unchanged with every keyframe: compare before parsing.
      for (const set of this.#sets[kind].values()) if (equal(set, nal)) return true;
      const known = this.#syntax.read(nal, kind);
      if (known !== null && this.#put(this.#sets[kind], known.id, nal)) {
        if (known.info !== null) this.#info = known.info;
        this.changes++;
        return true;
      }
    }
    this.refused++;
    return false;
  }

  /** Writes all sets in Annex B form, kind after kind; says how many bytes. The target has the room. */
  write(into: Uint8Array, at: number): number {
    const begin = at;
    for (const sets of this.#sets) {
      for (const set of sets.values()) {
        into[at] = into[at + 1] = into[at + 2] = 0;
        into[at + 3] = 1;
        into.set(set, at + 4);
        at += 4 + set.length;
      }
    }
    return at - begin;
  }

  /** All sets in Annex B form, as a new array. */
  toAnnexB(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.#bytes);
    this.write(out, 0);
    return out;
  }

  #put(sets: Map<number, Uint8Array>, id: number, nal: Uint8Array): boolean {
    const before = sets.get(id);
    const bytes = this.#bytes + 4 + nal.length - (before === undefined ? 0 : 4 + before.length);
    if (bytes > MAX_PARAMETER_BYTES) return false;
    sets.set(id, nal.slice());
    this.#bytes = bytes;
    return true;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
