// Pure: no I/O.
import type { CameraState } from "../../workers/ingest_protocol.ts";

/** Where a camera is, why, and since when (Unix milliseconds). */
export interface StateRecord {
  state: CameraState;
  reason: string;
  since: number;
}

/** The states of a camera, for any number of followers. One that does not keep up gets the newest. */
export class StateLog {
  last: StateRecord = { state: "connecting", reason: "connecting", since: Date.now() };
  readonly #followers = new Set<Follower>();
  #ended = false;

  add(record: StateRecord): void {
    this.last = record;
    for (const follower of this.#followers) follower.wake();
  }

  /** The last state of all. */
  end(record: StateRecord): void {
    this.#ended = true;
    this.add(record);
  }

  /** Each state from the present one on, up to the end, or until the loop over it is left. */
  follow(): AsyncIterableIterator<StateRecord, undefined> {
    const follower = new Follower(
      () => ({ last: this.last, ended: this.#ended }),
      () => this.#followers.delete(follower),
    );
    this.#followers.add(follower);
    return follower;
  }
}

/** Written by hand: a generator that waits could not be ended. */
class Follower implements AsyncIterableIterator<StateRecord, undefined> {
  readonly #look: () => { last: StateRecord; ended: boolean };
  readonly #forget: () => void;
  #seen: StateRecord | null = null;
  #done = false;
  #change = Promise.withResolvers<void>();

  constructor(look: () => { last: StateRecord; ended: boolean }, forget: () => void) {
    this.#look = look;
    this.#forget = forget;
  }

  wake(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  async next(): Promise<IteratorResult<StateRecord, undefined>> {
    for (;;) {
      const { last, ended } = this.#look();
      if (this.#done) return { done: true, value: undefined };
      if (last !== this.#seen) return { done: false, value: this.#seen = last };
      if (ended) return this.return();
      await this.#change.promise;
    }
  }

  return(): Promise<IteratorResult<StateRecord, undefined>> {
    this.#done = true;
    this.#forget();
    this.wake();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
