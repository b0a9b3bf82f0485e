import {
  EGRESS_TARGET,
  type EgressTarget,
  type Frame,
  type PixelFormat,
  ShmError,
  type Sink,
} from "../../media/mod.ts";
import { createRing, HEADER, type RecordInfo, STATE } from "../../ring/mod.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import { libraryPath, loadLibrary, type NativeLibrary } from "../../../ffi/load.ts";
import { cString } from "../../../ffi/symbols.ts";
import { shmError } from "../shm_error.ts";
import { ShmRingMemory } from "../shm_memory.ts";
import { topLevelBoxes } from "./boxes.ts";
import {
  checkName,
  encodeMeasures,
  measuresOf,
  sideName,
  sideRing,
  VALKKA_KIND,
  type ValkkaByteOptions,
  type ValkkaFrameOptions,
  type ValkkaMeasures,
} from "./layout.ts";
import { livingRival } from "./rivals.ts";
import { ValkkaMemory } from "./valkka_memory.ts";
import { ValkkaPusher } from "./valkka_pusher.ts";

/** A ring in libValkka's layout, to be written. */
export type ValkkaWriterOptions = (ValkkaFrameOptions | ValkkaByteOptions) & {
  /** Permission bits; whoever may read needs to write the semaphores, and may. @default {0o600} */
  mode?: number;
};

/**
 * Writes a ring that unmodified programs of libValkka read: `ShmemRGBClient`, `ShmemClient`, `FragMP4ShmemClient`, one of them at a
 * time, with the same name and numbers. Readers of Millrace may come beside it in any number.
 *
 * The writer never waits. Where libValkka's client is a whole ring behind, all that it has not read is dropped, as it expects.
 *
 * Needs `--allow-ffi=<library>`.
 *
 * @see ShmWriter.create
 */
export class ValkkaWriter implements Sink<Frame>, AsyncDisposable {
  readonly name: string;
  readonly protocol = "valkka";
  /** What every frame must be; null in a ring of bytes or boxes. */
  readonly shape: { width: number; height: number; format: PixelFormat } | null;
  readonly #library: NativeLibrary;
  readonly #memory: ValkkaMemory;
  readonly #measures: ValkkaMeasures;
  readonly #pusher: ValkkaPusher;
  readonly #counts = new BigUint64Array(8);
  #finish: (() => Promise<void>) | null = null;
  #closed = false;

  private constructor(name: string, library: NativeLibrary, memory: ValkkaMemory, measures: ValkkaMeasures) {
    this.name = name;
    this.#library = library;
    this.#memory = memory;
    this.#measures = measures;
    const { kind, width, height } = measures;
    this.shape = kind === "frames" ? { width, height, format: "RGB24" } : null;
    this.#pusher = new ValkkaPusher(library, memory.ring, kind, `ring "${name}"`);
  }

