import type { OpenRtspOptions } from "../../ingest/mod.ts";
import type { TransportPolicy } from "../../rtsp/mod.ts";
import { print } from "../print.ts";
import { FramesElsewhere } from "./frames_elsewhere.ts";
import { Interruption } from "./interruption.ts";
import { LiveTable, screenOf } from "./live_table.ts";
import { freeRing, removeDeadRings } from "./rings.ts";
import { summaryLines, summaryOf, tableLines } from "./summary.ts";
import { VirtualCameras } from "./virtual_cameras.ts";
import { WatchedCamera } from "./watched_camera.ts";

/** What `millrace demo` was asked for. */
export interface DemoOptions {
  /** Real cameras, as `openSource` takes them; none: two virtual ones. */
  cameras: readonly string[];
  username?: string;
  password?: string;
  transport?: TransportPolicy;
  seconds?: number;
  json?: boolean;
}

/** What the virtual cameras are called, and how each sends where that was not chosen. */
const VIRTUAL = { entrance: "tcp", yard: "udp" } as const;
/** Rates are shown over this long, in milliseconds. */
const RATE_SPAN = 2_000;

/**
 * Runs the demo until it is interrupted, or its time is over; prints a summary.
 *
 * @throws what openSource() throws, of the first camera, where none can be opened.
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  const screen = screenOf(options.json ? Deno.stderr : Deno.stdout);
  using stop = new Interruption();
  await using stack = new AsyncDisposableStack();
  screen.write("Starting the cameras, a process that reads, and an analysis without permissions.\n");
  await removeDeadRings();
  const virtual = options.cameras.length > 0 ? null : stack.use(await VirtualCameras.start(Object.keys(VIRTUAL)));
  const cameras: WatchedCamera[] = [];
  for (const name of virtual?.names ?? options.cameras.map((_, i) => `camera ${i + 1}`)) {
    cameras.push(stack.use(new WatchedCamera(name, await freeRing())));
  }
  const reader = stack.use(await FramesElsewhere.start(cameras.map(({ ring }) => ring.name)));
  const failures: string[] = [];
  for (const ended of [reader.ended, virtual?.ended]) {
    void ended?.then((error) => error && failures.push(error.message));
  }

  const rates = cameras.map(rateOf);
  const end = screen.live ? [`Process ${reader.pid} reads the shared memory. Ctrl-C ends this.`] : [];
  using table = new LiveTable(screen, () => {
    const troubles = cameras.flatMap(({ failures, trouble }) => [...failures, ...(trouble ? [trouble] : [])]);
    return { table: tableLines(cameras, reader, rates.map((now) => now())), notes: [...troubles, ...failures, ...end] };
  });
  const urls = await virtual?.urls ?? options.cameras;
  const opening = new AbortController();
  const signal = AbortSignal.any([stop.signal, opening.signal]);
  const { username, password } = options;
  const open = async (i: number, retry?: OpenRtspOptions["retry"]) => {
    const transport = options.transport ?? (virtual ? Object.values(VIRTUAL)[i] : undefined);
    await cameras[i].open(urls[i], { ...(virtual ? {} : { username, password }), transport, signal, retry });
  };
  const opened = cameras.map((_, i) => open(i));
  let retried: Promise<void>[] = [];
  try {
    await firstOf(opened);
    // Who is not there yet may come: a camera that is still starting, say.
    retried = opened.map((camera, i) => camera.catch(() => open(i, "from-start")));
    table.draw();
  } catch (error) {
    if (!stop.signal.aborted) {
      table.erase();
      throw error;
    }
  }
  const began = performance.now();
  await stop.after(options.seconds);
  // Looked at before anything of it ends.
  const summary = summaryOf(cameras, reader, { seconds: (performance.now() - began) / 1000, failures });
  table.draw();
  table[Symbol.dispose]();
  opening.abort();
  await Promise.allSettled([...opened, ...retried]);
  await stack.disposeAsync();
  for (const line of summaryLines(summary)) screen.write(line + "\n");
  if (options.json) print(JSON.stringify(summary));
}

/** Resolves with the first that does; where none does, rejects with the reason of the first in order. */
async function firstOf(promises: readonly Promise<void>[]): Promise<void> {
  try {
    await Promise.any(promises);
  } catch {
    await promises[0];
  }
}

/** How fast a camera's frames come, a second, over the last while; 0 until it has caught up. */
function rateOf(camera: WatchedCamera): () => number {
  const seen: { at: number; frames: number }[] = [];
  return () => {
    if (camera.caughtUp === null) return 0;
    if (seen.length === 0) seen.push(camera.caughtUp);
    const now = { at: performance.now(), frames: camera.frames };
    seen.push(now);
    while (seen.length > 2 && seen[1].at < now.at - RATE_SPAN) seen.shift();
    const [first] = seen;
    return now.at > first.at ? (now.frames - first.frames) * 1000 / (now.at - first.at) : 0;
  };
}
