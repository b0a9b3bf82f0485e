import { type Frame, ShmError } from "../media/mod.ts";
import { HEADER, type PayloadKind, type ReadMode, type RecordMeta, type RingHeader } from "../ring/mod.ts";
import { ERRNO } from "../../ffi/errno.ts";
import { libraryPath, loadLibrary, type NativeLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { Attachment } from "./attachment.ts";
import { BorrowedFrame } from "./borrowed_frame.ts";
import { BufferPool } from "./buffer_pool.ts";
import { KeyframeGate } from "./keyframe_gate.ts";
import type { GapOptions, ShmReaderOptions, ShmReaderStats, ShmRecord, ShmUnit } from "./reader_options.ts";
import { frameOf, recordOf, type RecordPlace, unitOf } from "./records.ts";
import { RingWaiter } from "./ring_waiter.ts";
import { SELECTABLE, type Selectable, type SelectableState } from "./selectable.ts";
import { shmError } from "./shm_error.ts";
import { ValkkaReader, type ValkkaReaderOptions } from "./valkka/mod.ts";

/** How often a reader looks for a writer that is not there yet, in milliseconds. */
const LOOK = 50;
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
  readonly #waiter: RingWaiter;
  readonly #mode: ReadMode;
  readonly #signal: AbortSignal | undefined;
  #delivered = 0;
  /** Borrowed frames that were overwritten meanwhile. */
  #torn = 0;
  #borrowed = false;
  /** Records that the gates passed over. */
  #skipped = 0;
  /** Whether a `next()` is under way. */
  #reading = false;
  readonly #pool = new BufferPool();
  readonly #onClose = new Set<() => void>();
  #slots: Uint8Array<ArrayBuffer>[] = [];

  private constructor(name: string, library: NativeLibrary, handle: number, options: ShmReaderOptions) {
    this.name = name;
    this.#ring = new Attachment(library, name, handle);
    const { mode = "latest", reconnect = true, signal } = options;
    this.#mode = mode;
    this.#signal = signal;
    this.#waiter = new RingWaiter(this.#ring, { reconnect, signal, onReopen: () => this.#slots = [] });
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
    return !this.#waiter.closed && this.#ring.alive && !this.#ring.reader.closed;
  }

  stats(): ShmReaderStats {
    const missed = this.#ring.missed + this.#skipped;
    return { delivered: this.#delivered, missed, torn: this.#torn, writers: this.#ring.writers };
  }

  /**
   * Level 1: copies the next record, if there is one, and says in which of `slots` it lies, and how many bytes it has; a user's blob lies
   * right behind them. The slot is overwritten when the ring comes round to it, and `meta` by the next call.
   *
   * @returns null where there is nothing new.
   * @throws {ShmError} `closed` once this reader was closed.
   */
  pull(): { index: number; size: number; meta: RecordMeta } | null {
    this.#mustBeOpen();
    this.#notBorrowed();
    const meta = this.#waiter.look(() =>
      this.#ring.reader.next(this.#mode, (bytes) => {
        const index = this.#ring.reader.cursor % this.header.slots;
        const slot = this.#slots[index];
        return slot && slot.length >= bytes ? slot : this.#slots[index] = new Uint8Array(bytes);
      })
    );
    if (!meta) return null;
    this.#delivered++;
    return { index: meta.sequence % this.header.slots, size: meta.bytes, meta };
  }

  /**
   * As `pull`, but waits, and copies into a buffer of the caller's the moment that a record comes: for a thread or process that does
   * nothing else, and is given its time in shorter turns from then on. Null where the ring or the time is over. Not with `signal`,
   * which nobody could abort meanwhile.
   *
   * @param timeout milliseconds.
   * @throws {RangeError} where the payload does not fit; the record is the next one still.
   * @throws {TypeError} where a frame is borrowed.
   * @throws {ShmError} `closed` where the writer died and the next one is not wanted, or this reader was closed.
   *
   * @example
   * ```ts ignore
   * const pixels = new Uint8Array(reader.header.cellBytes);
   * for (let meta = reader.pullSync(pixels); meta; meta = reader.pullSync(pixels)) console.log(meta.pts, pixels[0]);
   * ```
   */
  pullSync(into: Uint8Array, timeout = Infinity): RecordMeta | null {
    this.#mustBeOpen();
    this.#notBorrowed();
    const meta = this.#waiter.findSync((ms) => this.#ring.reader.nextSync(this.#mode, into, ms), timeout);
    if (meta) this.#delivered++;
    return meta;
  }

  /** Level 1: what `pull()` copied, by slot. */
  get slots(): readonly Uint8Array<ArrayBuffer>[] {
    return this.#slots;
  }

  /** Waits until there may be something new, at most so many milliseconds. False where the ring is over. */
  wait(timeout = Infinity): Promise<boolean> {
    return this.#waiter.wait(timeout);
  }

  /**
   * As `wait`, but blocks this thread, which wakes sooner: for a thread or process that does nothing else. Not with `signal`,
   * which nobody could abort meanwhile.
   *
   * @throws {ShmError} `closed` where the writer died, and the next one is not wanted.
   */
  waitSync(timeout = Infinity): boolean {
    return this.#waiter.waitSync(timeout);
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
      const meta = this.#ring.reader.next(this.#mode, (bytes) => {
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

  /**
   * Level 0: the next frame, if there is one, where it lies in the ring's memory, for programs that are trusted with pointers. Only one
   * at a time, and nothing else can be read meanwhile.
   *
   * Needs `--allow-ffi` without a path.
   *
   * @returns null where there is nothing new.
   * @throws {TypeError} where the ring holds no frames, or the last one was not disposed of.
   * @throws {SetupError} `permission` where this program may not make a pointer.
   * @throws {ShmError} `closed` once this reader was closed.
   *
   * @example
   * ```ts ignore
   * using frame = reader.borrow();
   * const brightness = frame && meanOf(frame.planes[0].data);
   * if (frame?.valid()) console.log(brightness);
   * ```
   */
  borrow(): BorrowedFrame | null {
    this.#mustBeOpen();
    this.#notBorrowed();
    const meta = this.#waiter.look(() => {
      this.#expect("frames");
      return this.#ring.reader.peek(this.#mode);
    });
    if (!meta) return null;
    const { library, reader } = this.#ring;
    const frame = BorrowedFrame.begin({
      ...{ library, reader, meta, mapping: this.#ring.hold(), place: this.#ring.placeOf(meta) },
      onEnd: (whole) => {
        this.#borrowed = false;
        if (whole) this.#delivered++;
        else this.#torn++;
      },
    });
    this.#borrowed = true;
    return frame;
  }

  /** For {@linkcode ShmSelector}. */
  get [SELECTABLE](): Selectable {
    return {
      library: this.#ring.library,
      reconnect: this.#waiter.reconnect,
      target: () => ({ handle: this.#ring.memory.handle, foreign: false }),
      signalWord: () => this.#waiter.closed ? 0 : this.#ring.memory.load32(HEADER.signal),
      state: () => this.#state(),
      reopen: () => this.#waiter.reopen(),
      onClose: this.#onClose,
    };
  }

  #state(): SelectableState {
    if (this.#waiter.closed) return "closed";
    // Asked before looking, as everywhere: what came before the end is found then.
    const { reader } = this.#ring;
    const over = reader.closed, died = this.#ring.died, moved = reader.moved;
    if (reader.unfinished || reader.behind > 0) return "ready";
    if (moved) return this.#waiter.follow() ? this.#state() : "over";
    return over || (died && reader.closed) ? "over" : died ? "gone" : "idle";
  }

  /** Lets go of the memory; whoever waits gets the end. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#waiter.closed) return;
    for (const leave of [...this.#onClose]) leave();
    await this.#waiter.close();
    this.#ring.release();
  }

  /** What is found, when it comes. */
  async #next<T>(find: () => T | null): Promise<T | null> {
    if (this.#reading) throw new TypeError(`Cannot read ring "${this.name}": the last next() is still under way`);
    this.#notBorrowed();
    this.#reading = true;
    try {
      for (;;) {
        await this.#waiter.letOthersRun();
        if (this.#waiter.closed) return null;
        this.#signal?.throwIfAborted();
        // Asked before looking: what the writer published before it closed the ring is found then.
        const over = this.#ring.reader.closed;
        const found = this.#waiter.look(find);
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
      const mode = reader.header.kind === "frames" ? this.#mode : "every";
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

  #mustBeOpen(): void {
    if (this.#waiter.closed) throw new ShmError("closed", `Cannot read ring "${this.name}": it was closed`);
  }

  #notBorrowed(): void {
    if (this.#borrowed) throw new TypeError(`Cannot read ring "${this.name}": a frame of it is borrowed`);
  }

  #expect(kind: PayloadKind): void {
    if (this.header.kind === kind) return;
    const wanted = kind === "frames" ? "frames" : "access units";
    throw new TypeError(`Cannot read ${wanted} of ring "${this.name}": it holds ${this.header.kind}`);
  }
}