  /**
   * Makes the ring; what a dead writer of that name left is replaced.
   *
   * @throws {ShmError} `in-use` where a living writer has the name, or one of the cells' names; `full`; `permission`; `invalid`.
   * @throws {RangeError | TypeError} where the numbers are beyond reason, or the name is too long.
   * @throws {SetupError} where the C library is not built, or may not be called.
   */
  static async create(name: string, options: ValkkaWriterOptions): Promise<ValkkaWriter> {
    const measures = measuresOf(options);
    checkName(name);
    const library = loadLibrary(await libraryPath());
    const { symbols } = library;
    const { ring, sideBytes, totalBytes } = sideRing(measures);
    const mode = options.mode ?? 0o600;
    const action = `Cannot create ring "${name}"`;
    const page = (bytes: number) => Math.ceil(bytes / 4096) * 4096;
    const need = page(sideBytes) + measures.cells * (page(measures.cellBytes) + 4096);
    const fail = (result: number, owner = 0) => {
      const free = new BigUint64Array(1);
      symbols.mr_shm_room(free, new BigUint64Array(1));
      return shmError(action, result, { need, free: Number(free[0]), owner });
    };
    const side = symbols.mr_shm_create(sideBytes, mode);
    if (side < 0) throw fail(side);
    let published = false;
    try {
      const memory = new ValkkaMemory(library, side, totalBytes);
      createRing(memory, { ...ring, pid: Deno.pid });
      const ours = encodeMeasures(measures);
      memory.write(ours.offset, ours.bytes);
      // Its name comes before the cells', because it is the lock on all of them; until they are there, it is no ring.
      memory.store32(HEADER.state, STATE.building);
      const before = leftBehind(library, name);
      const result = symbols.mr_shm_publish(side, cString(sideName(name)));
      if (result < 0) throw fail(result, before.pid);
      published = true;
      const rival = livingRival(library, name, measures.cells);
      if (rival) {
        throw new ShmError("in-use", `${action}: ${rival}; choose another name, or end it`, { errno: ERRNO.EEXIST });
      }
      if (before.cells > measures.cells) symbols.mr_valkka_clear(cString(name), measures.cells, before.cells);
      const { kind, cells, cellBytes } = measures;
      const cellsMade = symbols.mr_valkka_create(side, cString(name), VALKKA_KIND[kind], cells, cellBytes, mode);
      if (cellsMade < 0) throw fail(cellsMade);
      memory.ring = cellsMade;
      symbols.mr_clean_on_signals();
      memory.store32(HEADER.state, STATE.open);
      memory.notify(HEADER.signal);
      return new ValkkaWriter(name, library, memory, measures);
    } catch (error) {
      if (published) symbols.mr_shm_unpublish(side, cString(sideName(name)));
      symbols.mr_close(side);
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** What the ring's numbers are: what libValkka's clients must be given, too. */
  get measures(): Readonly<ValkkaMeasures> {
    return this.#measures;
  }

  /** The segment beside the ring, whose signal word rises with each record. */
  get side(): ShmRingMemory {
    return this.#memory.side;
  }

  /** Records written so far, and how often libValkka's client was a whole ring behind. */
  stats(): { records: number; overflows: number } {
    if (!this.#closed) this.#library.symbols.mr_valkka_counts(this.#memory.ring, this.#counts);
    return { records: Number(this.#counts[0]), overflows: Number(this.#counts[1]) };
  }

  /**
   * Copies one frame into the ring; it stays the caller's. What libValkka's clients see as `mstimestamp` is the frame's wall time, or
   * where it has none when it was received; `slot` is its stream's number.
   *
   * @throws {TypeError} where it is of another size or format, or the ring is being written by a feed.
   */
  write(frame: Frame): void {
    this.#mine();
    this.#expect(frame);
    this.#pusher.writeFrame(frame, frame.planes);
  }

  /**
   * Copies bytes into the ring. In a ring of boxes each box at the top level becomes a record of its own, with its name; those of a fragment that
   * begins with a keyframe are marked, as `info.keyframe` says or else the `moof` itself.
   *
   * @throws {ShmError} `size` where they are larger than a cell.
   * @throws {TypeError} where the ring takes frames, the bytes are no boxes, or the ring is being written by a feed.
   */
  writeBytes(payload: Uint8Array, info: RecordInfo = {}): void {
    this.#mine();
    const { kind, cellBytes } = this.#measures;
    if (kind === "frames") throw new TypeError(`Cannot write bytes to ring "${this.name}": it takes frames`);
    if (kind === "bytes") return this.#pusher.writeBytes(payload, info);
    const boxes = topLevelBoxes(payload);
    // All or none: half a fragment is worse than one that is missing.
    const large = boxes.find(({ bytes }) => bytes.length > cellBytes);
    if (large) {
      const sizes = `box "${large.name}" has ${large.bytes.length} bytes, a cell takes ${cellBytes}`;
      throw new ShmError("size", `Cannot write ring "${this.name}": ${sizes}`);
    }
    for (const box of boxes) this.#pusher.writeBox(box, info);
  }

  /** For feeds, whose frames a worker writes. */
  get [EGRESS_TARGET](): EgressTarget {
    // deno-lint-ignore no-this-alias
    const writer = this;
    return {
      name: this.name,
      handle: this.#memory.ring,
      get closed() {
        return writer.#closed;
      },
      expectShape: (shape) => this.#expect(shape),
      lend: (finish) => {
        this.#mine();
        this.#finish = finish;
        return () => {
          this.#finish = null;
        };
      },
    };
  }

  /** Tells the readers, and takes all names away; resolves when nobody of this process writes any more. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#finish?.();
    const { symbols } = this.#library;
    const memory = this.#memory;
    symbols.mr_valkka_counts(memory.ring, this.#counts);
    memory.store32(HEADER.state, STATE.closed);
    memory.store32(HEADER.signal, memory.load32(HEADER.signal) + 1);
    memory.notify(HEADER.signal);
    symbols.mr_valkka_remove(memory.ring);
    symbols.mr_close(memory.ring);
    symbols.mr_close(memory.side.handle);
  }

  #mine(): void {
    if (this.#closed) throw new TypeError(`Cannot write ring "${this.name}": it was closed`);
    if (this.#finish) throw new TypeError(`Cannot write ring "${this.name}": a feed is writing it`);
  }

  #expect(frame: { width: number; height: number; format: PixelFormat }): void {
    const { shape } = this;
    if (shape && frame.width === shape.width && frame.height === shape.height && frame.format === shape.format) return;
    const is = `${frame.width}x${frame.height} ${frame.format}`;
    const wanted = shape ? `${shape.width}x${shape.height} ${shape.format}` : "bytes";
    throw new TypeError(`Cannot write ring "${this.name}": the frame is ${is}, the ring takes ${wanted}`);
  }
}

/** Whose ring lies there now: its process, and how many cells it has. */
function leftBehind(library: NativeLibrary, name: string): { pid: number; cells: number } {
  const handle = library.symbols.mr_shm_open(cString(sideName(name)), 0);
  if (handle < 0) return { pid: 0, cells: 0 };
  try {
    const bytes = new Uint8Array(HEADER.head);
    new ShmRingMemory(library, handle).read(0, bytes);
    const view = new DataView(bytes.buffer);
    const cells = view.getUint32(HEADER.slots, true);
    return { pid: view.getUint32(HEADER.pid, true), cells: cells <= 4096 ? cells : 0 };
  } catch {
    return { pid: 0, cells: 0 };
  } finally {
    library.symbols.mr_close(handle);
  }
}
