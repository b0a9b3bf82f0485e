// Pure: no I/O.

/** A queue between results that come at any rate and a program that takes them at its own: when it is full, the oldest goes. */
export class ResultQueue<T> implements AsyncIterator<T, undefined> {
  readonly #capacity: number;
  readonly #items: T[] = [];
  readonly #waiting: { resolve(result: IteratorResult<T, undefined>): void; reject(error: Error): void }[] = [];
  #over: { error: Error | undefined } | null = null;
  #dropped = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** How many were dropped because the queue was full. */
  get dropped(): number {
    return this.#dropped;
  }

  push(item: T): void {
    if (this.#over) return;
    const waiting = this.#waiting.shift();
    if (waiting) return waiting.resolve({ done: false, value: item });
    if (this.#items.length === this.#capacity) {
      this.#items.shift();
      this.#dropped++;
    }
    this.#items.push(item);
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
      if (this.#items.length > 0) resolve({ done: false, value: this.#items.shift()! });
      else if (this.#over) this.#finish({ resolve, reject });
      else this.#waiting.push({ resolve, reject });
    });
  }

  /** Leaves the queue as it is: another loop may go on with it. */
  return(): Promise<IteratorResult<T, undefined>> {
    return Promise.resolve({ done: true, value: undefined });
  }

  #finish(waiting: { resolve(result: IteratorResult<T, undefined>): void; reject(error: Error): void }): void {
    const error = this.#over!.error;
    this.#over = { error: undefined };
    if (error) waiting.reject(error);
    else waiting.resolve({ done: true, value: undefined });
  }
}
