import { assert, assertEquals, assertThrows } from "@std/assert";
import { reorderedClip, shortClip } from "../../tests/support/clips.ts";
import { FileSource } from "../../tests/support/file_source.ts";
import { DECODE_COUNTERS } from "../../workers/decode_protocol.ts";
import { DecodeWorker, readDecodeCounters } from "../decode/decode_worker.ts";
import { expectedLoad } from "../decode/load.ts";
import { decode } from "../decode/mod.ts";
import { LeaseQueue } from "../decode/lease_queue.ts";
import { decoderModule } from "../decode/module.ts";
import { readVideoFile } from "../file/mod.ts";
import type { DecodeStats, DecodeStepOptions } from "../media/mod.ts";
import { loadWorkers } from "../../workers/spawn.ts";
import { repeated, until } from "./testing.ts";

let numbers = 0;

/** A decode worker, ended with the stack. */
async function workerIn(stack: AsyncDisposableStack): Promise<DecodeWorker> {
  await loadWorkers();
  return stack.adopt(new DecodeWorker(await decoderModule()), async (worker) => {
    for (let number = 1; number <= numbers; number++) await worker.dropSource(number);
    worker.terminate();
  });
}

/** A source in a worker, all of whose pictures are decoded, and go into a queue that nobody reads. */
function decoded(worker: DecodeWorker, source: FileSource, step: DecodeStepOptions, capacity: number) {
  const counters = new SharedArrayBuffer(DECODE_COUNTERS.length * 8);
  const number = ++numbers;
  void worker.addSource(number, source, { capacity, step, counters });
  worker.addJob(number, number, [], {
    kind: "queue",
    queue: new LeaseQueue({ capacity: 2 }).buffer,
    bell: new SharedArrayBuffer(8),
    overflow: "drop-oldest",
  });
  return () => readDecodeCounters(counters);
}

const seen = ({ accessUnits, skipped, unwanted, shed }: DecodeStats) => accessUnits + skipped + unwanted + shed;

Deno.test("where one worker cannot decode all, cameras of low priority go on at keyframes, and those of high lose nothing", async () => {
  await using stack = new AsyncDisposableStack();
  const worker = await workerIn(stack);
  const file = repeated(await readVideoFile(await reorderedClip()), 6);
  const count = file.units.length;
  const high = new FileSource(file, 1_024), low = new FileSource(file, 1_024);
  const highStats = decoded(worker, high, { priority: "high" }, 1_000);
  const lowStats = decoded(worker, low, { priority: "low" }, 12);
  await until(() => high.wakesFor("others") && low.wakesFor("others"));
  // There always is more to do, and of both the same.
  high.push(count);
  while (highStats().accessUnits < count) {
    low.push(Math.min(count, highStats().accessUnits + 1) - low.pushed);
    await new Promise((done) => setTimeout(done, 1));
  }
  const atThatTime = lowStats();
  assertEquals([highStats().shed, highStats().skipped, highStats().errors], [0, 0, 0]);
  // It is behind by no more than it may be, and by what came while it had its turn.
  assert(atThatTime.shed > 0, JSON.stringify(atThatTime));
  assert(atThatTime.busyMicroseconds < highStats().busyMicroseconds / 2, JSON.stringify([atThatTime, highStats()]));
  low.push(count);
  await until(() => seen(lowStats()) === count);
  assertEquals([lowStats().errors, lowStats().skipped], [0, 0]);
  assert(lowStats().frames > 0);
});

Deno.test("decode() refuses a priority that is none", () => {
  assertThrows(() => decode({ priority: "urgent" as "high" }), TypeError, '"urgent"');
  decode({ priority: "low" });
});

Deno.test("a decoder says which share of its thread's time it takes, and of late none", async () => {
  await using stack = new AsyncDisposableStack();
  const worker = await workerIn(stack);
  const source = new FileSource(repeated(await readVideoFile(await shortClip()), 4), 1_024);
  const stats = decoded(worker, source, {}, 1_000);
  await until(() => source.wakesFor("others"));
  assertEquals(worker.load, expectedLoad(source.info));
  await until(() => {
    if (stats().load < 0.01) source.push(2);
    return stats().load >= 0.01;
  });
  assert(stats().load <= 1, `${stats().load}`);
  await until(() => stats().load < 0.01);
  await worker.dropSource(numbers);
  assertEquals([worker.load, worker.idle], [0, true]);
});
