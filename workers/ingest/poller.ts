import { ERRNO, type NativeLibrary, POLL_IN, POLL_OUT, POLL_WOKEN } from "./native.ts";

const CAPACITY = 256;

/** What is done when a socket is ready, and when that went wrong. */
interface Watcher {
  ready(events: number): void;
  broken(error: unknown): void;
}

/** One wait for all sockets of this thread. */
export class Poller {
  readonly #library: NativeLibrary;
  readonly #poll: number;
  readonly #tags = new Uint32Array(CAPACITY);
  readonly #events = new Uint32Array(CAPACITY);
  readonly #watchers = new Map<number, Watcher>();
  #lastTag = 0;
  /** Whether somebody needs a look at the clock sooner than was said; for whoever looks. */
  hurried = false;

  /** @param poll A poll handle that others may wake; closing it ends the thread. */
  constructor(library: NativeLibrary, poll: number) {
    this.#library = library;
    this.#poll = poll;
  }

  /**
   * Has `ready` called whenever there is something to read, or, where asked, room to write; what it throws goes to
   * `broken`, so that it stays with whom it concerns. Returns its tag.
   */
  add(handle: number, watcher: Watcher): number {
    const tag = this.#lastTag = (this.#lastTag + 1) % POLL_WOKEN;
    this.#watchers.set(tag, watcher);
    this.#library.symbols.mr_poll_set(this.#poll, handle, POLL_IN, tag);
    return tag;
  }

  watch(handle: number, tag: number, writable: boolean): void {
    this.#library.symbols.mr_poll_set(this.#poll, handle, writable ? POLL_IN | POLL_OUT : POLL_IN, tag);
  }

  remove(handle: number, tag: number): void {
    this.#watchers.delete(tag);
    this.#library.symbols.mr_poll_set(this.#poll, handle, 0, tag);
  }

  /** Blocks until something is ready, or the time is over, and has it handled; false once the poll handle is closed. */
  wait(timeoutMs: number): boolean {
    const count = this.#library.symbols.mr_poll_wait(this.#poll, timeoutMs, this.#tags, this.#events, CAPACITY);
    for (let i = 0; i < count; i++) {
      const watcher = this.#watchers.get(this.#tags[i]);
      try {
        watcher?.ready(this.#events[i]);
      } catch (error) {
        watcher?.broken(error);
      }
    }
    return count !== -ERRNO.EBADF;
  }
}
