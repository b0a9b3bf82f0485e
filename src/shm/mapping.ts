import type { NativeLibrary } from "../../ffi/load.ts";
import { ShmRingMemory } from "./shm_memory.ts";

/** A ring's memory, mapped for as long as anybody holds it. */
export class Mapping {
  readonly memory: ShmRingMemory;
  readonly #library: NativeLibrary;
  #holds = 1;

  /** Takes the handle over. @throws {ShmError} where it is none of shared memory. */
  constructor(library: NativeLibrary, handle: number) {
    this.#library = library;
    this.memory = new ShmRingMemory(library, handle);
  }

  /** One more hold. */
  hold(): this {
    this.#holds++;
    return this;
  }

  /** Ends one hold; with the last one nothing may touch the memory any more. */
  release(): void {
    if (--this.#holds === 0) this.#library.symbols.mr_close(this.memory.handle);
  }
}
