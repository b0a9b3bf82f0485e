// Pure: no I/O.
import { type Filter, Frame } from "../media/mod.ts";

/** A filter that can be shut and opened while it runs. */
export interface Gate<T> extends Filter<T, T> {
  /** Whether items pass. */
  open: boolean;
  /** Items that came while it was shut. */
  readonly held: number;
}

/**
 * Passes items while it is open, and drops them while it is shut.
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
  let held = 0;
  const pass = async function* (source: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of source) {
      if (door.open) {
        yield item;
        continue;
      }
      held++;
      if (item instanceof Frame) item[Symbol.dispose]();
    }
  };
  const door = Object.assign(pass, { open: options.open ?? true, held: 0 });
  Object.defineProperty(door, "held", { get: () => held });
  return door;
}
