import {
  createRing,
  ringBytes,
  type RingMemory,
  type RingOptions,
  type RingWriter,
  SharedRingMemory,
} from "../../src/ring/mod.ts";
import { ShmRingMemory } from "../../src/shm/mod.ts";
import { loadLibrary } from "../../ffi/load.ts";
import { freshName, TEST_LIBRARY } from "../../ffi/testing.ts";

/** A ring under test: a writer, and the memory as a reader has it. */
export interface TestRing extends Disposable {
  writer: RingWriter;
  /** What readers read; not always the writer's own. */
  reading: RingMemory;
  /** The same, to damage. */
  raw: RingMemory;
}

/** A kind of memory that rings lie in. */
export interface Backing {
  name: string;
  make(options: RingOptions): TestRing;
}

const shared: Backing = {
  name: "SharedArrayBuffer",
  make(options) {
    const buffer = new SharedArrayBuffer(ringBytes(options));
    const raw = new SharedRingMemory(buffer);
    const writer = createRing(raw, options);
    return { writer, raw, reading: new SharedRingMemory(buffer), [Symbol.dispose]: () => {} };
  },
};

/** The same memory without the calls that do a whole record at once, so that the protocol's steps are TypeScript's own. */
class StepByStep extends ShmRingMemory {
  override readonly writeRecord = undefined!;
  override readonly readRecord = undefined!;
}

const posix = (Memory: typeof ShmRingMemory, how: string): Backing => ({
  name: `POSIX shared memory, mapped to read, ${how}`,
  make(options) {
    const library = loadLibrary(TEST_LIBRARY);
    const { symbols } = library;
    const must = (result: number) => {
      if (result < 0) throw new Error(`A call of the C library failed: ${result}`);
      return result;
    };
    const name = freshName();
    const owner = must(symbols.mr_shm_create(ringBytes(options), 0o600));
    const raw = new Memory(library, owner);
    const writer = createRing(raw, options);
    must(symbols.mr_shm_publish(owner, name));
    const opened = must(symbols.mr_shm_open(name, 0));
    must(symbols.mr_shm_unpublish(owner, name));
    return {
      writer,
      raw,
      reading: new Memory(library, opened),
      [Symbol.dispose]() {
        symbols.mr_close(opened);
        symbols.mr_close(owner);
      },
    };
  },
});

/** Every kind of memory that the protocol runs over. */
export const BACKINGS: readonly Backing[] = [
  shared,
  posix(StepByStep, "step by step"),
  posix(ShmRingMemory, "one call a record"),
];

/** A test over every backing. */
export function ringTest(name: string, run: (backing: Backing) => void | Promise<void>): void {
  for (const backing of BACKINGS) Deno.test(`${name} [${backing.name}]`, () => run(backing));
}
