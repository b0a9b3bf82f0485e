import type { FrameTable } from "./frame_table.ts";

/** One wasm instance of a decode worker, as other threads see it. */
export interface DecodeInstance {
  memory: WebAssembly.Memory;
  table: FrameTable;
}

/** The instances that a decode worker has had: one, and one more for each that trapped. */
export class InstanceBook {
  readonly #instances = new Map<number, DecodeInstance>();
  readonly #waiting: (() => void)[] = [];

  add(epoch: number, instance: DecodeInstance): void {
    this.#instances.set(epoch, instance);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  get(epoch: number): DecodeInstance | undefined {
    return this.#instances.get(epoch);
  }

  entries(): Iterable<[number, DecodeInstance]> {
    return this.#instances.entries();
  }

  /** Waits for the message that tells of an instance whose first frame may have overtaken it. */
  async wait(epoch: number): Promise<DecodeInstance> {
    for (;;) {
      const instance = this.#instances.get(epoch);
      if (instance) return instance;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}
