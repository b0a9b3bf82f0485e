import type { EgressTarget } from "../media/mod.ts";
import { libraryPath } from "../../ffi/load.ts";
import { Egress } from "../decode/egress.ts";
import type { PlannedFeed } from "./planned_feed.ts";
import { loadWorkers } from "../../workers/spawn.ts";

/**
 * Has the egress worker copy a feed's frames into shared memory; they never pass through this thread. It is over when the feed is,
 * and when either of both is disposed of.
 *
 * @throws {TypeError} where the ring was made for another size or format, or either was disposed of before.
 * @throws the feed's error, or `signal.reason`.
 */
export async function writeToShm(
  feed: PlannedFeed,
  target: EgressTarget,
  options: { signal?: AbortSignal },
): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  const { shape } = feed;
  if (shape) target.expectShape(shape);
  if (target.closed) throw new TypeError(`Cannot write ring "${target.name}": it was closed`);
  if (feed.decoding.closed) throw new TypeError("Cannot read a feed that was disposed of");
  const tornDown = () => target.closed || feed.decoding.closed;
  const path = await libraryPath();
  await loadWorkers();
  const egress = Egress.enter(path);
  try {
    const opened = await feed.open(egress.bell.buffer).catch((error) => tornDown() ? null : Promise.reject(error));
    if (!opened) return;
    const { decoder, reader, close } = opened;
    if (tornDown()) return await close();
    const job = egress.add(decoder.worker, reader.queue, target);
    const stopped = Promise.withResolvers<void>();
    const stop = () => stopped.resolve();
    const finish = async () => {
      stop();
      await job.drop();
      await close();
    };
    const giveBack = target.lend(finish);
    signal?.addEventListener("abort", stop, { once: true });
    try {
      if (signal?.aborted) stop();
      const error = await Promise.race([job.over, stopped.promise]);
      if (error) throw error;
      signal?.throwIfAborted();
      if (tornDown()) return;
      const ended = await decoder.ended;
      if (ended) throw ended;
    } finally {
      signal?.removeEventListener("abort", stop);
      await finish();
      giveBack();
    }
  } finally {
    egress.leave();
  }
}
