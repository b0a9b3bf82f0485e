import { Frame, type FrameInfo, packedPlanes, ShmError } from "../media/mod.ts";
import { HEADER, type ReadMode, type RecordMeta, type RingHeader, RingReader } from "../ring/mod.ts";
import { ERRNO } from "../../ffi/errno.ts";
import { libraryPath, loadLibrary, type NativeLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { BufferPool } from "./buffer_pool.ts";
import { SELECTABLE, type Selectable, type SelectableState } from "./selectable.ts";
import { shmError } from "./shm_error.ts";
import { ShmRingMemory } from "./shm_memory.ts";
import { ValkkaReader, type ValkkaReaderOptions } from "./valkka/mod.ts";

/** How often a reader that gets nothing looks whether the writer lives, in milliseconds. */
const HEARTBEAT = 200;
/** How often a reader looks for a writer that is not there yet, in milliseconds. */
const LOOK = 50;
/** How long a reader that always finds something new keeps its thread from other tasks, in milliseconds. */
const TURN = 10;

/** How to read a ring. */
export interface ShmReaderOptions {
  /** `"valkka"` takes other options. */
  protocol?: "millrace";
  /** `"latest"`: always the newest frame; `"every"`: each in order, as long as the reader keeps up. @default {"latest"} */
  mode?: ReadMode;
  /** Milliseconds to wait for a writer that is not there yet. @default {0} */
  wait?: number;
  /** Whether to wait for a writer that died, and go on with the next one of that name. @default {true} */
  reconnect?: boolean;
  /** Ends the reading with its reason. */
  signal?: AbortSignal;
}

/** What a reader got. */
export interface ShmReaderStats {
  delivered: number;
  /** Records that it did not get. */
  missed: number;
  /** Writers that it met one after the other under this name. */
  writers: number;
}

/**
 * Reads a ring in shared memory by nothing but its name. Any number of readers may come and go; none disturbs the
 * writer or another. Each frame is copied out, and was whole when it was.
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
  readonly #library: NativeLibrary;
  /** A word that nobody changes, to sleep on. */
  readonly #nobody = new Int32Array(new SharedArrayBuffer(4));
  readonly #options: Required<Omit<ShmReaderOptions, "signal" | "wait" | "protocol">> & { signal?: AbortSignal };
  #reader: RingReader;
  #memory: ShmRingMemory;
  #closed = false;
  #writers = 1;
  #delivered = 0;
  #missedBefore = 0;
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
    this.#library = library;
    const { mode = "latest", reconnect = true, signal } = options;
    this.#options = { mode, reconnect, signal };
    this.#memory = new ShmRingMemory(library, handle);
    this.#reader = new RingReader(this.#memory, { start: "latest", what: `ring "${name}"` });
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
      if (handle >= 0) {
        try {
          return new ShmReader(name, library, handle, options);
        } catch (error) {
          library.symbols.mr_close(handle);
          throw error;
        }
      }
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
    return this.#reader.header;
  }

  /** Whether the writer of the ring lives. */
  get alive(): boolean {
    return !this.#closed && this.#library.symbols.mr_shm_owner(this.#memory.handle) === 1 && !this.#reader.closed;
  }

  stats(): ShmReaderStats {
    const missed = this.#missedBefore + this.#reader.missed;
    return { delivered: this.#delivered, missed, writers: this.#writers };
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
    const meta = this.#reader.next(this.#options.mode, (bytes) => {
      const index = this.#reader.cursor % this.header.slots;
      const slot = this.#slots[index];
      return slot && slot.length >= bytes ? slot : this.#slots[index] = new Uint8Array(bytes);
    });
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
      const changed = left > 0 && this.#reader.wait(Math.min(left, HEARTBEAT));
      if (this.#reader.behind > 0) return true;
      if (this.#reader.closed) return false;
      if (changed || left <= 0) return true;
      if (this.#library.symbols.mr_shm_owner(this.#memory.handle) !== 0) continue;
      if (this.#reader.behind > 0) return true; // it came before the writer died
      if (this.#reader.closed) return false;
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
  async next(): Promise<Frame | null> {
    if (this.header.kind !== "frames") {
      throw new TypeError(`Cannot read frames of ring "${this.name}": it holds ${this.header.kind}`);
    }
    if (this.#reading) throw new TypeError(`Cannot read ring "${this.name}": the last next() is still under way`);
    this.#reading = true;
    try {
      return await this.#next();
    } finally {
      this.#reading = false;
    }
  }

  async #next(): Promise<Frame | null> {
    for (;;) {
      await this.#letOthersRun();
      if (this.#closed) return null;
      this.#options.signal?.throwIfAborted();
      // Asked before looking: what the writer published before it closed the ring is found then.
      const over = this.#reader.closed;
      let buffer: Uint8Array<ArrayBuffer> | undefined;
      const meta = this.#reader.next(this.#options.mode, (bytes) => {
        // Asked again where the writer overtook the copy: mostly for as many bytes.
        return buffer && buffer.length >= bytes ? buffer : buffer = this.#pool.take(bytes);
      });
      if (meta) return this.#frame(meta, buffer!);
      if (buffer) this.#pool.giveBack(buffer);
      if (this.#reader.unfinished) continue;
      if (over || !(await this.wait())) return null;
    }
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
      library: this.#library,
      reconnect: this.#options.reconnect,
      target: () => ({ handle: this.#memory.handle, foreign: false }),
      signalWord: () => this.#closed ? 0 : this.#memory.load32(HEADER.signal),
      state: () => this.#state(),
      reopen: () => this.#reopen(),
      onClose: this.#onClose,
    };
  }

  #state(): SelectableState {
    if (this.#closed) return "closed";
    // Asked before looking, as everywhere: what came before the end is found then.
    const over = this.#reader.closed, alive = this.#library.symbols.mr_shm_owner(this.#memory.handle) !== 0;
    if (this.#reader.unfinished || this.#reader.behind > 0) return "ready";
    return over || (!alive && this.#reader.closed) ? "over" : alive ? "idle" : "gone";
  }

  /** Lets go of the memory; whoever waits gets the end. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const leave of [...this.#onClose]) leave();
    this.#options.signal?.removeEventListener("abort", this.#wake);
    this.#wake();
    await this.#waiting;
    this.#library.symbols.mr_close(this.#memory.handle);
  }

  /** Has whoever waits here look around; others who wait on this ring do so too, and go on waiting. */
  readonly #wake = () => {
    this.#wakeUp?.();
    this.#memory.notify(HEADER.signal);
  };

  /** Whether something was published or closed, or somebody woke this reader, before the time is over. */
  async #changed(timeout: number): Promise<boolean> {
    // One at a time: after an abort the one before may still be on its way back.
    await this.#waiting;
    if (this.#closed) return true;
    const woken = Promise.withResolvers<boolean>();
    this.#wakeUp = () => woken.resolve(true);
    this.#waiting = this.#reader.waitAsync(timeout).then(woken.resolve, woken.reject)
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
    await this.#memory.pause();
    this.#turnBegan = performance.now();
  }

  /**
   * What to do after a silence: wait on, look for records that came with another writer or before the last one died, or give up. Where the
   * writer died, waits for the next one if that is wanted.
   */
  async #checkWriter(): Promise<"wait" | "look" | "over"> {
    if (this.#closed || this.#reader.closed) return "over";
    if (this.#library.symbols.mr_shm_owner(this.#memory.handle) !== 0) return "wait";
    if (this.#reader.behind > 0) return "look";
    // It may have closed the ring before it went.
    if (this.#reader.closed) return "over";
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

  /** Goes on with another writer's ring of that name; false where there is none yet. */
  #reopen(): boolean {
    const handle = this.#library.symbols.mr_shm_open(cString(this.name), 0);
    if (handle < 0) return false;
    try {
      if (this.#library.symbols.mr_shm_owner(handle) === 1) {
        const memory = new ShmRingMemory(this.#library, handle);
        const reader = new RingReader(memory, { start: "oldest", what: `ring "${this.name}"` });
        this.#library.symbols.mr_close(this.#memory.handle);
        this.#missedBefore += this.#reader.missed;
        this.#memory = memory;
        this.#reader = reader;
        this.#slots = [];
        this.#writers++;
        return true;
      }
    } catch {
      // Something else took the name meanwhile; perhaps not for long.
    }
    this.#library.symbols.mr_close(handle);
    return false;
  }

  #frame(meta: RecordMeta, buffer: Uint8Array<ArrayBuffer>): Frame {
    this.#delivered++;
    const format = meta.pixelFormat!;
    const info: FrameInfo = {
      width: meta.width,
      height: meta.height,
      format,
      pts: meta.pts,
      wallTime: meta.wallTime,
      receivedAt: meta.receivedAt,
      keyframe: meta.keyframe,
      corrupt: meta.corrupt,
      sequence: meta.sequence,
      // A new writer is a new generation, whatever it counts itself.
      generation: meta.generation + this.#writers - 1,
      missed: meta.missed,
      streamId: meta.streamId,
    };
    const planes = packedPlanes(format, meta.width, meta.height).map(({ stride: rowBytes, rows }, i) => {
      const { offset, stride } = meta.planes[i];
      return { data: buffer.subarray(offset, offset + stride * (rows - 1) + rowBytes), stride, rowBytes, rows };
    });
    return new Frame(info, planes, this.#pool.lease(buffer));
  }
}
