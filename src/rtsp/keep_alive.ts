// Pure: no I/O.
import type { RtspResponse } from "./message.ts";
import type { PendingRequest, RequestBook } from "./request_book.ts";

/** Keeps a session alive: which method, and what the answers mean, which nobody waits for. */
export class KeepAlive {
  readonly #book: RequestBook;
  readonly #url: string;
  /** What has not been refused yet, best first. */
  readonly #methods: string[];
  #retried = false;

  /** @param methods what the server's Public header names */
  constructor(book: RequestBook, options: { url: string; methods: ReadonlySet<string> }) {
    this.#book = book;
    this.#url = options.url;
    // Axis wants OPTIONS, others GET_PARAMETER: what Public names is taken. Some refuse both once they play.
    const { methods } = options;
    this.#methods = [...methods.has("GET_PARAMETER") ? ["GET_PARAMETER"] : [], "OPTIONS", "SET_PARAMETER"];
  }

  /** The next request; `again` where it repeats the one before with other credentials. */
  request(fields: PendingRequest["fields"], again = false): Uint8Array<ArrayBuffer> {
    this.#retried = again;
    return this.#book.sendBackground(this.#methods[0], this.#url, fields);
  }

  /** Takes an answer: whether to ask again at once, and whether the server knows the session no more. */
  answered(method: string, response: RtspResponse): "again" | "gone" | null {
    if (response.status === 454) return "gone";
    if (response.status === 401) return !this.#retried && this.#book.challenged(response, 0) ? "again" : null;
    if (response.status < 400 || this.#methods[0] !== method || this.#methods.length === 1) return null;
    this.#methods.shift();
    return "again";
  }
}
