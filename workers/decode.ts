/// <reference lib="deno.worker" />
import { DecodeError } from "../src/media/errors.ts";
import { InstanceDeadError } from "../wasm/mod.ts";
import { Instance } from "./decode/instance.ts";
import { Job } from "./decode/job.ts";
import { LARGE, Source } from "./decode/source.ts";
import { Turns } from "./decode/turns.ts";
import type { FromDecodeWorker, ToDecodeWorker } from "./decode_protocol.ts";
import { Doorbell } from "./doorbell.ts";
import { Inbox } from "./mailbox.ts";

/*
 * A decode worker. It may do nothing but compute: what comes in is a compiled module, rings of access units and words in
 * shared memory. It sleeps on one doorbell, which is rung by whoever has something for it.
 */

/** How long it sleeps at most before it looks around by itself, in milliseconds. */
const PATIENCE = 1_000;
/** A source that brings out what it has decoded is not interrupted within so many milliseconds. */
const TURN = 20;
/** Milliseconds over which it is measured how much time a source takes. */
const MEASURED = 1_000;

const sources = new Map<number, Source>();
let inbox: Inbox;
let bell: Doorbell;
let module: WebAssembly.Module;
let instance: Instance;
let epoch = 0;
const turns = new Turns<number>();
let measuredAt = 0;
/** Whether it was said that this instance's pictures are large. */
let large = false;
/** Whether the thread was told to end. */
let over = false;

function say(message: FromDecodeWorker): void {
  self.postMessage(message);
}

let ready: Promise<void>;

// Elsewhere this is loaded for the cache alone: see spawn.ts.
if (self.name === "millrace-decode") {
  self.onmessage = async (event: MessageEvent<ToDecodeWorker>) => {
    const message = event.data;
    if (message.type !== "init") {
      await ready; // what comes while the instance is being made waits, in order
      take(message);
      inbox.took();
      return;
    }
    bell = new Doorbell(message.bell);
    inbox = new Inbox(message.count);
    module = message.module;
    await (ready = makeInstance());
    say({ type: "ready" });
    await run();
  };
}

async function makeInstance(): Promise<void> {
  instance = await Instance.create(module, ++epoch);
  large = false;
  say({ type: "instance", epoch, memory: instance.ffmpeg.memory, table: instance.pool.table.buffer });
}

function take(message: Exclude<ToDecodeWorker, { type: "init" }>): void {
  const source = sources.get(message.source);
  switch (message.type) {
    case "end":
      over = true;
      break;
    case "source":
      try {
        sources.set(message.source, new Source(instance, message));
        turns.add(message.source, message.options.priority);
      } catch (error) {
        say({ type: "source-failed", source: message.source, code: "codec", message: text(error), averror: 0 });
      }
      break;
    case "job":
      addJob(message, source);
      break;
    case "job-ring":
      source?.jobs.get(message.job)?.setRing(message.ring);
      break;
    case "drop-job":
      source?.jobs.get(message.job)?.close();
      source?.jobs.delete(message.job);
      say({ type: "job-dropped", job: message.job });
      break;
    case "end-source":
      source?.end();
      break;
    case "drop-source":
      source?.close();
      sources.delete(message.source);
      turns.delete(message.source);
      say({ type: "source-dropped", source: message.source });
      break;
  }
}

function addJob(message: Extract<ToDecodeWorker, { type: "job" }>, source: Source | undefined): void {
  const { job, source: number, steps, output } = message;
  try {
    const events = {
      grown: (shape: Parameters<ConstructorParameters<typeof Job>[3]["grown"]>[0]) =>
        say({ type: "job-grown", source: number, job, ...shape }),
      starved: () => source?.starved(),
    };
    const made = new Job(instance, steps, output, events);
    if (source) source.addJob(job, made);
    else made.end();
  } catch (error) {
    say({ type: "job-failed", job, message: text(error) });
  }
}

/** Works until it is told to end. */
async function run(): Promise<void> {
  while (!over) {
    const seen = bell.count;
    if (inbox.pending) await inbox.settle();
    const worked = await turns.give(turn);
    instance.pool.reap();
    measure();
    if (!worked && !over) bell.wait(seen, PATIENCE);
  }
  self.close();
}

/** Has a source decode an access unit and bring out what comes of it; the milliseconds that it took, or null. */
function turn(number: number): Promise<number> | number | null {
  const source = sources.get(number)!;
  const began = performance.now(), before = source.ended;
  let took: number | null = null;
  try {
    while (source.step()) {
      took = performance.now() - began;
      if (!source.midway || took >= TURN) break;
    }
    if (source.large && !large) askForHelper();
    if (source.ended && !before) say({ type: "source-ended", source: number });
    return took;
  } catch (error) {
    return recover(number, source, error).then(() => performance.now() - began);
  }
}

/** Says that a second thread would help. */
function askForHelper(): void {
  large = true;
  const at = instance.ffmpeg.prepareHelper(LARGE);
  if (at !== 0) say({ type: "large", epoch, at });
}

/** Has all sources say how much time they took of late. */
function measure(): void {
  const at = performance.now();
  if (at - measuredAt < MEASURED) return;
  for (const source of sources.values()) source.measure(at - measuredAt);
  measuredAt = at;
}

/** After an error in a source: where the instance is dead, all go on in a new one; where it is not, the source is over. */
async function recover(number: number, source: Source, error: unknown): Promise<void> {
  if (!(error instanceof InstanceDeadError)) {
    const { code, averror } = error instanceof DecodeError ? error : { code: "codec" as const, averror: 0 };
    giveUp(number, source, code === "memory" ? "memory" : "codec", text(error), averror);
    return;
  }
  source.trapped();
  say({ type: "trapped", message: text(error) });
  await makeInstance();
  for (const other of sources.values()) other.moveTo(instance);
  if (source.hopeless) giveUp(number, source, "trapped", `The decoder trapped again and again: ${text(error)}`, 0);
}

function giveUp(
  number: number,
  source: Source,
  code: "codec" | "memory" | "trapped",
  message: string,
  averror: number,
): void {
  source.close();
  sources.delete(number);
  turns.delete(number);
  say({ type: "source-failed", source: number, code, message, averror });
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
