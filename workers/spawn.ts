import { SetupError } from "../src/media/errors.ts";
import { WORKER_PERMISSIONS, type WorkerKind } from "./permissions.ts";

// Written out one by one, so that Deno sees each entry file as part of this program, from a disk as from a URL.
const ENTRIES: Record<WorkerKind, () => URL> = {
  ingest: () => new URL("./ingest.ts", import.meta.url),
  decode: () => new URL("./decode.ts", import.meta.url),
  egress: () => new URL("./egress.ts", import.meta.url),
  analysis: () => new URL("./analysis.ts", import.meta.url),
};

/**
 * Starts a thread of a kind with the permissions of that kind.
 *
 * @param options.library Path of the C library, for the kinds that may call it.
 * @throws {SetupError} `option` where Deno was not told to allow workers with permissions of their own.
 */
export function spawnWorker(kind: WorkerKind, options: { library?: string } = {}): Worker {
  try {
    return new Worker(ENTRIES[kind](), {
      type: "module",
      name: `millrace-${kind}`,
      deno: { permissions: WORKER_PERMISSIONS[kind](options.library ?? "") },
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
