// Pure: no I/O.
import type { Sink } from "../media/mod.ts";

/**
 * Reads a sequence into a sink until it ends.
 *
 * @throws the feed's error, the sink's, or `signal.reason`.
 */
export async function drain<T>(
  source: AsyncIterable<T>,
  sink: Sink<T>,
  options: { signal?: AbortSignal; discard: (item: T) => void },
): Promise<void> {
  const { signal, discard } = options;
  signal?.throwIfAborted();
  const iterator = source[Symbol.asyncIterator]();
  let giveUp = (_reason: unknown) => {};
  const abort = () => giveUp(signal!.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    for (;;) {
      const next = iterator.next();
      // A promise for each item: one for all would keep what waited on it for every item there ever was.
      const result = await new Promise<IteratorResult<T>>((resolve, reject) => {
        giveUp = (reason) => {
          reject(reason);
          // A source that waits does not come back for an abort: what it gives then is for nobody.
          next.then((late) => late.done || discard(late.value), () => {});
        };
        next.then(resolve, reject);
      });
      giveUp = () => {};
      if (result.done) break;
      try {
        await sink.write(result.value);
      } finally {
        discard(result.value);
      }
      signal?.throwIfAborted();
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    const ended = iterator.return?.();
    if (signal?.aborted) ended?.catch(() => {});
    else await ended;
  }
}
