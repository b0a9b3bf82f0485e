import {
  type AccessUnit,
  EGRESS_TARGET,
  type EgressTarget,
  type Frame,
  type RingPlan,
  type Sink,
} from "../media/mod.ts";
import { HEADER, type RecordInfo, RingWriter } from "../ring/mod.ts";
import { libraryPath, loadLibrary, type NativeLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { makeRing } from "./make_ring.ts";
import { PlannedWriter } from "./planned_writer.ts";
import { ShmRingMemory } from "./shm_memory.ts";
import { ValkkaWriter, type ValkkaWriterOptions } from "./valkka/mod.ts";
import { type AnyRingOptions, layoutOf, planOf } from "./writer_options.ts";

/** What goes beside a frame. */
export interface WriteFrameOptions {
  /** Bytes that mean something to the readers' programs; null for none. @default {the frame's own} */
  blob?: Uint8Array | null;
}

/** What goes beside an access unit. */
export interface WriteUnitOptions {
  /** The picture's size, where it is known. */
  width?: number;
  height?: number;
  /** The number that the program gave its source. @default {0} */
  streamId?: number;
  /** Bytes that mean something to the readers' programs. */
  blob?: Uint8Array;
}

/**
 * Writes frames, access units or bytes into shared memory for any number of readers in other processes. It never waits for
 * them: a reader that is behind misses some, and knows how many.
 *
 * Needs `--allow-ffi=<library>`.
 *
 * @example
 * ```ts ignore
 * await using ring = await ShmWriter.create("lesson_4", { width: 480, height: 270, format: "RGB24" });
 * await frames.branch().pipe(scale({ width: 480, height: 270, format: "RGB24" })).pipeTo(ring);
 * ```
 *
 * @example A camera that may change its size, and its stream as it comes
 * ```ts ignore
 * await using pictures = await ShmWriter.create("cam", { maxBytes: packedBytes("I420", 1280, 720), larger: "remake" });
 * await using stream = await ShmWriter.create("cam.h264", { kind: "access-units" });
 * await Promise.all([frames.branch().pipeTo(pictures), camera.video.branch().pipeTo(stream)]);
 * ```
 */
export class ShmWriter implements Sink<Frame>, Sink<AccessUnit>, AsyncDisposable {
  readonly name: string;
  readonly #library: NativeLibrary;
  readonly #plan: RingPlan;
  #memory: ShmRingMemory;
  #writer: PlannedWriter;
  #lastUnit = Infinity;
  #finish: (() => Promise<void>) | null = null;
  #closed = false;

  private constructor(library: NativeLibrary, plan: RingPlan, memory: ShmRingMemory, ring: RingWriter) {
    this.name = plan.name;
    this.#library = library;
    this.#plan = plan;
    this.#memory = memory;
    this.#writer = this.#writerOf(ring);
  }

  /**
   * Makes the ring; what a dead writer of that name left is replaced.
   *
   * @throws {ShmError} `in-use` where a living writer has the name, `full` where /dev/shm has no room for it, `permission` where
   * it may not be given to that owner or group, `invalid` where the name is none.
   * @throws {SetupError} where the C library is not built, or may not be called.
   */
  static create(name: string, options: AnyRingOptions): Promise<ShmWriter>;
  /** With `protocol: "valkka"` a ring in libValkka's layout, for its unmodified programs and for our own readers. */
  static create(name: string, options: ValkkaWriterOptions): Promise<ValkkaWriter>;
  static async create(
    name: string,
    options: AnyRingOptions | ValkkaWriterOptions,
  ): Promise<ShmWriter | ValkkaWriter> {
    if (options.protocol === "valkka") return await ValkkaWriter.create(name, options);
    const plan = planOf(name, options);
    const library = loadLibrary(await libraryPath());
    const { memory, writer } = makeRing(library, plan, layoutOf(options), Deno.pid);
    return new ShmWriter(library, plan, memory, writer);
  }

  /** The ring's memory; another one once the ring was made anew. */
  get memory(): ShmRingMemory {
    return this.#memory;
  }

  /** What every frame must be; null where each may be another, and in a ring of anything else. */
  get shape(): RingPlan["shape"] {
    return this.#plan.shape;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Records written so far, by whoever wrote them. */
  get records(): number {
    if (this.#closed) return this.#writer.ring.header.before + this.#writer.ring.head;
    return this.#memory.load64(HEADER.before) + this.#memory.load64(HEADER.head);
  }

  /**
   * Copies one frame into the ring; it stays the caller's. Another size or format is another `generation` for the readers.
   *
   * @throws {TypeError} where it is of another size or format than the ring takes, or the ring is being written by a feed.
   * @throws {RangeError} where the blob has no room.
   * @throws {ShmError} `full` where the ring would have to be made anew, and /dev/shm has no room for that.
   */
  write(frame: Frame, options?: WriteFrameOptions): void;
  /** As `writeUnit()`: a feed of access units may end in a ring of such. */
  write(unit: AccessUnit, options?: WriteUnitOptions): void;
  write(item: Frame | AccessUnit, options: WriteFrameOptions | WriteUnitOptions = {}): void {
    if ("data" in item) return this.writeUnit(item, options as WriteUnitOptions);
    this.#mine();
    this.#writer.writeFrame(item, item.planes, options.blob);
  }

  /**
   * Copies one access unit into the ring. A gap in the `sequence` of its source is told to the readers, who go on at the next
   * keyframe.
   *
   * @throws {RangeError} where it is larger than the ring's room.
   * @throws {TypeError} where the ring takes something else, or is being written by a feed.
   */
  writeUnit(unit: AccessUnit, options: WriteUnitOptions = {}): void {
    this.#mine();
    this.#expect("access-units", "an access unit");
    const discontinuity = unit.sequence > this.#lastUnit + 1;
    this.#writer.writeUnit(unit, { ...options, discontinuity });
    this.#lastUnit = unit.sequence;
  }

  /**
   * Copies a payload of bytes into the ring, such as a fragment of an MP4 file, and behind it a blob that means something to the
   * user.
   *
   * @param info `keyframe` where a reader may begin here.
   * @throws {RangeError} where both are larger than the ring's room.
   * @throws {TypeError} where the ring takes frames, or is being written by a feed.
   */
  writeBytes(payload: Uint8Array, info: RecordInfo = {}, blob?: Uint8Array): void {
    this.#mine();
    if (this.#kind === "frames") throw new TypeError(`Cannot write bytes to ring "${this.name}": it takes frames`);
    this.#writer.writeBytes(payload, info, blob ?? null);
  }

  /** For feeds, whose frames a worker writes. */
  get [EGRESS_TARGET](): EgressTarget {
    // deno-lint-ignore no-this-alias
    const writer = this;
    return {
      name: this.name,
      plan: this.#plan,
      get handle() {
        return writer.#memory.handle;
      },
      get closed() {
        return writer.#closed;
      },
      expectShape: (shape) => this.#writer.expectShape(shape),
      lend: (finish) => {
        this.#mine();
        this.#finish = finish;
        return () => {
          this.#finish = null;
          if (!this.#closed) this.#takeBack();
        };
      },
      remade: (handle) => this.#useInstead(new ShmRingMemory(this.#library, handle)),
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
    this.#writer.ring.close();
    this.#library.symbols.mr_shm_unpublish(this.#memory.handle, cString(this.name));
    this.#library.symbols.mr_close(this.#memory.handle);
  }

  #writerOf(ring: RingWriter): PlannedWriter {
    return new PlannedWriter(this.#library, this.#plan, this.#memory, (memory) => this.#useInstead(memory), ring);
  }

  /** Goes on where another thread stopped. */
  #takeBack(): void {
    this.#writer = this.#writerOf(RingWriter.adopt(this.#memory));
  }

  #useInstead(memory: ShmRingMemory): void {
    this.#library.symbols.mr_close(this.#memory.handle);
    this.#memory = memory;
  }

  get #kind() {
    return this.#writer.ring.header.kind;
  }

  #mine(): void {
    if (this.#closed) throw new TypeError(`Cannot write ring "${this.name}": it was closed`);
    if (this.#finish) throw new TypeError(`Cannot write ring "${this.name}": a feed is writing it`);
  }

  #expect(kind: string, what: string): void {
    if (this.#kind === kind) return;
    throw new TypeError(`Cannot write ${what} to ring "${this.name}": it takes ${this.#kind}`);
  }
}
