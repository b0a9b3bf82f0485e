// Pure: no I/O.
import type { RtspResponse } from "./message.ts";
import type { RequestBook } from "./request_book.ts";

/** Keeps a session alive: which method, and what the answers mean, which nobody waits for. */
export class KeepAlive {
  readonly #book: RequestBook;
  readonly #url: string;
  #method: "GET_PARAMETER" | "OPTIONS";
  #retried = false;

  /** @param methods what the server's Public header names */
  constructor(book: RequestBook, options: { url: string; methods: ReadonlySet<string> }) {
    this.#book = book;
    this.#url = options.url;
    // Axis wants OPTIONS, others GET_PARAMETER: what Public names is taken.
    this.#method = options.methods.has("GET_PARAMETER") ? "GET_PARAMETER" : "OPTIONS";
  }

  /** The next request; `again` where it repeats the one before with other credentials. */
  request(sessionId: string, again = false): Uint8Array<ArrayBuffer> {
    this.#retried = again;
    return this.#book.sendBackground(this.#method, this.#url, sessionId === "" ? [] : [["Session", sessionId]]);
  }

  /** Takes an answer: whether to ask again at once, and whether the server knows the session no more. */
  answered(method: string, response: RtspResponse): "again" | "gone" | null {
    if (response.status === 454) return "gone";
    if (response.status === 401) return !this.#retried && this.#book.challenged(response, 0) ? "again" : null;
    if (response.status >= 400 && method === "GET_PARAMETER" && this.#method === method) {
      this.#method = "OPTIONS";
      return "again";
    }
    return null;
  }
}
