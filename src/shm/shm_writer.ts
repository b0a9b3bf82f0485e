import {
  EGRESS_TARGET,
  type EgressTarget,
  type Frame,
  packedBytes,
  type PixelFormat,
  type Sink,
} from "../media/mod.ts";
import {
  createRing,
  HEADER,
  readHeader,
  type RecordInfo,
  ringBytes,
  type RingOptions,
  RingWriter,
} from "../ring/mod.ts";
import { libraryPath, loadLibrary, type NativeLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { shmError } from "./shm_error.ts";
import { ShmRingMemory } from "./shm_memory.ts";
import { ValkkaWriter, type ValkkaWriterOptions } from "./valkka/mod.ts";

/** A ring of frames of one size and format. */
export interface FrameRingOptions {
  /** Frames that it holds: how far a reader may fall behind before it misses some. @default {10} */
  slots?: number;
  /** `"valkka"` takes other options. */
  protocol?: "millrace";
  width: number;
  height: number;
  format: PixelFormat;
  /** Permission bits of the memory, whatever the umask; readers need the read bit. @default {0o600} */
  mode?: number;
}

/** A ring of anything else, in cells of one size, or each payload as large as it is in one arena for all. */
export type ByteRingOptions =
  & {
    /** @default {10} */
    slots?: number;
    /** `"valkka"` takes other options. */
    protocol?: "millrace";
    /** @default {"bytes"} */
    kind?: "access-units" | "mp4" | "bytes";
    /** @default {0o600} */
    mode?: number;
  }
  & (
    | {
      /** Bytes of the largest payload, its blob included. */
      cellBytes: number;
    }
    | {
      /** Bytes of all payloads that the ring holds at a time. */
      arenaBytes: number;
    }
  );

/**
 * Writes frames into shared memory for any number of readers in other processes. It never waits for them: a reader that is
 * behind misses frames, and knows how many.
 *
 * Needs `--allow-ffi=<library>`.
 *
 * @example
 * ```ts ignore
 * await using ring = await ShmWriter.create("lesson_4", { width: 480, height: 270, format: "RGB24" });
 * await frames.branch().pipe(scale({ width: 480, height: 270, format: "RGB24" })).pipeTo(ring);
 * ```
 */
export class ShmWriter implements Sink<Frame>, AsyncDisposable {
  readonly name: string;
  readonly memory: ShmRingMemory;
  /** What every frame must be; null in a ring of bytes. */
  readonly shape: { width: number; height: number; format: PixelFormat } | null;
  readonly #library: NativeLibrary;
  #writer: RingWriter;
  #finish: (() => Promise<void>) | null = null;
  #closed = false;

  private constructor(
    name: string,
    library: NativeLibrary,
    memory: ShmRingMemory,
    writer: RingWriter,
    shape: ShmWriter["shape"],
  ) {
    this.name = name;
    this.memory = memory;
    this.shape = shape;
    this.#library = library;
    this.#writer = writer;
  }

  /**
   * Makes the ring; what a dead writer of that name left is replaced.
   *
   * @throws {ShmError} `in-use` where a living writer has the name, `full` where /dev/shm has no room for it, `invalid` where the
   * name is none.
   * @throws {SetupError} where the C library is not built, or may not be called.
   */
  static create(name: string, options: FrameRingOptions | ByteRingOptions): Promise<ShmWriter>;
  /** With `protocol: "valkka"` a ring in libValkka's layout, for its unmodified programs and for our own readers. */
  static create(name: string, options: ValkkaWriterOptions): Promise<ValkkaWriter>;
  static async create(
    name: string,
    options: FrameRingOptions | ByteRingOptions | ValkkaWriterOptions,
  ): Promise<ShmWriter | ValkkaWriter> {
    if ("protocol" in options && options.protocol === "valkka") return await ValkkaWriter.create(name, options);
    const library = loadLibrary(await libraryPath());
    const { symbols } = library;
    const action = `Cannot create ring "${name}"`;
    const ring = ringOptions(options);
    const need = ringBytes(ring);
    const handle = symbols.mr_shm_create(need, options.mode ?? 0o600);
    if (handle < 0) {
      const free = new BigUint64Array(1);
      symbols.mr_shm_room(free, new BigUint64Array(1));
      throw shmError(action, handle, { need, free: Number(free[0]) });
    }
    try {
      const memory = new ShmRingMemory(library, handle);
      const writer = createRing(memory, { ...ring, pid: Deno.pid });
      // The name last: nobody ever sees a ring that is not whole, and who dies before this leaves nothing.
      const published = symbols.mr_shm_publish(handle, cString(name));
      if (published < 0) throw shmError(action, published, { owner: ownerOf(library, name) });
      const shape = "width" in options
        ? { width: options.width, height: options.height, format: options.format }
        : null;
      return new ShmWriter(name, library, memory, writer, shape);
    } catch (error) {
      symbols.mr_close(handle);
      throw error;
    }
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Records written so far, by whoever wrote them. */
  get records(): number {
    return this.#closed ? this.#writer.head : this.memory.load64(HEADER.head);
  }

  /**
   * Copies one frame into the ring; it stays the caller's.
   *
   * @throws {TypeError} where it is of another size or format, or the ring is being written by a feed.
   */
  write(frame: Frame): void {
    this.#mine();
    this.#expect(frame);
    this.#writer.writeFrame(frame, frame.planes);
  }

  /**
   * Copies a payload of bytes into the ring, and behind it a blob that means something to the user.
   *
   * @throws {RangeError} where both are larger than a cell, or the arena.
   * @throws {TypeError} where the ring takes frames, or is being written by a feed.
   */
  writeBytes(payload: Uint8Array, info: RecordInfo = {}, blob?: Uint8Array): void {
    this.#mine();
    if (this.shape) throw new TypeError(`Cannot write bytes to ring "${this.name}": it takes frames`);
    this.#writer.write(info, payload, blob);
  }

  /** For feeds, whose frames a worker writes. */
  get [EGRESS_TARGET](): EgressTarget {
    // deno-lint-ignore no-this-alias
    const writer = this;
    return {
      name: this.name,
      handle: this.memory.handle,
      get closed() {
        return writer.#closed;
      },
      expectShape: (shape) => this.#expect(shape),
      lend: (finish) => {
        this.#mine();
        this.#finish = finish;
        return () => {
          this.#finish = null;
          if (!this.#closed) this.#takeBack();
        };
      },
    };
  }

  /** Tells the readers, and takes the name away; resolves when nobody of this process writes any more. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#finish) {
      await this.#finish();
      this.#takeBack();
    }
    this.#writer.close();
    this.#library.symbols.mr_shm_unpublish(this.memory.handle, cString(this.name));
    this.#library.symbols.mr_close(this.memory.handle);
  }

  /** Goes on where another thread stopped. */
  #takeBack(): void {
    this.#writer = RingWriter.adopt(this.memory);
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

/** The measures of the ring that is asked for. */
function ringOptions(options: FrameRingOptions | ByteRingOptions): RingOptions {
  const slots = options.slots ?? 10;
  if ("width" in options) {
    const { width, height, format } = options;
    return { kind: "frames", policy: "fixed", slots, cellBytes: packedBytes(format, width, height) };
  }
  const kind = options.kind ?? "bytes";
  if ("arenaBytes" in options) return { kind, policy: "variable", slots, arenaBytes: options.arenaBytes };
  return { kind, policy: "fixed", slots, cellBytes: options.cellBytes };
}

/** The process that has a name, 0 where that cannot be told. */
function ownerOf(library: NativeLibrary, name: string): number {
  const handle = library.symbols.mr_shm_open(cString(name), 0);
  if (handle < 0) return 0;
  try {
    return readHeader(new ShmRingMemory(library, handle)).pid;
  } catch {
    return 0;
  } finally {
    library.symbols.mr_close(handle);
  }
}
