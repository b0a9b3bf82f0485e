// Pure: no I/O.

/** A queue between results that come at any rate and a program that takes them at its own: when it is full, the oldest goes. */
export class ResultQueue<T> {
  readonly #capacity: number;
  readonly #maxBytes: number;
  readonly #items: { item: T; bytes: number }[] = [];
  #bytes = 0;
  readonly #waiting: { resolve(result: IteratorResult<T, undefined>): void; reject(error: Error): void }[] = [];
  #over: { error: Error | undefined } | null = null;
  #dropped = 0;

  /** @param maxBytes Bytes of all that waits, at most; one item waits whatever its size. */
  constructor(capacity: number, maxBytes: number) {
    this.#capacity = capacity;
    this.#maxBytes = maxBytes;
  }

  /** How many were dropped because the queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  push(item: T, bytes: number): void {
    if (this.#over) return;
    const waiting = this.#waiting.shift();
    if (waiting) return waiting.resolve({ done: false, value: item });
    while (this.#items.length > 0 && (this.#items.length >= this.#capacity || this.#bytes + bytes > this.#maxBytes)) {
      this.#shift();
      this.#dropped++;
    }
    this.#items.push({ item, bytes });
    this.#bytes += bytes;
  }

  #shift(): T {
    const { item, bytes } = this.#items.shift()!;
    this.#bytes -= bytes;
    return item;
  }

  /** What is in the queue is still given; then it is over, with the error once. */
  end(error: Error | undefined): void {
    if (this.#over) return;
    this.#over = { error };
    const first = this.#waiting.shift();
    if (first) this.#finish(first);
    for (const waiting of this.#waiting.splice(0)) waiting.resolve({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve, reject) => {
      if (this.#items.length > 0) resolve({ done: false, value: this.#shift() });
      else if (this.#over) this.#finish({ resolve, reject });
      else this.#waiting.push({ resolve, reject });
    });
  }

  #finish(waiting: { resolve(result: IteratorResult<T, undefined>): void; reject(error: Error): void }): void {
    const error = this.#over!.error;
    this.#over = { error: undefined };
    if (error) waiting.reject(error);
    else waiting.resolve({ done: true, value: undefined });
  }
}
