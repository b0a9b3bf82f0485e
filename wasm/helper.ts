import type { BridgeExports } from "./exports.ts";

/** Words of the helper's in the instance's memory, as helper.c has them. */
const STATE = 0, END = 1, WRITTEN = 2, DONE = 3, STACK_END = 7, WORDS = 8;
const ABSENT = 0, READY = 1, BUSY = 2, STOPPED = 4;
const NOT_YET = 0, WHEN_FREE = 1, AT_ONCE = 2;

/**
 * The second thread of an instance whose pictures are large, as any thread sees it that has the memory. It is there for
 * one that runs it (`run()`), after the instance prepared it (`FfmpegInstance.prepareHelper()`).
 */
export class InstanceHelper {
  readonly #memory: WebAssembly.Memory;
  readonly #at: number;

  /** @param at What the instance gave when it prepared the helper. */
  constructor(memory: WebAssembly.Memory, at: number) {
    this.#memory = memory;
    this.#at = at;
  }

  /** Made anew each time: a memory that grew has another buffer. */
  get #words(): Int32Array {
    return new Int32Array(this.#memory.buffer, this.#at, WORDS);
  }

  /** Whether it is there. */
  get running(): boolean {
    const state = Atomics.load(this.#words, STATE);
    return state === READY || state === BUSY;
  }

  /** Bytes of commands that it has run so far, modulo 2^32. */
  get done(): number {
    return Atomics.load(this.#words, DONE) >>> 0;
  }

  /** Has it end: between two slices, or at once, where the instance is no more. */
  end(when: "free" | "now"): void {
    Atomics.store(this.#words, END, when === "free" ? WHEN_FREE : AT_ONCE);
    Atomics.notify(this.#words, WRITTEN);
  }

  /** Makes it possible to run it again, after it ended between two slices. */
  reset(): void {
    Atomics.store(this.#words, END, NOT_YET);
    Atomics.store(this.#words, STATE, ABSENT);
  }

  /**
   * Is the helper: blocks this thread until it is told to end.
   *
   * @param module What the instance was made of.
   * @throws {WebAssembly.RuntimeError} where it trapped; the instance then traps as well.
   */
  async run(module: WebAssembly.Module): Promise<void> {
    try {
      const imports = { env: { memory: this.#memory }, millrace: { log() {} } };
      // The memory was set up by the first instance, and its constructors have run.
      const { exports } = await WebAssembly.instantiate(module, imports);
      (exports.__stack_pointer as WebAssembly.Global).value = this.#words[STACK_END];
      (exports as unknown as BridgeExports).mr_helper_run();
    } catch (error) {
      Atomics.store(this.#words, STATE, STOPPED);
      Atomics.notify(this.#words, DONE);
      throw error;
    }
  }
}
