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
  const abort = () => void iterator.return?.();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    for (;;) {
      const result = await iterator.next();
      if (result.done) break;
      try {
        await sink.write(result.value);
      } finally {
        discard(result.value);
      }
    }
    signal?.throwIfAborted();
  } finally {
    signal?.removeEventListener("abort", abort);
    await iterator.return?.();
  }
}
