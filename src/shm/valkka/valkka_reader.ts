import { Frame, type FrameInfo, ShmError } from "../../media/mod.ts";
import type { ReadMode, RecordMeta } from "../../ring/mod.ts";
import { libraryPath, loadLibrary, type NativeLibrary } from "../../../ffi/load.ts";
import { BufferPool } from "../buffer_pool.ts";
import { SELECTABLE, type Selectable, type SelectableState } from "../selectable.ts";
import { attach } from "./attach.ts";
import {
  checkName,
  measuresOf,
  type ValkkaByteOptions,
  type ValkkaFrameOptions,
  type ValkkaMeasures,
} from "./layout.ts";
import type { ValkkaSource } from "./source.ts";

/** How often a reader that gets nothing looks whether the writer is still the same, in milliseconds. */
const HEARTBEAT = 200;
/** How often a reader looks for a writer that is not there yet, in milliseconds. */
const LOOK = 50;
/** How long a reader that always finds something new keeps its thread from other tasks, in milliseconds. */
const TURN = 10;

/** A ring in libValkka's layout, to be read: the numbers must be those that its server was given. */
export type ValkkaReaderOptions = (ValkkaFrameOptions | ValkkaByteOptions) & {
  /** `"latest"`: always the newest frame; `"every"`: each in order, as long as the reader keeps up. @default {"latest"} */
  mode?: ReadMode;
  /** Milliseconds to wait for a writer that is not there yet. @default {0} */
  wait?: number;
  /** Whether to go on with the next writer of that name. @default {true} */
  reconnect?: boolean;
  /** Ends the reading with its reason. */
  signal?: AbortSignal;
};

/** What a reader of a ring in libValkka's layout got. */
export interface ValkkaReaderStats {
  delivered: number;
  /** Records that it did not get. With a server of libValkka's at least so many: it does not say what it drops. */
  missed: number;
  /** Writers that it met one after the other under this name. */
  writers: number;
  /** Copies that turned out to be torn; none of them was delivered. */
  torn: number;
  /** Frames of a libValkka server that were delivered though it may have been at their cell, and nothing could tell. */
  unproven: number;
  /** Times that a libValkka server had dropped all that was not read. */
  overflows: number;
}

/**
 * Reads a ring in libValkka's layout, of an unmodified libValkka server or of {@linkcode ValkkaWriter}.
 *
 * Beside a ring of ours lies a segment by which any number of readers get whole frames, and know what they missed. A server of
 * libValkka's has one reader, which this is then. Its copy of a frame is delivered if the server was elsewhere: by the count of frames
 * that are not read, and by the frame's metadata before and after, of which the server writes the time first. What that cannot tell is
 * counted as `unproven`: a server at work on that very cell whose frames all carry the same time. A reader that comes after another one
 * left has the server begin anew, and so gets no frame until the next one is written.
 *
 * Needs `--allow-ffi=<library>`.
 *
 * @see ShmReader.open
 */
export class ValkkaReader implements AsyncIterable<Frame>, AsyncDisposable {
  readonly name: string;
  readonly protocol = "valkka";
  readonly #library: NativeLibrary;
  readonly #measures: ValkkaMeasures;
  readonly #mode: ReadMode;
  readonly #reconnect: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #pool = new BufferPool();
  readonly #onClose = new Set<() => void>();
  #source: ValkkaSource;
  #closed = false;
  #writers = 1;
  #before = { delivered: 0, missed: 0, torn: 0, unproven: 0, overflows: 0 };
  #reading = false;
  /** Ends the present pause or wait of this reader's. */
  #wakeUp: (() => void) | null = null;
  /** The wait that the C library is in, which may outlast whoever asked for it by a moment. */
  #waiting: Promise<unknown> | null = null;
  #turnBegan = 0;
  #slots: Uint8Array<ArrayBuffer>[] = [];

