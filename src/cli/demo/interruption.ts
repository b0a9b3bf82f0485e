/**
 * An interrupt may come more than once for one key press or one `kill`: to the whole group of processes, and handed on by
 * those that started this one. What comes within this time of the first is the same one, in milliseconds.
 */
const SAME = 500;
/** Exit code of a program that was ended by an interrupt. */
const INTERRUPTED = 130;

/** The end that the user gives: the first interrupt ends in order, a second one at once. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  #at = 0;

  constructor() {
    for (const signal of this.#signals) Deno.addSignalListener(signal, this.#onSignal);
  }

  readonly #onSignal = () => {
    if (!this.signal.aborted) {
      this.#at = performance.now();
      this.#controller.abort();
    } else if (performance.now() - this.#at > SAME) Deno.exit(INTERRUPTED);
  };

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Resolves at the interrupt, or after so many seconds. */
  async after(seconds = Infinity): Promise<void> {
    if (this.signal.aborted) return;
    const over = Promise.withResolvers<void>();
    const end = () => over.resolve();
    this.signal.addEventListener("abort", end, { once: true });
    // A timer takes 24 days at most.
    const timer = seconds < 2_000_000 ? setTimeout(end, seconds * 1000) : undefined;
    await over.promise;
    clearTimeout(timer);
    this.signal.removeEventListener("abort", end);
  }

  /** From here on an interrupt ends the program as it does any other. */
  [Symbol.dispose](): void {
    for (const signal of this.#signals) Deno.removeSignalListener(signal, this.#onSignal);
  }
}
