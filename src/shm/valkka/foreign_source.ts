import { now, packedPlanes, pixelFormatCode, ShmError } from "../../media/mod.ts";
import { type ReadMode, RecordMeta } from "../../ring/mod.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { NativeLibrary } from "../../../ffi/load.ts";
import { shmError } from "../shm_error.ts";
import { CellMeta } from "./cell_meta.ts";
import type { ValkkaMeasures } from "./layout.ts";
import type { SourceCounts, ValkkaSource } from "./source.ts";

/** A wait on another thread ends at the latest after so many milliseconds, so that closing never waits longer. */
const SLICE = 100;

/**
 * Reads a ring of a libValkka server, as its one client. There is nothing in it that says which record is whole: that is
 * concluded from the count of those not read, and from the metadata, which the server writes first.
 */
export class ForeignSource implements ValkkaSource {
  readonly side = false;
  readonly #library: NativeLibrary;
  readonly #handle: number;
  readonly #name: string;
  readonly #measures: ValkkaMeasures;
  readonly #cell: CellMeta;
  readonly #meta = new RecordMeta();
  readonly #counts = new BigUint64Array(8);
  #missed = 0;
  #gone = false;
  #again = false;

  /** @param handle of `mr_valkka_open`, which it takes over. */
  constructor(library: NativeLibrary, handle: number, name: string, measures: ValkkaMeasures) {
    this.#library = library;
    this.#handle = handle;
    this.#name = name;
    this.#measures = measures;
    this.#cell = new CellMeta(measures.kind);
  }

  get unfinished(): boolean {
    return this.#again;
  }

  get target() {
    return { handle: this.#handle, foreign: true };
  }

  signalWord(): number {
    return 0;
  }

  pending(): boolean {
    return this.#again || this.#library.symbols.mr_valkka_wait(this.#handle, 0) === 0;
  }

  counts(): SourceCounts {
    this.#library.symbols.mr_valkka_counts(this.#handle, this.#counts);
    const [, overflows, delivered, missed, torn, unproven] = [...this.#counts].map(Number);
    return { delivered, missed, torn, unproven, overflows };
  }

  /** @throws {ShmError} `size` where the server puts larger pictures into its ring than it has room for. */
  pull(mode: ReadMode, buffer: (bytes: number) => Uint8Array): RecordMeta | null {
    const { cellBytes } = this.#measures;
    const into = buffer(cellBytes);
    const latest = mode === "latest" ? 1 : 0;
    const result = this.#library.symbols.mr_valkka_pull(this.#handle, latest, this.#cell.bytes, into, into.length);
    this.#again = result === -ERRNO.EINTR;
    if (result >= 0) return this.#record(result);
    if (result === -ERRNO.EAGAIN || this.#again) return null;
    if (result !== -ERRNO.ESTALE) throw shmError(`Cannot read ring "${this.#name}"`, result);
    this.#gone = true;
    return null;
  }

  async wait(timeout: number): Promise<boolean> {
    for (let left = timeout; left > 0; left -= SLICE) {
      const slice = Math.ceil(Math.min(left, SLICE));
      const result = await this.#library.symbols.mr_valkka_wait_async(this.#handle, slice);
      if (result === 0) return true;
      if (result !== -ERRNO.ETIMEDOUT) throw shmError(`Cannot wait for ring "${this.#name}"`, result);
    }
    return false;
  }

  wake(): void {}

  async pause(): Promise<void> {
    await this.#library.symbols.mr_valkka_wait_async(this.#handle, 0);
  }

  state(): "alive" | "over" | "gone" {
    if (this.#library.symbols.mr_valkka_live(this.#handle) !== 1) this.#gone = true;
    return this.#gone ? "gone" : "alive";
  }

  close(): void {
    this.#library.symbols.mr_close(this.#handle);
  }

  #record(index: number): RecordMeta {
    const meta = this.#meta, cell = this.#cell;
    const { delivered, missed } = this.counts();
    meta.sequence = delivered + missed - 1;
    meta.missed = missed - this.#missed;
    this.#missed = missed;
    meta.offset = index;
    meta.bytes = cell.size;
    const { stamp } = cell;
    meta.pts = meta.dts = stamp * 1_000;
    meta.wallTime = stamp > 0 ? stamp : null;
    meta.receivedAt = meta.publishedAt = stamp > 0 ? stamp : now();
    meta.streamId = cell.slot;
    meta.keyframe = this.#measures.kind === "mp4" && cell.isFirst;
    if (this.#measures.kind === "frames") this.#picture(meta);
    return meta;
  }

  #picture(meta: RecordMeta): void {
    const { width, height } = this.#cell;
    const { cellBytes } = this.#measures;
    const room = `${this.#measures.width}x${this.#measures.height}`;
    const action = `Cannot read ring "${this.#name}"`;
    if (!(width >= 1 && height >= 1)) {
      throw new ShmError("invalid", `${action}: its server wrote a picture of ${width}x${height}`);
    }
    // libValkka cuts what is too large and leaves the measures as they were.
    if (width * height * 3 > cellBytes || meta.bytes < width * height * 3) {
      throw new ShmError(
        "size",
        `${action}: its server writes pictures of ${width}x${height}, and the ring is for ${room}`,
      );
    }
    meta.width = width;
    meta.height = height;
    meta.format = pixelFormatCode("RGB24");
    meta.planeCount = 1;
    meta.planes[0].offset = 0;
    meta.planes[0].stride = packedPlanes("RGB24", width, 1)[0].stride;
  }
}
