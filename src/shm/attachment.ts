import { HEADER, type RecordMeta, RingReader } from "../ring/mod.ts";
import type { NativeLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { Mapping } from "./mapping.ts";
import type { RecordPlace } from "./records.ts";
import type { ShmRingMemory } from "./shm_memory.ts";

/** What a reader reads: the ring that has a name now, or the one that had it before and is not read to its end. */
export class Attachment {
  readonly name: string;
  readonly library: NativeLibrary;
  /** Writers so far. */
  writers = 1;
  #mapping: Mapping;
  #reader: RingReader;
  /** Records missed in the rings before this one. */
  #missed = 0;

  /** @throws {ShmError} `version` or `invalid` where the memory holds no ring that this library reads; then the handle is closed. */
  constructor(library: NativeLibrary, name: string, handle: number) {
    this.library = library;
    this.name = name;
    this.#mapping = new Mapping(library, handle);
    try {
      this.#reader = new RingReader(this.memory, { start: "latest", what: `ring "${name}"` });
    } catch (error) {
      this.#mapping.release();
      throw error;
    }
  }

  get reader(): RingReader {
    return this.#reader;
  }

  get memory(): ShmRingMemory {
    return this.#mapping.memory;
  }

  /** Whether the writer of this memory lives, or lives on in another. */
  get alive(): boolean {
    return this.library.symbols.mr_shm_owner(this.memory.handle) === 1;
  }

  /** Whether it is known to have died. */
  get died(): boolean {
    return this.library.symbols.mr_shm_owner(this.memory.handle) === 0 && !this.#reader.moved;
  }

  /** Records missed, in all rings. */
  get missed(): number {
    return this.#missed + this.#reader.missed;
  }

  /** A record's place among all those of its writer, who may have made the ring anew; and its generation among those of all writers. */
  placeOf(meta: RecordMeta): RecordPlace {
    return { sequence: this.#reader.header.before + meta.sequence, generation: meta.generation + this.writers - 1 };
  }

  /** What keeps the present memory mapped until it is released. */
  hold(): Mapping {
    return this.#mapping.hold();
  }

  /**
   * Goes on with the ring that has the name now: the one that the writer moved to, of which nothing was read yet, or another
   * writer's. False where there is none.
   */
  reopen(): boolean {
    const { symbols } = this.library;
    const { moved } = this.#reader;
    const handle = symbols.mr_shm_open(cString(this.name), 0);
    if (handle < 0) return false;
    const mapping = new Mapping(this.library, handle);
    try {
      const living = symbols.mr_shm_owner(handle) === 1;
      const what = `ring "${this.name}"`;
      const missed = moved ? recordsBetween(this.#reader, mapping.memory.load64(HEADER.before)) : 0;
      const reader = new RingReader(mapping.memory, { start: moved ? "first" : "oldest", missed, what });
      if (reader.header.instance !== this.#reader.header.instance && (moved || living)) {
        if (!moved) this.writers++;
        this.#missed += this.#reader.missed;
        this.#mapping.release();
        this.#mapping = mapping;
        this.#reader = reader;
        return true;
      }
    } catch {
      // Something else took the name meanwhile; perhaps not for long.
    }
    mapping.release();
    return false;
  }

  release(): void {
    this.#mapping.release();
  }
}

/** Records of rings between this one, which was read to its end, and the one that has so many before it. */
function recordsBetween({ header, head }: RingReader, before: number): number {
  const between = before - header.before - head;
  return Number.isSafeInteger(between) ? Math.max(0, between) : 0;
}
