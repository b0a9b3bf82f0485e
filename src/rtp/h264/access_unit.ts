// Pure: no I/O.
import { findStartCode, isPictureNal, Nal, nalType, splitAnnexB, startCodeBytes } from "./nal.ts";
import { MAX_PARAMETER_BYTES, ParameterSets } from "./parameter_sets.ts";
import { readSliceHead, recoveryFrames } from "./slice.ts";

/** Room in front of each unit for parameter sets that the camera sends out of band only. */
const HEADROOM = MAX_PARAMETER_BYTES;
const FIRST_CAPACITY = 64 * 1024;

/**
 * Builds one access unit after the other in one buffer that grows and is never given back: NAL units in Annex B form
 * with four-byte start codes. What it gives is borrowed until the next `begin()`.
 */
export class AccessUnitBuilder {
  readonly sets = new ParameterSets();
  /** NAL units of types that mean nothing outside RTP, or with the error bit set. */
  badNals = 0;
  /** NAL units that held start codes of their own. */
  startCodesInside = 0;
  /** Keyframes that came before their parameter sets. */
  keyframesWithoutParameters = 0;

  readonly #maxBytes: number;
  #buffer = new Uint8Array(HEADROOM + FIRST_CAPACITY);
  #length = HEADROOM;
  #nal = -1;
  #slices = 0;
  #idr = false;
  #intra = true;
  #hasSps = false;
  #hasPps = false;
  #recovery = -1;
  #firstType = 0;
  #firstSliceFirst = false;
  #damaged = false;
  #overflow = false;
  #annexBInside = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether the unit holds a part of a picture. */
  get hasPicture(): boolean {
    return this.#slices > 0;
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

  /** The type of the unit's first NAL unit, 0 before it is closed. */
  get firstType(): number {
    return this.#firstType;
  }

  /** Whether the first slice is the picture's first one. */
  get beginsPicture(): boolean {
    return this.#firstSliceFirst;
  }

  /** Begins a unit, and forgets the one before. */
  begin(): void {
    this.#length = HEADROOM;
    this.#nal = -1;
    this.#slices = this.#firstType = 0;
    this.#idr =
      this.#hasSps =
      this.#hasPps =
      this.#damaged =
      this.#overflow =
      this.#firstSliceFirst =
        false;
    this.#intra = true;
    this.#recovery = -1;
  }

  /** Opens a NAL unit. */
  openNal(): void {
    if (!this.#room(4)) return;
    const at = this.#length;
    this.#buffer[at] = this.#buffer[at + 1] = this.#buffer[at + 2] = 0;
    this.#buffer[at + 3] = 1;
    this.#length = at + 4;
    this.#nal = this.#length;
  }

  /** Appends one byte to the open NAL unit: the header that fragments carry in two halves. */
  appendByte(byte: number): void {
    if (this.#nal < 0 || !this.#room(1)) return;
    this.#buffer[this.#length++] = byte;
  }

  /** Appends `data[start..end)` to the open NAL unit. */
  append(data: Uint8Array, start: number, end: number): void {
    if (this.#nal < 0 || end <= start || !this.#room(end - start)) return;
    if (end - start === data.length) this.#buffer.set(data, this.#length);
    else this.#buffer.set(data.subarray(start, end), this.#length);
    this.#length += end - start;
  }

  /** Closes the open NAL unit and takes note of what it is. `whole` is false where its end is known to be missing. */
  closeNal(whole: boolean): void {
    if (this.#nal < 0) return;
    const start = this.#nal;
    this.#nal = -1;
    if (!whole) this.#damaged = true;
    // FLIR and others put a start code in front of a packet's NAL unit, or several NAL units with theirs into one.
    const buffer = this.#buffer;
    const type = nalType(buffer[start]);
    const leading = buffer[start] === 0 ? startCodeBytes(buffer, start, this.#length) : 0;
    if (leading > 0) this.#annexBInside = true;
    // Slices are long and seldom followed by anything: they are searched only once the stream has shown the habit.
    if (leading > 0 || !isPictureNal(type) || this.#annexBInside) {
      if (leading > 0 || findStartCode(buffer, start, this.#length) < this.#length) {
        this.#splitInside(start, whole);
        return;
      }
    }
    this.#classify(start, whole);
  }

  /** Marks the unit as damaged. */
  damage(): void {
    this.#damaged = true;
  }

  /** Whether decoding can begin with this unit, its parameter sets known. To be asked once. */
  isKeyframe(): boolean {
    // A recovery point after 0 frames is an open group of pictures; some cameras send neither that nor an IDR, but I-slices
    // behind new parameter sets.
    const begins = this.#idr || this.#intra && (this.#recovery === 0 || this.#hasSps);
    if (this.#slices === 0 || !begins) return false;
    if (this.sets.complete) return true;
    this.keyframesWithoutParameters++;
    return false;
  }

  /** The unit's bytes, borrowed; a keyframe gets the parameter sets that it lacks. */
  bytes(keyframe: boolean): Uint8Array<ArrayBuffer> {
    let start = HEADROOM;
    if (keyframe && !(this.#hasSps && this.#hasPps)) {
      const sets = this.sets.byteLength;
      start = HEADROOM - sets;
      let at = start;
      if (this.#firstType === Nal.delimiter) {
        // The delimiter stays the first NAL unit. H.264, 7.4.1.2.3.
        let end = findStartCode(this.#buffer, HEADROOM + 4, this.#length);
        if (end < this.#length && this.#buffer[end - 1] === 0) end--;
        this.#buffer.copyWithin(start, HEADROOM, end);
        at += end - HEADROOM;
      }
      this.sets.write(this.#buffer, at);
    }
    return this.#buffer.subarray(start, this.#length);
  }

  #classify(start: number, whole: boolean): void {
    const end = this.#length;
    const first = this.#buffer[start];
    const type = nalType(first);
    if (end === start || type === 0 || type >= Nal.stapA || first >= 0x80) {
      if (end > start) this.badNals++;
      // The error bit says that the bytes are bad; the other types are somebody's private data.
      if (end > start && first >= 0x80) this.#damaged = true;
      this.#length = start - 4;
      return;
    }
    if (this.#firstType === 0) this.#firstType = type;
    if (type === Nal.idr || type === Nal.slice || type === Nal.partitionA) {
      const head = readSliceHead(this.#buffer, start, end);
      if (this.#slices === 0) this.#firstSliceFirst = head.first;
      if (!head.intra) this.#intra = false;
      if (type === Nal.idr) this.#idr = true;
      this.#slices++;
    } else if (type === Nal.sei) {
      const frames = recoveryFrames(this.#buffer, start, end);
      if (frames >= 0) this.#recovery = frames;
    } else if (whole && type === Nal.sps) {
      if (this.sets.add(this.#buffer, start, end)) this.#hasSps = true;
    } else if (whole && type === Nal.pps) {
      if (this.sets.add(this.#buffer, start, end)) this.#hasPps = true;
    }
  }

  #splitInside(start: number, whole: boolean): void {
    this.startCodesInside++;
    this.#annexBInside = true;
    // From the NAL unit's own start code on, so that what comes first is found as well.
    const copy = this.#buffer.slice(start - 4, this.#length);
    this.#length = start - 4;
    let last: [number, number] | null = null;
    const place = (from: number, to: number, complete: boolean) => {
      this.openNal();
      if (this.#nal < 0) return;
      const at = this.#nal;
      this.append(copy, from, to);
      this.#nal = -1;
      this.#classify(at, complete);
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
    if (need > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(need, Math.min(this.#buffer.length * 2, HEADROOM + this.#maxBytes)));
      grown.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = grown;
    }
    return true;
  }
}
