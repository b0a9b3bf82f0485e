// Pure: no I/O.
import { ADDRESS_BYTES } from "../../ffi/symbols.ts";

/** The addresses of one host, 24 bytes each, of which one is in use. */
export class AddressList {
  #bytes: Uint8Array<ArrayBuffer>;
  #index = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  /** The one in use, as a copy. */
  get current(): Uint8Array<ArrayBuffer> {
    const start = this.#index * ADDRESS_BYTES;
    return this.#bytes.slice(start, start + ADDRESS_BYTES);
  }

  /** Goes on to the next; false, and back at the first, where there was none. */
  advance(): boolean {
    this.#index++;
    if (this.#index * ADDRESS_BYTES < this.#bytes.length) return true;
    this.#index = 0;
    return false;
  }

  /** What the name stands for now. The one in use stays in use where it is among them. */
  replace(bytes: Uint8Array<ArrayBuffer>): void {
    const before = this.current;
    this.#bytes = bytes;
    this.#index = 0;
    for (let i = 0; i * ADDRESS_BYTES < bytes.length; i++) {
      const start = i * ADDRESS_BYTES;
      if (before.every((byte, at) => byte === bytes[start + at])) this.#index = i;
    }
  }
}

/** Family of an address: 4 or 6. */
export function familyOf(address: Uint8Array): 4 | 6 {
  return address[0] === 6 ? 6 : 4;
}
