import { type Frame, ShmError } from "../media/mod.ts";
import { HEADER, type PayloadKind, type RecordMeta, type RingHeader } from "../ring/mod.ts";
import { ERRNO } from "../../ffi/errno.ts";
import { libraryPath, loadLibrary, type NativeLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { Attachment } from "./attachment.ts";
import { BufferPool } from "./buffer_pool.ts";
import { KeyframeGate } from "./keyframe_gate.ts";
import type { GapOptions, ShmReaderOptions, ShmReaderStats, ShmRecord, ShmUnit } from "./reader_options.ts";
import { frameOf, recordOf, type RecordPlace, unitOf } from "./records.ts";
import { SELECTABLE, type Selectable, type SelectableState } from "./selectable.ts";
import { shmError } from "./shm_error.ts";
import { ValkkaReader, type ValkkaReaderOptions } from "./valkka/mod.ts";

/** How often a reader that gets nothing looks whether the writer lives, in milliseconds. */
const HEARTBEAT = 200;
/** How often a reader looks for a writer that is not there yet, in milliseconds. */
const LOOK = 50;
/** How long a reader that always finds something new keeps its thread from other tasks, in milliseconds. */
const TURN = 10;

/**
 * Reads a ring in shared memory by nothing but its name. Any number of readers may come and go; none disturbs the
 * writer or another. Each frame is copied out, and was whole when it was. Where the writer makes the ring anew because frames
 * outgrew it, the reader follows by itself.
 *
 * Needs `--allow-ffi=<library>`.
 *
 * @example
 * ```ts ignore
 * for await (using frame of await ShmReader.open("lesson_4")) console.log(frame.width, frame.height, frame.missed);
 * ```
 */
export class ShmReader implements AsyncIterable<Frame>, AsyncDisposable {
  readonly name: string;
  readonly #ring: Attachment;
  /** A word that nobody changes, to sleep on. */
  readonly #nobody = new Int32Array(new SharedArrayBuffer(4));
  readonly #options: Required<Omit<ShmReaderOptions, "signal" | "wait" | "protocol">> & { signal?: AbortSignal };
  #closed = false;
  #delivered = 0;
  /** Records that the gates passed over. */
  #skipped = 0;
  /** Whether a `next()` is under way. */
  #reading = false;
  /** Ends the present pause or wait of this reader's. */
  #wakeUp: (() => void) | null = null;
  /** The wait that the C library is in, which may outlast whoever asked for it by a moment. */
  #waiting: Promise<unknown> | null = null;
  #turnBegan = 0;
  readonly #pool = new BufferPool();
  readonly #onClose = new Set<() => void>();
  #slots: Uint8Array<ArrayBuffer>[] = [];

  private constructor(name: string, library: NativeLibrary, handle: number, options: ShmReaderOptions) {
    this.name = name;
    this.#ring = new Attachment(library, name, handle);
    const { mode = "latest", reconnect = true, signal } = options;
    this.#options = { mode, reconnect, signal };
    signal?.addEventListener("abort", this.#wake);
  }

  /**
   * Opens a ring.
   *
   * @throws {ShmError} `not-found` where there is none of that name in time, `permission`, `version`, `invalid`.
   * @throws {SetupError} where the C library is not built, or may not be called.
   * @throws `signal.reason`
   */
  static open(name: string, options?: ShmReaderOptions): Promise<ShmReader>;
  /** With `protocol: "valkka"` a ring in libValkka's layout, of whichever writer, by the numbers that its server was given. */
  static open(name: string, options: ValkkaReaderOptions): Promise<ValkkaReader>;
  static async open(
    name: string,
    options: ShmReaderOptions | ValkkaReaderOptions = {},
  ): Promise<ShmReader | ValkkaReader> {
    if (options.protocol === "valkka") return await ValkkaReader.open(name, options);
    const library = loadLibrary(await libraryPath());
    const until = performance.now() + (options.wait ?? 0);
    for (;;) {
      options.signal?.throwIfAborted();
      const handle = library.symbols.mr_shm_open(cString(name), 0);
      if (handle >= 0) return new ShmReader(name, library, handle, options);
      if (handle !== -ERRNO.ENOENT || performance.now() >= until) throw shmError(`Cannot open ring "${name}"`, handle);
      const { signal } = options;
      const looked = Promise.withResolvers<void>();
      const timer = setTimeout(looked.resolve, LOOK);
      const look = () => looked.resolve();
      signal?.addEventListener("abort", look);
      await looked.promise;
      signal?.removeEventListener("abort", look);
      clearTimeout(timer);
    }
  }

  /** What the ring says of itself. */
  get header(): Readonly<RingHeader> {
    return this.#ring.reader.header;
  }

  /** Whether the writer of the ring lives. */
  get alive(): boolean {
    return !this.#closed && this.#ring.alive && !this.#ring.reader.closed;
  }

  stats(): ShmReaderStats {
    const missed = this.#ring.missed + this.#skipped;
    return { delivered: this.#delivered, missed, torn: 0, writers: this.#ring.writers };
  }

  /**
   * Level 1: copies the next record, if there is one, and says in which of `slots` it lies, and how many bytes it has; a user's blob lies
   * right behind them. The slot is overwritten when the ring comes round to it, and `meta` by the next call.
   *
   * @returns null where there is nothing new.
   * @throws {ShmError} `closed` once this reader was closed.
   */
  pull(): { index: number; size: number; meta: RecordMeta } | null {
    if (this.#closed) throw new ShmError("closed", `Cannot read ring "${this.name}": it was closed`);
    const meta = this.#look(() =>
      this.#ring.reader.next(this.#options.mode, (bytes) => {
        const index = this.#ring.reader.cursor % this.header.slots;
        const slot = this.#slots[index];
        return slot && slot.length >= bytes ? slot : this.#slots[index] = new Uint8Array(bytes);
      })
    );
    if (!meta) return null;
    this.#delivered++;
    return { index: meta.sequence % this.header.slots, size: meta.bytes, meta };
  }

  /** Level 1: what `pull()` copied, by slot. */
  get slots(): readonly Uint8Array<ArrayBuffer>[] {
    return this.#slots;
  }

  /** Waits until there may be something new, at most so many milliseconds. False where the ring is over. */
  async wait(timeout = Infinity): Promise<boolean> {
    for (let left = timeout; left > 0 && !this.#closed; left -= HEARTBEAT) {
      this.#options.signal?.throwIfAborted();
      const follows = this.#follow();
      if (follows !== null) return follows;
      if (await this.#changed(Math.min(left, HEARTBEAT))) break;
      const state = await this.#checkWriter();
      if (state === "over") return false;
      if (state === "look") break;
    }
    this.#options.signal?.throwIfAborted();
    return !this.#closed;
  }

  /**
   * As `wait`, but blocks this thread, which wakes sooner: for a thread or process that does nothing else. Not with `signal`,
   * which nobody could abort meanwhile.
   *
   * @throws {ShmError} `closed` where the writer died, and the next one is not wanted.
   */
  waitSync(timeout = Infinity): boolean {
    const until = performance.now() + timeout;
    while (!this.#closed) {
      const left = until - performance.now();
      const { reader } = this.#ring;
      const changed = left > 0 && reader.wait(Math.min(left, HEARTBEAT));
      if (reader.behind > 0) return true;
      if (reader.closed) return false;
      const follows = this.#follow();
      if (follows !== null) return follows;
      if (changed || left <= 0) return true;
      if (!this.#ring.died) continue;
      if (reader.behind > 0) return true; // it came before the writer died
      if (reader.closed) return false;
      if (!this.#options.reconnect) throw new ShmError("closed", `Cannot read ring "${this.name}": its writer died`);
      if (this.#reopen()) return true;
      Atomics.wait(this.#nobody, 0, 0, Math.min(left, LOOK));
    }
    return false;
  }

  /**
   * The next frame, when it comes; null once the writer closed the ring, or this reader was closed.
   *
   * @throws {TypeError} where the ring holds no frames, or the last `next()` is still under way.
   * @throws {ShmError} `closed` where the writer died, and the next one is not wanted.
   * @throws `signal.reason`
   */
  next(): Promise<Frame | null> {
    return this.#next(() => {
      this.#expect("frames");
      let buffer: Uint8Array<ArrayBuffer> | undefined;
      const meta = this.#ring.reader.next(this.#options.mode, (bytes) => {
        // Asked again where the writer overtook the copy: mostly for as many bytes.
        return buffer && buffer.length >= bytes ? buffer : buffer = this.#pool.take(bytes);
      });
      if (meta) return frameOf(meta, this.#ring.placeOf(meta), buffer!, this.#pool.lease(buffer!));
      if (buffer) this.#pool.giveBack(buffer);
      return null;
    });
  }

  /**
   * The access units of a ring that holds such, in order, whatever the reader's mode is. Each is the caller's own. The reader is
   * closed when the iteration ends.
   *
   * @param options.gaps @default {"skip-to-keyframe"}
   * @throws {TypeError} where the ring holds something else, or another reading is under way.
   *
   * @example
   * ```ts ignore
   * for await (const unit of (await ShmReader.open("cam-1.h264")).units()) file.writeSync(unit.data);
   * ```
   */
  units(options: GapOptions = {}): AsyncGenerator<ShmUnit, undefined> {
    return this.#each(unitOf, options.gaps ?? "skip-to-keyframe", "access-units");
  }

  /**
   * The records of a ring of any kind: what the writer said of each, its payload, and the user's blob, all of them copies that
   * are the caller's own. Those of frames are in the reader's mode, all others in order. The reader is closed when the iteration
   * ends.
   *
   * @param options.gaps `"skip-to-keyframe"` for what builds on what came before, as MP4 fragments do. @default {"deliver"}
   */
  records(options: GapOptions = {}): AsyncGenerator<ShmRecord, undefined> {
    return this.#each(recordOf, options.gaps ?? "deliver");
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame, undefined> {
    try {
      for (let frame = await this.next(); frame; frame = await this.next()) yield frame;
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  /** For {@linkcode ShmSelector}. */
  get [SELECTABLE](): Selectable {
    return {
      library: this.#ring.library,
      reconnect: this.#options.reconnect,
      target: () => ({ handle: this.#ring.memory.handle, foreign: false }),
      signalWord: () => this.#closed ? 0 : this.#ring.memory.load32(HEADER.signal),
      state: () => this.#state(),
      reopen: () => this.#reopen(),
      onClose: this.#onClose,
    };
  }

  #state(): SelectableState {
    if (this.#closed) return "closed";
    // Asked before looking, as everywhere: what came before the end is found then.
    const { reader } = this.#ring;
    const over = reader.closed, died = this.#ring.died, moved = reader.moved;
    if (reader.unfinished || reader.behind > 0) return "ready";
    if (moved) return this.#follow() ? this.#state() : "over";
    return over || (died && reader.closed) ? "over" : died ? "gone" : "idle";
  }

  /** Lets go of the memory; whoever waits gets the end. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const leave of [...this.#onClose]) leave();
    this.#options.signal?.removeEventListener("abort", this.#wake);
    this.#wake();
    await this.#waiting;
    this.#ring.release();
  }

  /** Has whoever waits here look around; others who wait on this ring do so too, and go on waiting. */
  readonly #wake = () => {
    this.#wakeUp?.();
    this.#ring.memory.notify(HEADER.signal);
  };

  /** Whether something was published or closed, or somebody woke this reader, before the time is over. */
  async #changed(timeout: number): Promise<boolean> {
    // One at a time: after an abort the one before may still be on its way back.
    await this.#waiting;
    if (this.#closed) return true;
    const woken = Promise.withResolvers<boolean>();
    this.#wakeUp = () => woken.resolve(true);
    this.#waiting = this.#ring.reader.waitAsync(timeout).then(woken.resolve, woken.reject)
      .finally(() => this.#waiting = null);
    const changed = await woken.promise;
    this.#wakeUp = null;
    this.#turnBegan = performance.now();
    return changed;
  }

  /** A writer that is always ahead would else keep this thread in microtasks, and its timers would starve. */
  async #letOthersRun(): Promise<void> {
    const now = performance.now();
    if (now - this.#turnBegan < TURN) return;
    await this.#ring.memory.pause();
    this.#turnBegan = performance.now();
  }

  /**
   * What to do after a silence: wait on, look for records that came with another writer or before the last one died, or give up. Where the
   * writer died, waits for the next one if that is wanted.
   */
  async #checkWriter(): Promise<"wait" | "look" | "over"> {
    const { reader } = this.#ring;
    if (this.#closed || reader.closed) return "over";
    if (!this.#ring.died) return "wait";
    if (reader.behind > 0) return "look";
    // It may have closed the ring before it went.
    if (reader.closed) return "over";
    if (!this.#options.reconnect) throw new ShmError("closed", `Cannot read ring "${this.name}": its writer died`);
    while (!this.#closed) {
      this.#options.signal?.throwIfAborted();
      if (this.#reopen()) return "look";
      const looked = Promise.withResolvers<void>();
      this.#wakeUp = looked.resolve;
      const timer = setTimeout(looked.resolve, LOOK);
      await looked.promise;
      clearTimeout(timer);
      this.#wakeUp = null;
    }
    return "over";
  }

  #reopen(): boolean {
    if (!this.#ring.reopen()) return false;
    this.#slots = [];
    return true;
  }

  /** Where the writer moved to another ring, and all of this one was read: whether that one is there. Else null. */
  #follow(): boolean | null {
    const { reader } = this.#ring;
    if (!reader.moved || reader.unfinished || reader.behind > 0) return null;
    return this.#reopen();
  }

  /** What is found, if need be in the ring that the writer moved to. */
  #look<T>(find: () => T | null): T | null {
    const found = find();
    // Whoever waits on the old ring's memory finds the new one by itself.
    return found !== null || this.#waiting || !this.#follow() ? found : find();
  }

  /** What is found, when it comes. */
  async #next<T>(find: () => T | null): Promise<T | null> {
    if (this.#reading) throw new TypeError(`Cannot read ring "${this.name}": the last next() is still under way`);
    this.#reading = true;
    try {
      for (;;) {
        await this.#letOthersRun();
        if (this.#closed) return null;
        this.#options.signal?.throwIfAborted();
        // Asked before looking: what the writer published before it closed the ring is found then.
        const over = this.#ring.reader.closed;
        const found = this.#look(find);
        if (found !== null) {
          this.#delivered++;
          return found;
        }
        if (this.#ring.reader.unfinished) continue;
        if (over || !(await this.wait())) return null;
      }
    } finally {
      this.#reading = false;
    }
  }

  async *#each<T>(
    make: (meta: RecordMeta, place: RecordPlace, bytes: Uint8Array<ArrayBuffer>) => T,
    gaps: "skip-to-keyframe" | "deliver",
    kind?: PayloadKind,
  ): AsyncGenerator<T, undefined> {
    const gate = gaps === "deliver" ? null : new KeyframeGate();
    const find = () => {
      if (kind) this.#expect(kind);
      let bytes = new Uint8Array(0);
      const into = (size: number) => bytes = new Uint8Array(size);
      const { reader, writers } = this.#ring;
      const mode = reader.header.kind === "frames" ? this.#options.mode : "every";
      const skipped = gate?.skipped ?? 0;
      const meta = gate ? gate.next(reader, writers, into) : reader.next(mode, into);
      this.#skipped += (gate?.skipped ?? 0) - skipped;
      return meta && make(meta, this.#ring.placeOf(meta), bytes);
    };
    try {
      for (let found = await this.#next(find); found !== null; found = await this.#next(find)) yield found;
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  #expect(kind: PayloadKind): void {
    if (this.header.kind === kind) return;
    const wanted = kind === "frames" ? "frames" : "access units";
    throw new TypeError(`Cannot read ${wanted} of ring "${this.name}": it holds ${this.header.kind}`);
  }
}
