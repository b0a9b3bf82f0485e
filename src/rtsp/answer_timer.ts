// Pure: no I/O.
import type { PendingRequest } from "./request_book.ts";

/** Watches how long an answer takes. */
export class AnswerTimer {
  readonly #timeout: number;
  #optionsWereSilent = false;

  /** @param timeout for each answer, in milliseconds */
  constructor(timeout: number) {
    this.#timeout = timeout;
  }

  /**
   * Which request is overdue, by its method; null where none is. A doorbell that is silent on OPTIONS may know DESCRIBE:
   * each gets half of the time, and where both stay silent it is OPTIONS that was not answered in all of it.
   */
  overdue(pending: PendingRequest | null, now: number): { method: string; last: boolean } | null {
    if (pending === null) return null;
    const { method, sentAt } = pending;
    const halved = method === "OPTIONS" || method === "DESCRIBE" && this.#optionsWereSilent;
    if (now - sentAt < (halved ? this.#timeout / 2 : this.#timeout)) return null;
    if (method !== "OPTIONS") return { method: halved ? "OPTIONS" : method, last: true };
    this.#optionsWereSilent = true;
    return { method, last: false };
  }
}
