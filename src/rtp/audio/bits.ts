// Pure: no I/O.

/** Reads bits as they are. Past the end it reads zeros and sets `exhausted`. */
export class Bits {
  readonly #data: Uint8Array;
  readonly #end: number;
  /** In bits, from the begin of the array. */
  at: number;
  exhausted = false;

  constructor(data: Uint8Array, start = 0, end = data.length) {
    this.#data = data;
    this.at = start * 8;
    this.#end = Math.min(end, data.length) * 8;
  }

  /** How many are left. */
  get left(): number {
    return this.#end - this.at;
  }

  /** Up to 32 bits, unsigned. */
  read(count: number): number {
    if (this.at + count > this.#end) {
      this.exhausted = true;
      this.at = this.#end;
      return 0;
    }
    let value = 0;
    for (let i = 0; i < count; i++, this.at++) {
      value = value * 2 + (this.#data[this.at >> 3] >> 7 - (this.at & 7) & 1);
    }
    return value;
  }

  /** Up to 32 bits, without going on. */
  peek(count: number): number {
    const { at, exhausted } = this;
    const value = this.read(count);
    this.at = at;
    this.exhausted = exhausted;
    return value;
  }

  flag(): boolean {
    return this.read(1) === 1;
  }

  skip(count: number): void {
    if (count > this.left) this.exhausted = true;
    this.at = Math.min(this.#end, this.at + count);
  }

  /** Goes on at the next whole byte. */
  align(): void {
    this.at = this.at + 7 & ~7;
  }

  /** Copies whole bytes from wherever this stands; false where there are not so many. */
  copy(into: Uint8Array, offset: number, bytes: number): boolean {
    if (bytes * 8 > this.left) return false;
    const shift = this.at & 7, from = this.at >> 3;
    if (shift === 0) into.set(this.#data.subarray(from, from + bytes), offset);
    else {
      for (let i = 0; i < bytes; i++) {
        into[offset + i] = this.#data[from + i] << shift | this.#data[from + i + 1] >> 8 - shift;
      }
    }
    this.at += bytes * 8;
    return true;
  }
}
