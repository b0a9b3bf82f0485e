// Pure: no I/O.
import { findStartCode, splitAnnexB, startCodeBytes } from "./annex_b.ts";
import { MAX_PARAMETER_BYTES, type ParameterSetStore } from "./parameter_set_store.ts";

/** Room in front of each unit for parameter sets that the camera sends out of band only. */
const HEADROOM = MAX_PARAMETER_BYTES;
const FIRST_CAPACITY = 64 * 1024;

/** What an access unit begins with: by that a receiver tells after a loss whether its head is there. */
export const Head = { none: 0, delimiter: 1, sets: 2, leader: 4, keySlice: 8, slice: 16 } as const;

/** What the rules of a codec say of one NAL unit. */
export interface NalRole {
  /** One of `Head`. */
  head: number;
  /** Whether it carries a part of the picture. */
  picture: boolean;
  /** Whether it may stay; what means nothing outside RTP, or cannot be right, is taken out. */
  keep: boolean;
}

/**
 * Builds one access unit after the other in one buffer that grows and is never given back: NAL units in Annex B form
 * with four-byte start codes. What it gives is borrowed until the next `begin()`. The rules of each codec are in a class of
 * its own.
 */
export abstract class UnitBuilder<Info> {
  abstract readonly sets: ParameterSetStore<Info>;
  /** NAL units of types that mean nothing outside RTP, or with the error bit set. */
  badNals = 0;
  /** NAL units that held start codes of their own. */
  startCodesInside = 0;
  /** Keyframes that came before their parameter sets. */
  keyframesWithoutParameters = 0;
  /** Whether the first slice is the picture's first one. */
  beginsPicture = false;
  /** Whether the picture refers to others before the keyframe that it follows. */
  leading = false;

  protected buffer: Uint8Array<ArrayBuffer> = new Uint8Array(HEADROOM + FIRST_CAPACITY);
  protected slices = 0;
  readonly #maxBytes: number;
  #length = HEADROOM;
  #nal = -1;
  #head: number = Head.none;
  #damaged = false;
  #overflow = false;
  #annexBInside = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of a NAL unit's header. */
  abstract readonly headerBytes: number;
  /** Whether a NAL unit that begins with this byte carries a part of the picture. */
  protected abstract isPicture(first: number): boolean;
  /** Takes note of what the NAL unit `buffer[start..end)` is; `whole` is false where its end is missing. */
  protected abstract classify(start: number, end: number, whole: boolean): NalRole;
  /** Whether the codec's rules let decoding begin here, its parameter sets known. */
  protected abstract readonly beginsDecoding: boolean;
  /** Whether every kind of parameter set is in the unit. */
  protected abstract readonly hasSets: boolean;

  /** Whether the unit holds a part of a picture. */
  get hasPicture(): boolean {
    return this.slices > 0;
  }

  /** Whether a NAL unit is open. */
  get open(): boolean {
    return this.#nal >= 0;
  }

  /** Whether bytes of this unit are known to be bad. */
  get damaged(): boolean {
    return this.#damaged;
  }

  /** Whether the unit outgrew the limit: it is not to be used. */
  get overflow(): boolean {
    return this.#overflow;
  }

  /** What the unit's first NAL unit is; nothing before it is closed. */
  get head(): number {
    return this.#head;
  }

  /** Begins a unit, and forgets the one before. */
  begin(): void {
    this.#length = HEADROOM;
    this.#nal = -1;
    this.slices = 0;
    this.#head = Head.none;
    this.#damaged =
      this.#overflow =
      this.beginsPicture =
      this.leading =
        false;
  }

