// Pure: no I/O.

/** Bytes that may wait to be written before what can be left out is left out. */
const MAX_UNSENT = 256 * 1024;

/** Bytes on their way to the peer, message by message. */
export class Outbox {
  readonly #messages: Uint8Array[] = [];
  #bytes = 0;

  /** Whether reports, keep-alives and answers should be left out: the peer does not read. */
  get full(): boolean {
    return this.#bytes > MAX_UNSENT;
  }

  push(message: Uint8Array): void {
    this.#messages.push(message);
    this.#bytes += message.length;
  }

  shift(): Uint8Array | null {
    const next = this.#messages.shift();
    if (next === undefined) return null;
    this.#bytes -= next.length;
    return next;
  }
}
