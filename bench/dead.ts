import { openRtsp } from "../mod.ts";
import { freePort } from "../tests/support/ports.ts";
import { processSeconds } from "./process_seconds.ts";
import type { Results } from "./results.ts";

const CAMERAS = 50;
/** Until the delays between attempts are at their bound, in seconds. */
const SETTLING = 15;

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/**
 * What fifty cameras cost that are away, and are looked for all the time: half of them have nothing that listens, the others
 * a port that takes connections and never says a word.
 */
export async function deadBench(results: Results, options: { seconds?: number; quick: boolean }): Promise<void> {
  const seconds = options.seconds ?? (options.quick ? 10 : 60);
  // Connections that nobody takes stand all the same: the system shakes hands by itself.
  using mute = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const mutePort = (mute.addr as Deno.NetAddr).port, closedPort = freePort();
  const ending = new AbortController();
  const opening = Array.from(
    { length: CAMERAS },
    (_, i) =>
      openRtsp(`rtsp://127.0.0.1:${i % 2 ? mutePort : closedPort}/camera-${i}`, {
        retry: "from-start",
        signal: ending.signal,
      }),
  );
  const ended = Promise.allSettled(opening);
  await sleep(options.quick ? 3 : SETTLING);
  const before = { process: processSeconds(Deno.pid), rss: Deno.memoryUsage().rss };
  await sleep(seconds);
  const rss = Deno.memoryUsage().rss;
  results.add({
    name: `dead.${CAMERAS}-cameras.cpu`,
    value: (processSeconds(Deno.pid) - before.process) / seconds * 100,
    unit: "% of a core",
  });
  results.add({ name: `dead.${CAMERAS}-cameras.rss`, value: rss / 2 ** 20, unit: "MiB" });
  results.add({ name: `dead.${CAMERAS}-cameras.rss-growth`, value: (rss - before.rss) / 2 ** 20, unit: "MiB" });
  ending.abort();
  await ended;
}
