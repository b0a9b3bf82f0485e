// Pure: no I/O.
import type { RingPlan, ShmError } from "../src/media/mod.ts";

/** What the main thread tells the egress worker. The first message is `init`; the others go through an outbox. */
export type ToEgressWorker =
  | { type: "init"; library: string; bell: SharedArrayBuffer; count: SharedArrayBuffer }
  /** An instance whose frames it will meet. */
  | {
    type: "instance";
    worker: number;
    epoch: number;
    memory: WebAssembly.Memory;
    table: SharedArrayBuffer;
    bell: SharedArrayBuffer;
  }
  | { type: "forget-worker"; worker: number }
  /** Copy the frames of a queue into the ring behind a handle of the C library. */
  | {
    type: "job";
    job: number;
    worker: number;
    queue: SharedArrayBuffer;
    handle: number;
    /** Of a ring of ours; null for one in libValkka's layout. */
    plan: RingPlan | null;
  }
  | { type: "drop-job"; job: number }
  /** The thread is to end: Deno cannot end one that does not return to its event loop by itself. */
  | { type: "end" };

/** What the egress worker tells the main thread. Nothing of it comes for each frame. */
export type FromEgressWorker =
  | { type: "ready" }
  /** The queue is over and everything in it was written. */
  | { type: "job-over"; job: number }
  | { type: "job-dropped"; job: number }
  /** The ring was made anew, behind another handle; the old one is not used any more. */
  | { type: "job-remade"; job: number; handle: number }
  | { type: "job-failed"; job: number; name: string; message: string; code?: ShmError["code"] };
