import { openRtsp } from "../mod.ts";
import { makeClip, VirtualCamera } from "../src/camera/mod.ts";
import { cacheFolder } from "../src/cli/cache_folder.ts";
import { readVideoFile } from "../src/file/mod.ts";
import { reaches } from "../tests/support/observe.ts";
import { freePort } from "../tests/support/ports.ts";
import { processSeconds } from "./process_seconds.ts";
import { median, type Results } from "./results.ts";

const CAMERAS = 50;
/** Until the delays between attempts are at their bound, in seconds. */
const SETTLING = 15;
/** Cameras that come back. */
const RETURNING = 5;

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
  await timeToReturn(results, options.quick ? 4 : 20);
}

/** How long after its port was opened a camera is live again that was away, for long enough that it is looked for as seldom as ever. */
async function timeToReturn(results: Results, away: number): Promise<void> {
  const file = await readVideoFile(await makeClip({ cacheDir: cacheFolder() }));
  const times = await Promise.all(Array.from({ length: RETURNING }, async (_, i) => {
    await using server = await VirtualCamera.start({ files: { street: file } });
    await using camera = await openRtsp(server.url("street"));
    const offline = reaches(camera, "offline");
    // Each at another moment between two attempts.
    await server.reboot((away + i / RETURNING * 2) * 1000);
    const opened = performance.now();
    await offline;
    await reaches(camera, "live");
    return performance.now() - opened;
  }));
  results.add({ name: "dead.return.p50", value: median(times) / 1000, unit: "s" });
  results.add({ name: "dead.return.worst", value: Math.max(...times) / 1000, unit: "s" });
}
