import { ShmError } from "../media/mod.ts";
import { HEADER } from "../ring/mod.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { NativeLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { SELECTABLE, type Selectable, type SelectableReader } from "./selectable.ts";
import { shmError } from "./shm_error.ts";
import type { ShmReader } from "./shm_reader.ts";
import type { ValkkaReader } from "./valkka/mod.ts";

/** So many readers one wait tells of; the others come first in the next one. */
const BATCH = 256;
/** A wait on another thread ends at the latest after so many milliseconds, so that a thread that is ended from outside is soon free. */
const SLICE = 1_000;
/** How long a selector that always finds something new keeps its thread from other tasks, in milliseconds. */
const TURN = 10;

/** How to wait for many rings. */
export interface ShmSelectorOptions {
  /** Ends every wait with its reason. */
  signal?: AbortSignal;
}

/** The C library's selector. */
type Native = { readonly symbols: NativeLibrary["symbols"]; readonly handle: number };

/** A reader in a selector. */
interface Entry<R> {
  readonly reader: R;
  readonly ring: Selectable;
  readonly tag: number;
  /** What the C library waits for in its stead: the handle of its ring, or 0 for the name of the writer that is to come. */
  waitsFor: number;
  readonly leave: () => void;
}

/**
 * One wait for any number of rings, of both protocols and of any writers, as libValkka's programs have it with `select` and eventfds. All
 * of them together cost one thread while they are waited for, and none of them is polled, but for the rings of libValkka's own
 * servers, which are looked at every millisecond (every five once nothing comes).
 *
 * A reader is told of as long as something may be in its ring, each once in a round, so that a ring that is written without end
 * keeps no other one out. A reader whose writer died comes back by itself with the next writer of its name, unless it was opened
 * with `reconnect: false`. One whose ring is over is told of a last time, and then it is no longer in the selector; `pull()`
 * gives null, and `next()` says why. The readers stay their owner's; a reader that is closed leaves by itself.
 *
 * Needs `--allow-ffi=<library>`.
 *
 * @example
 * ```ts ignore
 * await using selector = new ShmSelector();
 * for (const name of names) selector.add(await ShmReader.open(name));
 * for await (const reader of selector) {
 *   const pulled = reader.pull();
 *   if (pulled) console.log(reader.name, pulled.meta.pts, reader.slots[pulled.index].subarray(0, pulled.size));
 * }
 * ```
 */
