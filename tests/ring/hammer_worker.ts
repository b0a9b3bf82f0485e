/// <reference lib="deno.worker" />
import { RingReader, RingWriter, SharedRingMemory } from "../../src/ring/mod.ts";
import { fillPattern, hasPattern } from "./pattern.ts";

/** What a hammering thread is told; `stop` is a word that becomes 1, and one that counts readers at work. */
export type HammerOrder =
  & { ring: SharedArrayBuffer; stop: SharedArrayBuffer }
  & ({ role: "write"; bytes: number[] } | { role: "read"; mode: "every" | "latest"; way: "copy" | "view" });

/** What it has to say at the end. */
export interface HammerReport {
  records: number;
  missed: number;
  torn: number;
  overtaken: number;
}

self.onmessage = ({ data: order }: MessageEvent<HammerOrder>) => {
  const memory = new SharedRingMemory(order.ring), stop = new Int32Array(order.stop);
  const report: HammerReport = { records: 0, missed: 0, torn: 0, overtaken: 0 };
  if (order.role === "write") {
    const writer = RingWriter.adopt(memory);
    const payloads = order.bytes.map((bytes) => new Uint32Array(bytes / 4));
    while (Atomics.load(stop, 0) === 0) {
      const payload = payloads[report.records % payloads.length];
      fillPattern(payload, report.records++);
      writer.write({}, new Uint8Array(payload.buffer));
    }
    writer.close();
  } else {
    const reader = new RingReader(memory);
    const buffer = new Uint32Array(reader.header.arenaBytes / 4);
    const bytes = new Uint8Array(buffer.buffer);
    while (!(reader.closed && reader.behind === 0)) {
      const meta = reader.peek(order.mode);
      if (!meta) {
        reader.wait(100);
        continue;
      }
      let whole: boolean, good: boolean;
      if (order.way === "copy") {
        whole = reader.read(bytes);
        good = hasPattern(buffer.subarray(0, meta.bytes / 4), meta.sequence);
      } else {
        const view = reader.view();
        good = hasPattern(new Uint32Array(view.buffer, view.byteOffset, meta.bytes / 4), meta.sequence);
        whole = reader.take();
      }
      if (!whole) continue;
      if (++report.records === 200) Atomics.add(stop, 1, 1);
      if (!good) report.torn++;
    }
    report.missed = reader.missed;
    report.overtaken = reader.stats().overtaken;
  }
  self.postMessage(report);
  self.close();
};
