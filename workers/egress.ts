/// <reference lib="deno.worker" />
import { loadLibrary, type NativeLibrary } from "../ffi/load.ts";
import { ShmError } from "../src/media/mod.ts";
import { FrameTable } from "../src/decode/frame_table.ts";
import { EgressJob, type KnownInstance } from "./egress/job.ts";
import type { FromEgressWorker, ToEgressWorker } from "./egress_protocol.ts";
import { Doorbell } from "./doorbell.ts";
import { Inbox } from "./mailbox.ts";

/*
 * The egress worker: copies frames out of the decoders' memory into shared memory of other processes. It may call the C
 * library and nothing else. It sleeps on one doorbell for all its queues.
 */

/** How long it sleeps at most before it looks around by itself, in milliseconds. */
const PATIENCE = 1_000;

/** Instances by worker and epoch. */
const instances = new Map<number, Map<number, KnownInstance>>();
const jobs = new Map<number, EgressJob>();
let library: NativeLibrary;
let bell: Doorbell;
let inbox: Inbox;
/** Whether the thread was told to end. */
let over = false;

function say(message: FromEgressWorker): void {
  self.postMessage(message);
}

// Elsewhere this is loaded for the cache alone: see spawn.ts.
if (self.name === "millrace-egress") {
  self.onmessage = (event: MessageEvent<ToEgressWorker>) => {
    const message = event.data;
    if (message.type !== "init") {
      take(message);
      inbox.took();
      return;
    }
    bell = new Doorbell(message.bell);
    inbox = new Inbox(message.count);
    library = loadLibrary(message.library);
    say({ type: "ready" });
    void run();
  };
}

function take(message: Exclude<ToEgressWorker, { type: "init" }>): void {
  switch (message.type) {
    case "end":
      over = true;
      break;
    case "instance": {
      const { worker, epoch, memory, table } = message;
      const known = instances.get(worker) ?? new Map<number, KnownInstance>();
      instances.set(
        worker,
        known.set(epoch, { memory, table: new FrameTable(table), bell: new Doorbell(message.bell) }),
      );
      break;
    }
    case "forget-worker":
      instances.delete(message.worker);
      break;
    case "job":
      try {
        const known = instances.get(message.worker) ?? new Map<number, KnownInstance>();
        instances.set(message.worker, known);
        const { job } = message;
        const remade = (handle: number) => say({ type: "job-remade", job, handle });
        jobs.set(job, new EgressJob(library, message, known, remade));
      } catch (error) {
        fail(message.job, error);
      }
      break;
    case "drop-job":
      jobs.get(message.job)?.close();
      jobs.delete(message.job);
      say({ type: "job-dropped", job: message.job });
      break;
  }
}

function fail(job: number, error: unknown): void {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  jobs.get(job)?.close();
  say({ type: "job-failed", job, name, message, code: error instanceof ShmError ? error.code : undefined });
}

/** Works until it is told to end, one frame of each queue after the other, so that none starves another. */
async function run(): Promise<void> {
  while (!over) {
    const seen = bell.count;
    if (inbox.pending) await inbox.settle();
    let worked = false;
    for (const [number, job] of jobs) {
      if (job.done) continue;
      try {
        if (job.step()) worked = true;
        else if (job.over) {
          job.close();
          say({ type: "job-over", job: number });
        }
      } catch (error) {
        fail(number, error);
      }
    }
    if (!worked && !over) bell.wait(seen, PATIENCE);
  }
  self.close();
}
