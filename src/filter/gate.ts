// Pure: no I/O.
import { type Filter, Frame } from "../media/mod.ts";

/** A filter that can be shut and opened while it runs. */
export interface Gate<T> extends Filter<T, T> {
  /** Whether items pass. */
  open: boolean;
  /** Items that came while it was shut. */
  readonly held: number;
}

/** Words of a gate's state. */
const SHUT = 0, HELD = 1;

/** What a gate is in shared memory, so that it can be shut for another thread: two words, i32: shut, held. */
export class GateState {
  readonly buffer: SharedArrayBuffer;
  readonly #words: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8)) {
    this.buffer = buffer;
    this.#words = new Int32Array(buffer);
  }

  get open(): boolean {
    return Atomics.load(this.#words, SHUT) === 0;
  }

  set open(open: boolean) {
    Atomics.store(this.#words, SHUT, open ? 0 : 1);
  }

  get held(): number {
    return Atomics.load(this.#words, HELD) >>> 0;
  }

  /** Counts items that came while it was shut. */
  hold(count = 1): void {
    Atomics.add(this.#words, HELD, count);
  }
}

/**
 * Passes items while it is open, and drops them while it is shut. Behind `decode()` on a camera's feed it stands beside
 * the decoder: while it is shut, nothing is decoded for what is behind it.
 *
 * @param options.open Whether it is open at first. @default {true}
 *
 * @example
 * ```ts
 * import { gate } from "../../mod.ts";
 *
 * const door = gate<number>({ open: false });
 * async function* source() { yield 1; door.open = true; yield 2; }
 * for await (const item of door(source())) console.assert(item === 2 && door.held === 1);
 * ```
 */
export function gate<T>(options: { open?: boolean } = {}): Gate<T> {
  const state = new GateState();
  state.open = options.open ?? true;
  const pass = async function* (source: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of source) {
      if (state.open) {
        yield item;
        continue;
      }
      state.hold();
      if (item instanceof Frame) item[Symbol.dispose]();
    }
  };
  const step = { kind: "gate", state: state.buffer } as const;
  const door = Object.assign(pass, { open: true, held: 0, step });
  Object.defineProperties(door, {
    open: { get: () => state.open, set: (open: boolean) => state.open = open },
    held: { get: () => state.held },
  });
  return door;
}
