// Pure: no I/O.

/**
 * Reads bits of a NAL unit's payload, stepping over the bytes that prevent start codes (`00 00 03`). Past the end it
 * reads zeros and sets `exhausted`: damaged input ends in a check, not in an exception.
 *
 * @see H.264, 7.3.1 and 9.1
 */
export class BitReader {
  readonly #data: Uint8Array;
  readonly #end: number;
  #at: number;
  #bit = 0;
  #zeros = 0;
  exhausted = false;

  constructor(data: Uint8Array, start = 0, end = data.length) {
    this.#data = data;
    this.#at = start;
    this.#end = Math.min(end, data.length);
    this.#step();
  }

  bit(): number {
    if (this.#at >= this.#end) {
      this.exhausted = true;
      return 0;
    }
    const value = this.#data[this.#at] >> (7 - this.#bit) & 1;
    if (++this.#bit === 8) {
      this.#bit = 0;
      this.#zeros = this.#data[this.#at] === 0 ? this.#zeros + 1 : 0;
      this.#at++;
      this.#step();
    }
    return value;
  }

  /** Up to 32 bits, unsigned. */
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }

  flag(): boolean {
    return this.bit() === 1;
  }

  /** An unsigned Exp-Golomb number; 32 leading zeros or more are damage. */
  unsigned(): number {
    let zeros = 0;
    while (this.bit() === 0) {
      if (this.exhausted || ++zeros > 31) {
        this.exhausted = true;
        return 0;
      }
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** A signed Exp-Golomb number. */
  signed(): number {
    const value = this.unsigned();
    return value % 2 === 1 ? (value + 1) / 2 : 0 - value / 2;
  }

  /** Whether anything but the closing bit and zeros is left. */
  more(): boolean {
    if (this.#at >= this.#end) return false;
    let last = this.#end - 1;
    while (last > this.#at && this.#data[last] === 0) last--;
    if (last > this.#at) return true;
    const rest = this.#data[this.#at] << this.#bit & 0xff;
    return rest !== 0x80 && rest !== 0;
  }

  #step(): void {
    if (this.#zeros >= 2 && this.#at < this.#end && this.#data[this.#at] === 3) {
      this.#at++;
      this.#zeros = 0;
    }
  }
}