  private constructor(name: string, library: NativeLibrary, source: ValkkaSource, options: ValkkaReaderOptions) {
    this.name = name;
    this.#library = library;
    this.#source = source;
    this.#measures = measuresOf(options);
    const { mode = "latest", reconnect = true, signal } = options;
    this.#mode = mode;
    this.#reconnect = reconnect;
    this.#signal = signal;
    signal?.addEventListener("abort", this.#wake);
  }

  /**
   * Opens a ring.
   *
   * @throws {ShmError} `not-found` where there is none of that name in time, `size` where it was made with other numbers than these,
   * with both named, `permission`.
   * @throws {RangeError | TypeError} where the numbers are beyond reason, or the name is too long.
   * @throws {SetupError} where the C library is not built, or may not be called.
   * @throws `signal.reason`
   */
  static async open(name: string, options: ValkkaReaderOptions): Promise<ValkkaReader> {
    const measures = measuresOf(options);
    checkName(name);
    const library = loadLibrary(await libraryPath());
    const { signal } = options;
    const until = performance.now() + (options.wait ?? 0);
    for (let turn = 0;; turn++) {
      signal?.throwIfAborted();
      const found = attach(library, name, measures, "latest");
      if ("source" in found) return new ValkkaReader(name, library, found.source, options);
      // Half a ring is mostly one that is being made: it is looked at once more even without patience.
      if (performance.now() >= until && (turn > 0 || found.missing.code === "not-found")) throw found.missing;
      const looked = Promise.withResolvers<void>();
      const timer = setTimeout(looked.resolve, LOOK);
      const look = () => looked.resolve();
      signal?.addEventListener("abort", look);
      await looked.promise;
      signal?.removeEventListener("abort", look);
      clearTimeout(timer);
    }
  }

  /** Whether the present writer is Millrace's: then no frame is torn or lost unseen, and this reader disturbs no other one. */
  get exact(): boolean {
    return this.#source.side;
  }

  /** The numbers of the ring. */
  get measures(): Readonly<ValkkaMeasures> {
    return this.#measures;
  }

  stats(): ValkkaReaderStats {
    const before = this.#before, now = this.#closed ? null : this.#source.counts();
    return {
      delivered: before.delivered + (now?.delivered ?? 0),
      missed: before.missed + (now?.missed ?? 0),
      writers: this.#writers,
      torn: before.torn + (now?.torn ?? 0),
      unproven: before.unproven + (now?.unproven ?? 0),
      overflows: before.overflows + (now?.overflows ?? 0),
    };
  }

  /**
   * Level 1: copies the next record, if there is one, and says in which of `slots` it lies, and how many bytes it has. The slot is
   * overwritten when the ring comes round to it, and `meta` by the next call. In a ring of boxes `box` is the box's name, and
   * `meta.keyframe` what libValkka calls `is_first`.
   *
   * @returns null where there is nothing new.
   * @throws {ShmError} `closed` once this reader was closed.
   */
  pull(): { index: number; size: number; meta: RecordMeta; box: string } | null {
    if (this.#closed) throw new ShmError("closed", `Cannot read ring "${this.name}": it was closed`);
    let buffer: Uint8Array<ArrayBuffer> | undefined;
    const take = (bytes: number) => buffer && buffer.length >= bytes ? buffer : buffer = this.#pool.take(bytes);
    const meta = this.#source.pull(this.#mode, take);
    if (!meta) {
      if (buffer) this.#pool.giveBack(buffer);
      return null;
    }
    const index = meta.sequence % this.#measures.cells;
    const last = this.#slots[index];
    if (last) this.#pool.giveBack(last);
    this.#slots[index] = buffer!;
    const box = this.#measures.kind === "mp4" ? String.fromCharCode(...buffer!.subarray(4, 8)) : "";
    return { index, size: meta.bytes, meta, box };
  }

  /** Level 1: what `pull()` copied, by slot. */
  get slots(): readonly Uint8Array<ArrayBuffer>[] {
    return this.#slots;
  }

  /** Waits until there may be something new, at most so many milliseconds. False where the ring is over. */
  async wait(timeout = Infinity): Promise<boolean> {
    for (let left = timeout; left > 0 && !this.#closed; left -= HEARTBEAT) {
      this.#signal?.throwIfAborted();
      if (this.#source.unfinished || await this.#changed(Math.min(left, HEARTBEAT))) {
        // A count that rose may be another server's.
        if (this.#closed || this.#source.state() === "alive") break;
      }
      const state = await this.#checkWriter();
      if (state === "over") return false;
      if (state === "look") break;
    }
    this.#signal?.throwIfAborted();
    return !this.#closed;
  }

  /**
   * The next frame, when it comes; null once the writer closed the ring, or this reader was closed.
   *
   * @throws {TypeError} where the ring holds no frames, or the last `next()` is still under way.
   * @throws {ShmError} `closed` where the writer died and the next one is not wanted, `size` where the next one made the ring anew with
   * other numbers, or puts larger pictures into it than fit.
   * @throws `signal.reason`
   */
  async next(): Promise<Frame | null> {
    if (this.#measures.kind !== "frames") {
      throw new TypeError(`Cannot read frames of ring "${this.name}": it holds ${this.#measures.kind}; use pull()`);
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
      this.#signal?.throwIfAborted();
      let buffer: Uint8Array<ArrayBuffer> | undefined;
      const take = (bytes: number) => buffer && buffer.length >= bytes ? buffer : buffer = this.#pool.take(bytes);
      const meta = this.#source.pull(this.#mode, take);
      if (meta) return this.#frame(meta, buffer!);
      if (buffer) this.#pool.giveBack(buffer);
      if (!this.#source.unfinished && !(await this.wait())) return null;
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
      reconnect: this.#reconnect,
      target: () => this.#source.target,
      signalWord: () => this.#closed ? 0 : this.#source.signalWord(),
      state: () => this.#state(),
      reopen: () => this.#reopen(),
      onClose: this.#onClose,
    };
  }

  #state(): SelectableState {
    if (this.#closed) return "closed";
    const state = this.#source.state();
    // What a libValkka server left under names that are another's by now is not to be had.
    if (state !== "gone" && this.#source.pending()) return "ready";
    return state === "alive" ? "idle" : state;
  }

  /** Lets go of the memory; whoever waits gets the end. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    for (const leave of [...this.#onClose]) leave();
    this.#addUp();
    this.#closed = true;
    this.#signal?.removeEventListener("abort", this.#wake);
    this.#wake();
    await this.#waiting;
    this.#source.close();
  }

  readonly #wake = () => {
    this.#wakeUp?.();
    this.#source.wake();
  };

  #addUp(): void {
    const counts = this.#source.counts(), before = this.#before;
    for (const key of Object.keys(before) as (keyof typeof before)[]) before[key] += counts[key];
  }

  /** Whether something came, or somebody woke this reader, before the time is over. */
  async #changed(timeout: number): Promise<boolean> {
    await this.#waiting;
    if (this.#closed) return true;
    const woken = Promise.withResolvers<boolean>();
    this.#wakeUp = () => woken.resolve(true);
    this.#waiting = this.#source.wait(timeout).then(woken.resolve, woken.reject).finally(() => this.#waiting = null);
    const changed = await woken.promise;
    this.#wakeUp = null;
    this.#turnBegan = performance.now();
    return changed;
  }

  /** A writer that is always ahead would else keep this thread in microtasks, and its timers would starve. */
  async #letOthersRun(): Promise<void> {
    const now = performance.now();
    if (now - this.#turnBegan < TURN) return;
    this.#waiting = this.#source.pause();
    await this.#waiting;
    this.#waiting = null;
    this.#turnBegan = performance.now();
  }

  /** What to do after a silence: wait on, look again, or give up. Where the writer is gone, waits for the next one if that is wanted. */
  async #checkWriter(): Promise<"wait" | "look" | "over"> {
    if (this.#closed) return "over";
    const state = this.#source.state();
    if (state === "alive") return "wait";
    if (state === "over") return "over";
    if (!this.#reconnect) throw new ShmError("closed", `Cannot read ring "${this.name}": its writer is gone`);
    while (!this.#closed) {
      this.#signal?.throwIfAborted();
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
    const found = attach(this.#library, this.name, this.#measures, "oldest");
    if ("missing" in found) return false;
    this.#addUp();
    this.#source.close();
    this.#source = found.source;
    this.#slots = [];
    this.#writers++;
    return true;
  }

  #frame(meta: RecordMeta, buffer: Uint8Array<ArrayBuffer>): Frame {
    const { width, height } = meta;
    const info: FrameInfo = {
      width,
      height,
      format: "RGB24",
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
    const data = buffer.subarray(0, width * 3 * height);
    return new Frame(info, [{ data, stride: width * 3, rowBytes: width * 3, rows: height }], this.#pool.lease(buffer));
  }
}