export class ShmSelector<R extends SelectableReader = ShmReader | ValkkaReader>
  implements AsyncIterable<R>, AsyncDisposable {
  readonly #signal: AbortSignal | undefined;
  readonly #entries = new Map<R, Entry<R>>();
  readonly #byTag = new Map<number, Entry<R>>();
  /** Those to be asked before the next wait: they were told of, or are new. */
  readonly #asked = new Set<Entry<R>>();
  readonly #tags = new Uint32Array(BATCH);
  /** The C library's selector, once there is something to wait for. */
  #native: Native | null = null;
  #nextTag = 1;
  #closed = false;
  /** The present wait, which may outlast whoever asked for it by a moment. */
  #waiting: Promise<unknown> | null = null;
  /** Ends the present pause of a selector that nothing was ever added to. */
  #wakeUp: (() => void) | null = null;
  #turnBegan = 0;
  /** Whether the last wait had nothing to wait for. */
  #atOnce = false;

  constructor(options: ShmSelectorOptions = {}) {
    this.#signal = options.signal;
    this.#signal?.addEventListener("abort", this.#wake);
  }

  /** How many readers are in it. */
  get size(): number {
    return this.#entries.size;
  }

  has(reader: R): boolean {
    return this.#entries.has(reader);
  }

  /**
   * Waits for this one as well, from now on; also while a wait is under way.
   *
   * @throws {TypeError} where it was added before, or it or the selector was closed.
   * @throws {ShmError} `system` where there are 4096 already.
   */
  add(reader: R): this {
    const action = `Cannot add ring "${reader.name}" to the selector`;
    if (this.#closed) throw new TypeError(`${action}: it was closed`);
    if (this.#entries.has(reader)) throw new TypeError(`${action}: it is there already`);
    const ring = reader[SELECTABLE];
    if (ring.state() === "closed") throw new TypeError(`${action}: the reader was closed`);
    const leave = () => {
      this.remove(reader);
    };
    const entry: Entry<R> = { reader, ring, tag: this.#freeTag(), waitsFor: 0, leave };
    this.#watch(entry, false);
    this.#entries.set(reader, entry);
    this.#byTag.set(entry.tag, entry);
    ring.onClose.add(leave);
    this.#wake();
    return this;
  }

  /** Waits for it no longer; false where it was not in the selector. */
  remove(reader: R): boolean {
    const entry = this.#entries.get(reader);
    if (!entry) return false;
    this.#forget(entry);
    // A wait that nothing is left for is over.
    if (this.size === 0) this.#wake();
    return true;
  }

  /**
   * The readers that may have something, when there are some; none when the time is over, the selector was closed, or the last
   * reader was removed meanwhile. A reader is told of again by the next wait if all of it was not read.
   *
   * @throws {TypeError} where the last `wait()` is still under way.
   * @throws `signal.reason`
   */
  async wait(timeout = Infinity): Promise<R[]> {
    if (this.#waiting) throw new TypeError("Cannot wait for rings: the last wait() is still under way");
    const over = Promise.withResolvers<void>();
    this.#waiting = over.promise;
    try {
      return await this.#wait(performance.now() + timeout);
    } finally {
      this.#waiting = null;
      over.resolve();
    }
  }

  /** Readers that may have something, one after the other; ends when none is left in the selector, or it is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<R, undefined> {
    while (this.size > 0) {
      const told = await this.wait();
      // Those whose ring is over have left, and are to be told of; those that the user removes meanwhile are not.
      const last = new Set(told.filter((reader) => !this.has(reader)));
      for (const reader of told) {
        if (this.#closed) return;
        if (this.has(reader) || last.has(reader)) yield reader;
      }
    }
  }

  /** Ends the wait, and lets go of the rings; the readers stay open. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener("abort", this.#wake);
    for (const entry of [...this.#entries.values()]) this.#forget(entry);
    this.#native?.symbols.mr_close(this.#native.handle);
    this.#wakeUp?.();
    await this.#waiting;
  }

  async #wait(until: number): Promise<R[]> {
    const some = this.size > 0;
    for (;;) {
      this.#signal?.throwIfAborted();
      if (this.#closed || (some && this.size === 0)) return [];
      if (this.#native) {
        // A ring that is always ready would else keep this thread in microtasks, and its timers would starve.
        if (this.#atOnce && performance.now() - this.#turnBegan >= TURN) {
          await this.#sleep(this.#native, 0);
          continue;
        }
        // What was told meanwhile as well: what stays ready does not keep that out.
        this.#take(this.#native.symbols.mr_select_wait(this.#native.handle, 0, this.#tags, BATCH));
        const ready = [...this.#asked].filter((entry) => this.#ask(entry)).map(({ reader }) => reader);
        this.#atOnce = ready.length > 0;
        if (this.#atOnce) return ready;
        if (this.#asked.size > 0) continue;
      }
      const left = until - performance.now();
      if (left <= 0) return [];
      if (this.#native) await this.#sleep(this.#native, Math.min(left, SLICE));
      else await this.#sleepAlone(left);
    }
  }

  async #sleep(native: Native, timeout: number): Promise<void> {
    // Without a buffer: this thread may be ended from outside meanwhile, and its memory with it.
    const result = await native.symbols.mr_select_wait_async(native.handle, Math.ceil(timeout), null, 0);
    if (result < 0 && result !== -ERRNO.EBADF) throw shmError("Cannot wait for rings", result);
    this.#turnBegan = performance.now();
    this.#atOnce = false;
  }

  /** There is no C library to wait in before the first reader is there. */
  async #sleepAlone(timeout: number): Promise<void> {
    const woken = Promise.withResolvers<void>();
    this.#wakeUp = woken.resolve;
    const timer = Number.isFinite(timeout) ? setTimeout(woken.resolve, Math.min(timeout, 2 ** 30)) : undefined;
    await woken.promise;
    clearTimeout(timer);
    this.#wakeUp = null;
  }

  /** Notes whom the C library told of. */
  #take(count: number): void {
    if (count < 0) throw shmError("Cannot wait for rings", count);
    for (let i = 0; i < count; i++) {
      const entry = this.#byTag.get(this.#tags[i]);
      if (entry) this.#asked.add(entry);
    }
  }

  /** Asks one whether its reader is to be told of; where it is not, nobody asks it again before something happens. */
  #ask(entry: Entry<R>): boolean {
    const { ring, tag } = entry;
    // Before the state: what comes in between ends the next wait.
    const word = ring.signalWord();
    const state = ring.state();
    if (state === "ready") return true;
    if (state === "over" || state === "closed" || (state === "gone" && !ring.reconnect)) {
      this.#forget(entry);
      return state !== "closed";
    }
    if (state === "gone") {
      try {
        if (ring.reopen()) return this.#ask(entry);
      } catch (error) {
        // The reader says it to whoever asks it next; the others have nothing to do with it.
        if (!(error instanceof ShmError)) throw error;
        this.#forget(entry);
        return true;
      }
    }
    this.#asked.delete(entry);
    const { symbols, handle } = this.#native!;
    if (entry.waitsFor === (state === "gone" ? 0 : ring.target().handle)) symbols.mr_select_arm(handle, tag, word);
    else this.#watch(entry, state === "gone");
    return false;
  }

  /** Has the C library wait for its ring, or for its name. */
  #watch(entry: Entry<R>, gone: boolean): void {
    const { reader, ring, tag } = entry;
    const { symbols, handle } = this.#native ??= openNative(ring);
    const target = ring.target();
    symbols.mr_select_remove(handle, tag);
    const result = gone
      ? symbols.mr_select_name(handle, cString(reader.name), tag)
      : target.foreign
      ? symbols.mr_select_valkka(handle, target.handle, tag)
      : symbols.mr_select_ring(handle, target.handle, HEADER.signal, ring.signalWord(), tag);
    if (result < 0) throw shmError(`Cannot wait for ring "${reader.name}"`, result);
    entry.waitsFor = gone ? 0 : target.handle;
    // It may have changed before it was watched, and is asked once more before anybody sleeps.
    this.#asked.add(entry);
  }

  #forget(entry: Entry<R>): void {
    this.#entries.delete(entry.reader);
    this.#byTag.delete(entry.tag);
    this.#asked.delete(entry);
    entry.ring.onClose.delete(entry.leave);
    this.#native?.symbols.mr_select_remove(this.#native.handle, entry.tag);
  }

  #freeTag(): number {
    while (this.#byTag.has(this.#nextTag)) this.#nextTag = (this.#nextTag + 1) >>> 0;
    return this.#nextTag++ >>> 0;
  }

  readonly #wake = () => {
    this.#native?.symbols.mr_select_wake(this.#native.handle);
    this.#wakeUp?.();
  };
}

function openNative(ring: Selectable): Native {
  const { symbols } = ring.library;
  const handle = symbols.mr_select_new();
  if (handle < 0) throw shmError("Cannot wait for rings", handle);
  return { symbols, handle };
}
