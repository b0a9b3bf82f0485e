// Pure: no I/O.
import { MAX_HEAD_BYTES } from "./file_head.ts";

const FIRST_CAPACITY = 64 * 1024;
/** Room behind the scan for the marker that ends a file. */
const END_BYTES = 2;

/** Puts a JPEG file together: a head, a scan that comes in pieces, an end. One buffer that grows and is never given back. */
export class PictureBuffer {
  readonly #maxBytes: number;
  #bytes = new Uint8Array(MAX_HEAD_BYTES + FIRST_CAPACITY + END_BYTES);
  #head = new Uint8Array(0);
  #scan = 0;
  overflow = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of the scan so far. */
  get length(): number {
    return this.#scan;
  }

  /** Begins a picture, and forgets the one before. */
  begin(): void {
    this.#scan = 0;
    this.overflow = false;
  }

  /** The head of this picture, and of those that follow. */
  setHead(head: Uint8Array<ArrayBuffer>): void {
    this.#head = head;
    this.#bytes.set(head, MAX_HEAD_BYTES - head.length);
  }

  /** Appends `data[start..end)` to the scan. */
  append(data: Uint8Array, start: number, end: number): void {
    if (this.overflow || end <= start) return;
    const need = this.#scan + end - start;
    if (this.#head.length + need + END_BYTES > this.#maxBytes) {
      this.overflow = true;
      return;
    }
    if (MAX_HEAD_BYTES + need + END_BYTES > this.#bytes.length) this.#grow(need);
    this.#bytes.set(data.subarray(start, end), MAX_HEAD_BYTES + this.#scan);
    this.#scan = need;
  }

  /** The file, borrowed until the next picture begins. */
  file(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes;
    let end = MAX_HEAD_BYTES + this.#scan;
    if (this.#scan < 2 || bytes[end - 2] !== 0xff || bytes[end - 1] !== 0xd9) {
      bytes[end] = 0xff;
      bytes[end + 1] = 0xd9;
      end += END_BYTES;
    }
    return bytes.subarray(MAX_HEAD_BYTES - this.#head.length, end);
  }

  #grow(scan: number): void {
    const room = Math.max(scan, Math.min((this.#bytes.length - MAX_HEAD_BYTES) * 2, this.#maxBytes));
    const grown = new Uint8Array(MAX_HEAD_BYTES + room + END_BYTES);
    grown.set(this.#bytes.subarray(0, MAX_HEAD_BYTES + this.#scan));
    this.#bytes = grown;
  }
}
