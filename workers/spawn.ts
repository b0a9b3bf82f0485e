import { SetupError } from "../src/media/errors.ts";
import { WORKER_PERMISSIONS, type WorkerKind, type WorkerScope } from "./permissions.ts";

// Written out one by one, so that Deno sees each entry file as part of this program, from a disk as from a URL.
const ENTRIES: Record<ThreadKind, () => URL> = {
  ingest: () => new URL("./ingest.ts", import.meta.url),
  tls: () => new URL("./tls.ts", import.meta.url),
  decode: () => new URL("./decode.ts", import.meta.url),
  helper: () => new URL("./helper.ts", import.meta.url),
  egress: () => new URL("./egress.ts", import.meta.url),
  serve: () => new URL("./serve.ts", import.meta.url),
};

/** The kinds that are threads of this process; an analysis is one of another. */
type ThreadKind = Exclude<WorkerKind, "analysis">;

let loaded: Promise<unknown> | null = null;

/**
 * Has the threads' modules in Deno's cache before one of them starts, where they come from a web server. Deno's threads
 * share connections to it, and each connection is served by the thread that made it: one that sleeps in its own loop, as
 * ours do, would leave the next one without its modules for ever.
 */
export async function loadWorkers(): Promise<void> {
  if (import.meta.url.startsWith("file:")) return;
  loaded ??= Promise.all(Object.values(ENTRIES).map((entry) => import(entry().href)));
  const attempt = loaded;
  await attempt.catch((cause) => {
    if (loaded === attempt) loaded = null;
    throw cause;
  });
}

/** Refuses here what would end as an error of the thread's, printed by Deno. */
function mustRead(kind: ThreadKind, path: string): void {
  if (Deno.permissions.requestSync({ name: "read", path }).state === "granted") return;
  const what = `Requires read access to "${path}", run again with --allow-read=${path}`;
  throw new SetupError("permission", `Cannot start the ${kind} worker: ${what}`);
}

/**
 * Starts a thread of a kind with the permissions of that kind; `loadWorkers()` comes before.
 *
 * @throws {SetupError} `permission` where it may not be read, or would hold more than this program; `option` where Deno was not told to allow workers with permissions of their own.
 */
export function spawnWorker(kind: ThreadKind, scope: WorkerScope = {}): Worker {
  const entry = ENTRIES[kind]();
  if (entry.protocol === "file:") mustRead(kind, decodeURIComponent(entry.pathname));
  try {
    return new Worker(entry, {
      type: "module",
      name: `millrace-${kind}`,
      deno: { permissions: WORKER_PERMISSIONS[kind](scope) },
    });
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) {
      throw new SetupError("permission", `Cannot start the ${kind} worker: ${cause.message}`, { cause });
    }
    throw new SetupError(
      "option",
      'Cannot start a worker with permissions of its own: add "unstable": ["worker-options"] to deno.json, or run ' +
        "with --unstable-worker-options",
      { cause },
    );
  }
}