  /** Opens a NAL unit. */
  openNal(): void {
    if (!this.#room(4)) return;
    const at = this.#length;
    this.buffer[at] = this.buffer[at + 1] = this.buffer[at + 2] = 0;
    this.buffer[at + 3] = 1;
    this.#length = at + 4;
    this.#nal = this.#length;
  }

  /** Appends one byte to the open NAL unit: the header that fragments carry in two halves. */
  appendByte(byte: number): void {
    if (this.#nal < 0 || !this.#room(1)) return;
    this.buffer[this.#length++] = byte;
  }

  /** Appends `data[start..end)` to the open NAL unit. */
  append(data: Uint8Array, start: number, end: number): void {
    if (this.#nal < 0 || end <= start || !this.#room(end - start)) return;
    if (end - start === data.length) this.buffer.set(data, this.#length);
    else this.buffer.set(data.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  /** Closes the open NAL unit and takes note of what it is. `whole` is false where its end is known to be missing. */
  closeNal(whole: boolean): void {
    if (this.#nal < 0) return;
    const start = this.#nal;
    this.#nal = -1;
    if (!whole) this.#damaged = true;
    // FLIR and others put a start code in front of a packet's NAL unit, or several NAL units with theirs into one.
    const buffer = this.buffer;
    const leading = buffer[start] === 0 ? startCodeBytes(buffer, start, this.#length) : 0;
    if (leading > 0) this.#annexBInside = true;
    // Slices are long and seldom followed by anything: they are searched only once the stream has shown the habit.
    if (leading > 0 || !this.isPicture(buffer[start]) || this.#annexBInside) {
      if (leading > 0 || findStartCode(buffer, start, this.#length) < this.#length) {
        this.#splitInside(start, whole);
        return;
      }
    }
    this.#place(start, whole);
  }

  /** Marks the unit as damaged. */
  damage(): void {
    this.#damaged = true;
  }

  /** Whether decoding can begin with this unit, its parameter sets known. To be asked once. */
  isKeyframe(): boolean {
    if (this.slices === 0 || !this.beginsDecoding) return false;
    if (this.sets.complete) return true;
    this.keyframesWithoutParameters++;
    return false;
  }

  /** The unit's bytes, borrowed; a keyframe gets the parameter sets that it lacks. */
  bytes(keyframe: boolean): Uint8Array<ArrayBuffer> {
    let start = HEADROOM;
    if (keyframe && !this.hasSets) {
      start = HEADROOM - this.sets.byteLength;
      let at = start;
      if (this.#head === Head.delimiter) {
        // The delimiter stays the first NAL unit. H.264, 7.4.1.2.3; H.265, 7.4.2.4.4.
        let end = findStartCode(this.buffer, HEADROOM + 4, this.#length);
        if (end < this.#length && this.buffer[end - 1] === 0) end--;
        this.buffer.copyWithin(start, HEADROOM, end);
        at += end - HEADROOM;
      }
      this.sets.write(this.buffer, at);
    }
    return this.buffer.subarray(start, this.#length);
  }

  #place(start: number, whole: boolean): void {
    const end = this.#length;
    if (end - start < this.headerBytes) {
      this.#length = start - 4;
      return;
    }
    const broken = this.buffer[start] >= 0x80;
    const role = this.classify(start, end, whole);
    if (broken || !role.keep) {
      this.badNals++;
      // The error bit says that the bytes are bad; the other types are somebody's private data.
      if (broken) this.#damaged = true;
      this.#length = start - 4;
      return;
    }
    if (this.#head === Head.none) this.#head = role.head;
    if (role.picture) this.slices++;
  }

  #splitInside(start: number, whole: boolean): void {
    this.startCodesInside++;
    this.#annexBInside = true;
    // From the NAL unit's own start code on, so that what comes first is found as well.
    const copy = this.buffer.slice(start - 4, this.#length);
    this.#length = start - 4;
    let last: [number, number] | null = null;
    const place = (from: number, to: number, complete: boolean) => {
      this.openNal();
      if (this.#nal < 0) return;
      const at = this.#nal;
      this.append(copy, from, to);
      this.#nal = -1;
      this.#place(at, complete);
    };
    splitAnnexB(copy, (from, to) => {
      if (last !== null) place(last[0], last[1], true);
      last = [from, to];
    });
    if (last !== null) place(last[0], last[1], whole);
  }

  #room(bytes: number): boolean {
    const need = this.#length + bytes;
    if (this.#overflow || need - HEADROOM > this.#maxBytes) {
      this.#overflow = true;
      return false;
    }
    if (need > this.buffer.length) {
      const grown = new Uint8Array(Math.max(need, Math.min(this.buffer.length * 2, HEADROOM + this.#maxBytes)));
      grown.set(this.buffer.subarray(0, this.#length));
      this.buffer = grown;
    }
    return true;
  }
}
