import { HEADER, readHeader, type ReadMode, type RecordMeta, RingReader, STATE } from "../../ring/mod.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { NativeLibrary } from "../../../ffi/load.ts";
import { cString } from "../../../ffi/symbols.ts";
import { shmError } from "../shm_error.ts";
import { ShmRingMemory } from "../shm_memory.ts";
import { decodeMeasures, fits, sideName, sideRing, VALKKA_KIND, type ValkkaMeasures } from "./layout.ts";
import type { SourceCounts, ValkkaSource } from "./source.ts";
import { ValkkaMemory } from "./valkka_memory.ts";

/** What is known of our segment beside a ring. */
export interface Side {
  /** The C library's handle of it. */
  handle: number;
  measures: ValkkaMeasures;
  pid: number;
}

/** Our segment beside a ring, if its writer lives or closed it; null where there is none, or not yet. */
export function openSide(library: NativeLibrary, name: string): Side | null {
  const { symbols } = library;
  const handle = symbols.mr_shm_open(cString(sideName(name)), 0);
  if (handle < 0) {
    if (handle === -ERRNO.ENOENT) return null;
    throw shmError(`Cannot open ring "${name}"`, handle);
  }
  let kept = false;
  try {
    const memory = new ShmRingMemory(library, handle);
    if (symbols.mr_shm_owner(handle) !== 1 || memory.byteLength < HEADER.head + 32) return null;
    if (memory.load32(HEADER.state) === STATE.building) return null;
    const bytes = new Uint8Array(HEADER.head);
    memory.read(0, bytes);
    const slots = memory.load32(HEADER.slots);
    const kind = memory.load32(HEADER.kind) === 1 ? "frames" : memory.load32(HEADER.kind) === 3 ? "mp4" : "bytes";
    const measures = decodeMeasures(bytes, slots, kind);
    if (!measures) return null;
    kept = true;
    return { handle, measures, pid: memory.load32(HEADER.pid) };
  } finally {
    if (!kept) symbols.mr_close(handle);
  }
}

/** Follows a ring of ours by the sequence numbers in our segment; the semaphores are left to libValkka's client. */
export class SideSource implements ValkkaSource {
  readonly side = true;
  readonly memory: ValkkaMemory;
  readonly reader: RingReader;
  readonly #library: NativeLibrary;

  private constructor(library: NativeLibrary, memory: ValkkaMemory, reader: RingReader) {
    this.#library = library;
    this.memory = memory;
    this.reader = reader;
  }

  /**
   * Takes the segment over, or closes it.
   *
   * @returns null where the cells are not what the segment says: somebody is at work on them.
   */
  static attach(library: NativeLibrary, name: string, side: Side, start: "latest" | "oldest"): SideSource | null {
    const { symbols } = library;
    const { kind, cells, cellBytes } = side.measures;
    const memory = new ValkkaMemory(library, side.handle, sideRing(side.measures).totalBytes);
    try {
      if (fits(readHeader(memory, `ring "${name}"`), side.measures)) {
        const found = new BigUint64Array(3);
        memory.ring = symbols.mr_valkka_open(cString(name), VALKKA_KIND[kind], cells, cellBytes, 0, found);
        if (memory.ring > 0) {
          return new SideSource(library, memory, new RingReader(memory, { start, what: `ring "${name}"` }));
        }
        if (memory.ring !== -ERRNO.ENOENT && memory.ring !== -ERRNO.EMSGSIZE) {
          throw shmError(`Cannot open ring "${name}"`, memory.ring);
        }
      }
    } catch (error) {
      symbols.mr_close(side.handle);
      throw error;
    }
    symbols.mr_close(side.handle);
    return null;
  }

  get unfinished(): boolean {
    // What a writer published that died before it could say so is there all the same.
    return this.reader.unfinished || this.reader.behind > 0;
  }

  get target() {
    return { handle: this.memory.side.handle, foreign: false };
  }

  signalWord(): number {
    return this.memory.load32(HEADER.signal);
  }

  pending(): boolean {
    return this.reader.unfinished || this.reader.behind > 0;
  }

  counts(): SourceCounts {
    const { delivered, missed, overtaken } = this.reader.stats();
    return { delivered, missed, torn: overtaken, unproven: 0, overflows: 0 };
  }

  pull(mode: ReadMode, buffer: (bytes: number) => Uint8Array): RecordMeta | null {
    return this.reader.next(mode, buffer);
  }

  wait(timeout: number): Promise<boolean> {
    return this.reader.waitAsync(timeout);
  }

  wake(): void {
    this.memory.notify(HEADER.signal);
  }

  pause(): Promise<void> {
    return this.memory.pause();
  }

  state(): "alive" | "over" | "gone" {
    // Asked before looking whether all was read: what came before the end is delivered first.
    const closed = this.reader.closed, alive = this.#library.symbols.mr_shm_owner(this.memory.side.handle) === 1;
    if (this.reader.behind > 0) return "alive";
    return closed ? "over" : alive ? "alive" : "gone";
  }

  close(): void {
    this.#library.symbols.mr_close(this.memory.ring);
    this.#library.symbols.mr_close(this.memory.side.handle);
  }
}
