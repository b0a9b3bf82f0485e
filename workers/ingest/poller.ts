import { type NativeLibrary, POLL_IN, POLL_OUT, POLL_WOKEN } from "./native.ts";

const CAPACITY = 256;

/** One wait for all sockets of this thread. */
export class Poller {
  readonly #library: NativeLibrary;
  readonly #poll: number;
  readonly #tags = new Uint32Array(CAPACITY);
  readonly #events = new Uint32Array(CAPACITY);
  readonly #ready = new Map<number, (events: number) => void>();
  #lastTag = 0;

  /** @param poll A poll handle that others may wake. */
  constructor(library: NativeLibrary, poll: number) {
    this.#library = library;
    this.#poll = poll;
  }

  /** Has `ready` called whenever there is something to read, or, where asked, room to write. Returns its tag. */
  add(handle: number, ready: (events: number) => void): number {
    const tag = this.#lastTag = (this.#lastTag + 1) % POLL_WOKEN;
    this.#ready.set(tag, ready);
    this.#library.symbols.mr_poll_set(this.#poll, handle, POLL_IN, tag);
    return tag;
  }

  watch(handle: number, tag: number, writable: boolean): void {
    this.#library.symbols.mr_poll_set(this.#poll, handle, writable ? POLL_IN | POLL_OUT : POLL_IN, tag);
  }

  remove(handle: number, tag: number): void {
    this.#ready.delete(tag);
    this.#library.symbols.mr_poll_set(this.#poll, handle, 0, tag);
  }

  /** Blocks until something is ready, or the time is over, and has it handled. */
  wait(timeoutMs: number): void {
    const count = this.#library.symbols.mr_poll_wait(this.#poll, timeoutMs, this.#tags, this.#events, CAPACITY);
    for (let i = 0; i < count; i++) this.#ready.get(this.#tags[i])?.(this.#events[i]);
  }
}
