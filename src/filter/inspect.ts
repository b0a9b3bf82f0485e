// Pure: no I/O.
import { type Filter, Frame } from "../media/mod.ts";

/**
 * Shows every item to a function and passes it on unchanged. A frame is only lent to the function.
 *
 * @example
 * ```ts
 * import { inspect } from "../../mod.ts";
 *
 * const log = inspect((frame: { pts: number }) => console.log(frame.pts));
 * async function* source() { yield { pts: 40_000 }; }
 * for await (const frame of log(source())) console.assert(frame.pts === 40_000);
 * ```
 */
export function inspect<T>(look: (item: T) => void): Filter<T, T> {
  return async function* (source: AsyncIterable<T>): AsyncGenerator<T> {
    for await (const item of source) {
      try {
        look(item);
      } catch (error) {
        if (item instanceof Frame) item[Symbol.dispose]();
        throw error;
      }
      yield item;
    }
  };
}
