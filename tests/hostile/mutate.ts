/** What the bytes of tests are damaged by; the same for the same seed. */
export class Mutator {
  readonly #random: () => number;
  readonly #seeds: readonly Uint8Array[];
  /** Where what is made is put together; what comes out is a part of it. */
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** @param maxBytes of what comes out. */
  constructor(seeds: readonly Uint8Array[], random: () => number, maxBytes: number) {
    this.#seeds = seeds;
    this.#random = random;
    this.#bytes = new Uint8Array(maxBytes);
  }

  /** An integer from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  /** A seed with up to eight damages, or random bytes alone. Borrowed until the next call. */
  next(): Uint8Array<ArrayBuffer> {
    if (this.below(16) === 0) {
      this.#length = this.below(Math.min(this.#bytes.length, 256) + 1);
      for (let i = 0; i < this.#length; i++) this.#bytes[i] = this.below(256);
      return this.#bytes.subarray(0, this.#length);
    }
    const seed = this.#seeds[this.below(this.#seeds.length)];
    this.#length = Math.min(seed.length, this.#bytes.length);
    this.#bytes.set(seed.subarray(0, this.#length));
    for (let count = this.below(9); count > 0; count--) this.#damage();
    return this.#bytes.subarray(0, this.#length);
  }

  #damage(): void {
    const bytes = this.#bytes, at = this.below(this.#length + 1);
    const some = 1 + this.below(this.below(4) === 0 ? 200 : 4);
    switch (this.below(7)) {
      case 0: // a bit
        bytes[at] ^= 1 << this.below(8);
        break;
      case 1: // what counts and lengths are wrong by
        bytes[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][this.below(6)];
        break;
      case 2: // any bytes
        for (let i = at; i < Math.min(at + some, this.#length); i++) bytes[i] = this.below(256);
        break;
      case 3: // cut short
        if (this.below(4) === 0) this.#length = at;
        break;
      case 4: { // left out
        const count = Math.min(some, this.#length - at);
        bytes.copyWithin(at, at + count, this.#length);
        this.#length -= count;
        break;
      }
      case 5: { // twice
        const count = Math.min(some, this.#length - at, bytes.length - this.#length);
        bytes.copyWithin(at + count, at, this.#length);
        this.#length += count;
        break;
      }
      default: { // a part of another seed
        const other = this.#seeds[this.below(this.#seeds.length)];
        const from = this.below(other.length);
        const count = Math.min(some, other.length - from, this.#length - at);
        bytes.set(other.subarray(from, from + count), at);
      }
    }
  }
}
