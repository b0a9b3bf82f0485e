import { assert, assertEquals } from "@std/assert";
import { createRing, ringBytes, type RingOptions, SharedRingMemory } from "../../src/ring/mod.ts";
import { ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { foreign, wordsOf } from "./foreign.ts";
import type { HammerOrder, HammerReport } from "./hammer_worker.ts";
import { fillPattern, hasPattern } from "./pattern.ts";

function hammer(order: HammerOrder): Promise<HammerReport> {
  const worker = new Worker(new URL("./hammer_worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<HammerReport>();
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new Error(event.message));
  };
  worker.postMessage(order);
  return promise.finally(() => worker.terminate());
}

const CELLS: RingOptions = { kind: "bytes", policy: "fixed", slots: 2, cellBytes: 65_536 };
const ARENA: RingOptions = { kind: "bytes", policy: "variable", slots: 6, arenaBytes: 131_072 };

for (const options of [CELLS, ARENA]) {
  Deno.test(`threads that read while another writes at full speed get no torn record [${options.policy}]`, async () => {
    const ring = new SharedArrayBuffer(ringBytes(options)), stop = new SharedArrayBuffer(8);
    createRing(new SharedRingMemory(ring), options);
    const bytes = options.policy === "fixed" ? [65_536] : [65_536, 4, 20_000, 131_072, 8_000];
    const readers = [
      hammer({ ring, stop, role: "read", mode: "every", way: "copy" }),
      hammer({ ring, stop, role: "read", mode: "latest", way: "view" }),
    ];
    const writer = hammer({ ring, stop, role: "write", bytes });
    // Threads take a while to begin.
    while (Atomics.load(new Int32Array(stop), 1) < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    await new Promise((resolve) => setTimeout(resolve, 700));
    Atomics.store(new Int32Array(stop), 0, 1);
    const { records } = await writer;
    assert(records > 1_000, `${records} records written`);
    let overtaken = 0;
    for (const report of await Promise.all(readers)) {
      assertEquals(report.torn, 0);
      assert(report.records > 100, `${report.records} records read`);
      assert(report.records + report.missed <= records);
      overtaken += report.overtaken;
    }
    // Without that the test would have shown nothing.
    assert(overtaken > 0);
  });
}

Deno.test("ShmReader reads what a stranger writes by the header's text alone, every record whole and none lost unseen", async () => {
  const name = `millrace-test-${crypto.randomUUID()}`;
  const child = await foreign("write", name, 4, 40_000, 20_000);
  const output = wordsOf(child);
  await using reader = await ShmReader.open(name, { wait: 30_000, mode: "every", reconnect: false });
  assertEquals([reader.header.kind, reader.header.slots, reader.header.pid], ["bytes", 4, child.pid]);
  let records = 0, last = -1;
  for (;;) {
    const record = reader.pull();
    if (!record) {
      if (!(await reader.wait())) break;
      continue;
    }
    const { index, size, meta } = record;
    assertEquals(size, 40_000);
    if (records > 0) assertEquals(meta.sequence, last + 1 + meta.missed);
    assertEquals([index, meta.streamId], [meta.sequence % 4, 7]);
    assertEquals(meta.pts, meta.sequence * 40_000 - 1_000_000);
    assertEquals(meta.wallTime, meta.sequence % 2 ? meta.sequence : null);
    assert(
      hasPattern(new Uint32Array(reader.slots[index].buffer, 0, size / 4), meta.sequence),
      `record ${meta.sequence}`,
    );
    last = meta.sequence;
    records++;
  }
  assertEquals([last, await output], [19_999, "ready"]);
  assert(records > 100 && records + reader.stats().missed <= 20_000, `${records} records`);
});

Deno.test("a stranger reads what ShmWriter writes by the header's text alone", async () => {
  const name = `millrace-test-${crypto.randomUUID()}`;
  await using ring = await ShmWriter.create(name, { slots: 4, cellBytes: 65_536 });
  const readers = await Promise.all([1, 2].map(() => foreign("read", name, 300)));
  const words = readers.map(wordsOf);
  let running = readers.length;
  for (const { status } of readers) status.then(() => running--);
  const payload = new Uint32Array(16_384);
  for (let sequence = 0; running > 0; sequence++) {
    fillPattern(payload, sequence);
    ring.writeBytes(new Uint8Array(payload.buffer));
    if (sequence % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  for (const said of await Promise.all(words)) {
    const [, delivered, torn] = said.match(/^delivered (\d+) missed \d+ torn (\d+)$/) ?? [];
    assertEquals([delivered, torn], ["300", "0"]);
  }
});
