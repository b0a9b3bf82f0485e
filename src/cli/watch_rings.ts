import { listRings, type ShmInfo } from "../shm/mod.ts";
import { LiveTable, screenOf, tableOf } from "./demo/live_table.ts";
import { print } from "./print.ts";
import { RING_HEADINGS, ringRow } from "./shm_table.ts";

/** Between two looks, in milliseconds. */
const INTERVAL = 1_000;

/** What `millrace shm watch` was asked for. */
export interface WatchFlags {
  json?: boolean;
  seconds?: number;
}

/** Shows the rings there are once a second, until the time is over or it is interrupted. */
export async function watchRings(flags: WatchFlags): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, onSignal);
  const screen = screenOf(Deno.stdout);
  const rates = new Rates();
  let rings = rates.measured(await listRings());
  const content = () => ({ table: tableOf(RING_HEADINGS, rings.map(ringRow)), notes: notesOf(rings) });
  const live = screen.live && !flags.json ? new LiveTable(screen, content) : null;
  try {
    const until = performance.now() + (flags.seconds ?? Infinity) * 1_000;
    for (let next = performance.now();;) {
      if (flags.json) rings.forEach((ring) => print(JSON.stringify(ring)));
      else if (!live) print([...content().table, ...content().notes, ""].join("\n"));
      next += INTERVAL;
      await pause(Math.min(next, until) - performance.now(), stop.signal);
      if (stop.signal.aborted || performance.now() >= until) return;
      rings = rates.measured(await listRings());
    }
  } finally {
    live?.draw();
    live?.[Symbol.dispose]();
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, onSignal);
  }
}

function notesOf(rings: readonly ShmInfo[]): string[] {
  return rings.length === 0 ? ["There are no rings."] : [];
}

/** The rates between two looks, which tell of a writer that stands still sooner than what its ring holds. */
class Rates {
  #before = new Map<string, { records: number; at: number; pid: number }>();

  measured(rings: ShmInfo[]): ShmInfo[] {
    const at = performance.now();
    const seen = new Map<string, { records: number; at: number; pid: number }>();
    for (const ring of rings) {
      if (ring.records === null) continue;
      const key = `${ring.protocol} ${ring.name}`, before = this.#before.get(key);
      if (before && before.pid === ring.pid && ring.records >= before.records && at > before.at) {
        ring.rate = (ring.records - before.records) * 1_000 / (at - before.at);
      }
      seen.set(key, { records: ring.records, at, pid: ring.pid });
    }
    this.#before = seen;
    return rings;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return;
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  signal.addEventListener("abort", () => over.resolve(), { once: true });
  await over.promise;
  clearTimeout(timer);
}
