/** Bytes that may wait for a slow client before it is skipped to a keyframe. */
const MAX_QUEUED = 4 << 20;
/** Milliseconds that they may wait: older pictures are of no use to who watches. */
const MAX_AGE = 4_000;
/** Answers that a client does not read may wait besides; one that asks on and on and never reads is no client. */
const MAX_ANSWERS = 64 << 10;
/** Until a connection is closed that was to say its last words first, in milliseconds. */
const LAST_WORDS = 2_000;

/** The way to one client over its connection: a queue that a slow client cannot make grow. */
export class ClientWriter {
  readonly #connection: Deno.TcpConn;
  readonly #queue: { bytes: Uint8Array<ArrayBuffer>; at: number }[] = [];
  #queued = 0;
  #writingSince = 0;
  #wake: (() => void) | null = null;
  #closed = false;
  #finishing: ReturnType<typeof setTimeout> | undefined;

  constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Whether a picture of so many bytes may be written; always, where nothing waits: the largest one gets through. */
  hasRoom(bytes: number): boolean {
    if (this.#queued === 0) return true;
    return this.#queued + bytes <= MAX_QUEUED && performance.now() - this.#writingSince < MAX_AGE;
  }

  /** Writes a part of a stream; `hasRoom()` said that it may. */
  write(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#closed || bytes.length === 0) return;
    this.#queue.push({ bytes, at: performance.now() });
    if (this.#queued === 0) this.#writingSince = performance.now();
    this.#queued += bytes.length;
    this.#wake?.();
  }

  /** Writes an answer. */
  answer(bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#queued > MAX_QUEUED + MAX_ANSWERS) this.close();
    else this.write(bytes);
  }

  /** Writes until it is closed, or the client is gone; closes the connection then. Never rejects. */
  async run(): Promise<void> {
    try {
      for (;;) {
        const next = this.#queue.shift();
        if (next) {
          const { bytes, at } = next;
          this.#writingSince = at;
          for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
          this.#queued -= bytes.length;
        } else if (this.#closed || this.#finishing !== undefined) break;
        else await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } catch {
      // The client went away; that is its right.
    }
    this.close();
  }

  /** Closes the connection once what waits was written, and after two seconds either way. */
  finish(): void {
    if (this.#closed) return;
    this.#finishing ??= setTimeout(() => this.close(), LAST_WORDS);
    this.#wake?.();
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#finishing);
    this.#queue.length = 0;
    this.#wake?.();
    try {
      this.#connection.close();
    } catch {
      // The other side was faster.
    }
  }
}
