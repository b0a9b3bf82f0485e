import { RtspError } from "../media/mod.ts";
import { redactUrl } from "../rtsp/mod.ts";

/** Until when something is waited for: a signal of the program's, or a time. */
export class Deadline implements Disposable {
  /** Aborted when it is over, with the program's reason or the error of a time-out. */
  readonly signal: AbortSignal;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param total in milliseconds; `Infinity` for ever */
  constructor(url: string, total: number, signal: AbortSignal | undefined) {
    const timer = new AbortController();
    this.signal = signal ? AbortSignal.any([signal, timer.signal]) : timer.signal;
    if (total === Infinity) return;
    const message = `Cannot open ${redactUrl(url)}: no picture came in ${total / 1000} s, all attempts together`;
    this.#timer = setTimeout(() => timer.abort(new RtspError("timeout", message, { timeout: "total" })), total);
  }

  /** Rejects with the reason as soon as it is over; what was begun ends by itself. */
  async unlessOver<T>(promise: Promise<T>): Promise<T> {
    const over = Promise.withResolvers<never>();
    const abort = () => over.reject(this.signal.reason);
    this.signal.addEventListener("abort", abort, { once: true });
    if (this.signal.aborted) abort();
    try {
      return await Promise.race([promise, over.promise]);
    } finally {
      this.signal.removeEventListener("abort", abort);
      promise.catch(() => {}); // nobody is left to hear of it
    }
  }

  /** Stops the clock. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
