// Pure: no I/O.

/** The longest line in front of a chunk. */
const MAX_LINE = 256;
const LF = 10;

/**
 * The body of an HTTP answer: as it comes, or in chunks, each behind its length.
 *
 * @see RFC 9112, 7.1
 */
export class HttpBody {
  readonly #chunked: boolean;
  readonly #take: (bytes: Uint8Array) => void;
  /** Bytes of the chunk in hand that are to come. */
  #left = 0;
  /** The line in hand. */
  #line = "";
  #state: "line" | "data" | "behind" | "ended" | "broken" = "line";

  /** @param take Is given what belongs to the body, borrowed until it returns. */
  constructor(chunked: boolean, take: (bytes: Uint8Array) => void) {
    this.#chunked = chunked;
    this.#take = take;
  }

  /** Whether the last chunk came, or what came is none. */
  get over(): "ended" | "broken" | null {
    return this.#state === "ended" || this.#state === "broken" ? this.#state : null;
  }

  /** Takes the next bytes of the connection. */
  receive(bytes: Uint8Array): void {
    if (!this.#chunked) return this.#take(bytes);
    for (let at = 0; at < bytes.length && !this.over;) {
      if (this.#state === "data") {
        const end = Math.min(bytes.length, at + this.#left);
        this.#left -= end - at;
        this.#take(bytes.subarray(at, end));
        at = end;
        if (this.#left === 0) this.#state = "behind";
        continue;
      }
      const byte = bytes[at++];
      if (byte !== LF) {
        if (this.#line.length >= MAX_LINE) this.#state = "broken";
        this.#line += String.fromCharCode(byte);
        continue;
      }
      const line = this.#line.trim();
      this.#line = "";
      if (this.#state === "line") this.#begin(line);
      else this.#state = line === "" ? "line" : "broken";
    }
  }

  /** Begins a chunk; what stands behind its length is nobody's business. */
  #begin(line: string): void {
    const length = /^([0-9a-f]{1,7})(?:\s*;.*)?$/i.exec(line);
    this.#left = length === null ? 0 : parseInt(length[1], 16);
    this.#state = length === null ? "broken" : this.#left === 0 ? "ended" : "data";
  }
}
