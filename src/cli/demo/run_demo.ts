import { makeClip } from "../../camera/mod.ts";
import type { TransportPolicy } from "../../rtsp/mod.ts";
import { cacheFolder } from "../cache_folder.ts";
import { Companion } from "./companion.ts";
import { FramesElsewhere } from "./frames_elsewhere.ts";
import { LiveTable, screenOf } from "./live_table.ts";
import { summaryLines, summaryOf, tableLines } from "./summary.ts";
import { WatchedCamera } from "./watched_camera.ts";

/** What `millrace demo` was asked for. */
export interface DemoOptions {
  /** Addresses of real cameras; none: two virtual ones. */
  cameras: readonly string[];
  username?: string;
  password?: string;
  transport?: TransportPolicy;
  seconds?: number;
  json?: boolean;
}

interface OpenOptions {
  username?: string;
  password?: string;
  transport?: TransportPolicy;
}

const CAMERA_PROCESS = new URL("./camera_process.ts", import.meta.url);
/** Rates are shown over this long, in milliseconds. */
const RATE_SPAN = 2_000;

/** Runs the demo until it is interrupted, or its time is over; prints a summary. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const screen = screenOf(options.json ? Deno.stderr : Deno.stdout);
  const stop = interruption();
  try {
    await using stack = new AsyncDisposableStack();
    screen.write("Starting the cameras, a process that reads, and an analysis without permissions.\n");
    const sources = options.cameras.length > 0
      ? options.cameras.map((url, i) => ({ name: `camera ${i + 1}`, url, options }))
      : await virtualCameras(stack, options);
    const cameras = await openAll(sources, stop, stack);
    const reader = stack.use(await FramesElsewhere.start(cameras.map(({ ring }) => ring.name)));
    const failures: string[] = [];
    void reader.ended.then((error) => error && failures.push(error.message));

    const began = performance.now();
    const rates = cameras.map((camera) => rate(() => camera.frames));
    const lines = () => {
      const broken = [...new Set([...cameras.flatMap((camera) => camera.failures), ...failures])];
      const end = `Process ${reader.pid} reads the shared memory. Ctrl-C ends this.`;
      return [...tableLines(cameras, reader, rates.map((now) => now())), ...broken, ...(screen.live ? [end] : [])];
    };
    {
      using table = new LiveTable(screen, lines);
      await stop.after(options.seconds);
      table.draw();
    }
    // Looked at before anything of it ends.
    const summary = summaryOf(cameras, reader, { seconds: (performance.now() - began) / 1000, failures });
    await stack.disposeAsync();
    for (const line of summaryLines(summary)) screen.write(line + "\n");
    if (options.json) console.log(JSON.stringify(summary));
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
    screen.write("Interrupted before everything was there.\n");
  } finally {
    stop.forget();
  }
}

/** Two cameras of the virtual kind in a process of their own, which may listen and read the clip. */
async function virtualCameras(stack: AsyncDisposableStack, given: OpenOptions) {
  const clip = await makeClip({ cacheDir: cacheFolder() });
  const started = Promise.withResolvers<string[]>();
  const names = ["entrance", "yard"];
  const process = stack.use(
    new Companion<{ urls: string[] }>(CAMERA_PROCESS, {
      name: "camera",
      permissions: ["--allow-net=127.0.0.1", `--allow-read=${clip}`],
      args: [clip, ...names],
      onSaid: ({ urls }) => started.resolve(urls),
    }),
  );
  void process.ended.then((error) => started.reject(error ?? new Error("The camera process was ended")));
  started.promise.catch(() => {}); // also reported below
  const urls = await started.promise;
  const transports = ["tcp", "udp"] as const;
  return names.map((name, i) => ({
    name,
    url: urls[i],
    options: { transport: given.transport ?? transports[i] } as OpenOptions,
  }));
}

/** Opens all cameras at once; where one cannot be opened, the others are closed again. */
async function openAll(
  sources: { name: string; url: string; options: OpenOptions }[],
  stop: { signal: AbortSignal },
  stack: AsyncDisposableStack,
): Promise<WatchedCamera[]> {
  const failed = new AbortController();
  const signal = AbortSignal.any([stop.signal, failed.signal]);
  const opening = sources.map(async ({ name, url, options: { username, password, transport } }) => {
    try {
      return stack.use(await WatchedCamera.open(url, name, { username, password, transport, signal }));
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  const opened = await Promise.allSettled(opening);
  // The one that failed by itself, and not those that were stopped for its sake.
  if (failed.signal.aborted) throw failed.signal.reason;
  return opened.map((result) => (result as PromiseFulfilledResult<WatchedCamera>).value);
}

/** How fast a counter rises, a second, over the last while. */
function rate(count: () => number): () => number {
  const seen = [{ at: performance.now(), count: count() }];
  return () => {
    const now = { at: performance.now(), count: count() };
    seen.push(now);
    while (seen.length > 2 && seen[1].at < now.at - RATE_SPAN) seen.shift();
    const [first] = seen;
    return now.at > first.at ? (now.count - first.count) * 1000 / (now.at - first.at) : 0;
  };
}

/** The end that the user gives: the first interrupt ends in order, the second at once. */
function interruption() {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const controller = new AbortController();
  const onSignal = () => controller.signal.aborted ? Deno.exit(130) : controller.abort();
  for (const signal of signals) Deno.addSignalListener(signal, onSignal);
  return {
    signal: controller.signal,
    /** Resolves at the interrupt, or after so many seconds. */
    async after(seconds = Infinity): Promise<void> {
      const over = Promise.withResolvers<void>();
      controller.signal.addEventListener("abort", () => over.resolve(), { once: true });
      if (controller.signal.aborted) over.resolve();
      // Without an end of its own there is still the table's timer, which keeps the process awake.
      const timer = seconds === Infinity ? undefined : setTimeout(over.resolve, seconds * 1000);
      await over.promise;
      clearTimeout(timer);
    },
    forget() {
      for (const signal of signals) Deno.removeSignalListener(signal, onSignal);
    },
  };
}
