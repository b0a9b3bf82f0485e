import process from "node:process";
import { ShmReader, ShmSelector, ShmWriter } from "../../src/shm/mod.ts";

/* `many_rings_child.ts COUNT`: what it costs a process to wait for so many rings: its threads while it waits for none, for one and for
 * all, its CPU while nothing comes, in per cent of a core, and how long after a record it is told, in ms. */

const many = Number(Deno.args[0]);
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const threadsNow = () => Number(/Threads:\s+(\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))![1]);
await using stack = new AsyncDisposableStack();
const writers: ShmWriter[] = [], readers: ShmReader[] = [];
// One after the other: what Deno does at the same time takes threads of its own, which stay for ten seconds.
for (let i = 0; i < many; i++) {
  writers.push(stack.use(await ShmWriter.create(`many-${Deno.pid}-${i}`, { cellBytes: 64, slots: 4 })));
  readers.push(stack.use(await ShmReader.open(writers[i].name, { mode: "every" })));
}

const threads = [threadsNow()];
for (const count of [1, many]) {
  await using selector = new ShmSelector();
  for (const reader of readers.slice(0, count)) selector.add(reader);
  const waiting = selector.wait();
  await pause(50);
  threads.push(threadsNow());
  writers[0].writeBytes(new Uint8Array(8));
  for (const reader of await waiting) reader.pull();
}

await using selector = new ShmSelector();
for (const reader of readers) selector.add(reader);
const before = process.cpuUsage(), began = performance.now();
if ((await selector.wait(2_000)).length > 0) throw new Error("Something was told that was not there");
const { user, system } = process.cpuUsage(before);
const idle = (user + system) / 10 / (performance.now() - began);

const latencies: number[] = [];
for (let i = 0; i < 500; i++) {
  const at = i * 37 % many;
  setTimeout(() => writers[at].writeBytes(new Uint8Array(new Float64Array([performance.now()]).buffer)), 1);
  const [ready, ...more] = await selector.wait(10_000);
  const now = performance.now();
  if (ready?.name !== writers[at].name || more.length > 0) throw new Error("The wrong reader was told of");
  const { index } = ready.pull()!;
  latencies.push(now - new Float64Array(ready.slots[index].buffer)[0]);
}
latencies.sort((a, b) => a - b);
console.log(JSON.stringify({ threads, idle, median: latencies[250], late: latencies[494] }));
