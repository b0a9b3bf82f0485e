// Pure: no I/O.
import { Nal, nalType, splitAnnexB } from "./nal.ts";
import { type H264Parameters, parsePpsIds, parseSps } from "./sps.ts";

/** One set is never larger than this; with scaling lists and everything optional it is some 500 bytes. */
const MAX_SET_BYTES = 2048;
/** All sets of a stream together, with their start codes. */
export const MAX_PARAMETER_BYTES = 16_384;

/**
 * The newest parameter sets of a stream, by their ids, bounded in size.
 *
 * Cameras send them in the description, in band, in both with different content, or change them while they run; the
 * newest in band wins.
 */
export class ParameterSets {
  readonly #sps = new Map<number, Uint8Array>();
  readonly #pps = new Map<number, Uint8Array>();
  #bytes = 0;
  #info: H264Parameters | null = null;
  /** Rises with every change of content. */
  changes = 0;
  /** Sets that could not be read, or were too many or too large. */
  refused = 0;

  /** What the newest sequence parameter set tells; null before the first. */
  get info(): H264Parameters | null {
    return this.#info;
  }

  /** Whether a decoder could begin with these. */
  get complete(): boolean {
    return this.#sps.size > 0 && this.#pps.size > 0;
  }

  /** Bytes that `write()` writes. */
  get byteLength(): number {
    return this.#bytes;
  }

  /** Takes every parameter set of an Annex B stream; anything else in it is ignored. */
  addAll(annexB: Uint8Array): void {
    splitAnnexB(annexB, (start, end) => {
      const type = nalType(annexB[start]);
      if (type === Nal.sps || type === Nal.pps) this.add(annexB, start, end);
    });
  }

  /** Takes one NAL unit, `data[start..end)`, which is copied. False where it cannot be used. */
  add(data: Uint8Array, start: number, end: number): boolean {
    while (end > start && data[end - 1] === 0) end--;
    const nal = data.subarray(start, end);
    const isSps = nalType(data[start]) === Nal.sps;
    if (nal.length <= MAX_SET_BYTES) {
      const known = this.#find(isSps, nal);
      if (known === "same") return true;
      if (known !== null && this.#put(isSps ? this.#sps : this.#pps, known.id, nal)) {
        if (known.info !== null) this.#info = known.info;
        this.changes++;
        return true;
      }
    }
    this.refused++;
    return false;
  }

  /** Writes all sets in Annex B form, sequence parameter sets first; says how many bytes. The target has the room. */
  write(into: Uint8Array, at: number): number {
    const begin = at;
    for (const sets of [this.#sps, this.#pps]) {
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

  #find(isSps: boolean, nal: Uint8Array): "same" | { id: number; info: H264Parameters | null } | null {
    // Most sets are repeated unchanged with every keyframe: compare before parsing.
    for (const set of (isSps ? this.#sps : this.#pps).values()) {
      if (equal(set, nal)) {
        return "same";
      }
    }
    if (!isSps) {
      const pps = parsePpsIds(nal);
      return pps === null ? null : { id: pps.id, info: null };
    }
    const info = parseSps(nal);
    return info === null ? null : { id: info.id, info };
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
