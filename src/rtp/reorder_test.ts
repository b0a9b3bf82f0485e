import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { RtpPacketView, writeRtpHeader } from "./packet.ts";
import { Reorder, type ReorderOptions } from "./reorder.ts";

function harness(options: ReorderOptions = {}) {
  const log: (number | string)[] = [];
  const reorder = new Reorder({
    packet: (view) => {
      assertEquals(view.payload[0], view.sequence & 0xff, "the packet came whole through its slot");
      log.push(view.sequence);
    },
    gap: (lost) => log.push(`gap ${lost}`),
    restart: (ssrc) => log.push(`restart ${ssrc}`),
  }, options);
  const bytes = new Uint8Array(13);
  const view = new RtpPacketView();
  const push = (sequence: number, now = 0, ssrc = 7) => {
    sequence &= 0xffff;
    writeRtpHeader(bytes, { payloadType: 96, sequence, timestamp: 0, ssrc, marker: false });
    bytes[12] = sequence;
    view.parse(bytes);
    reorder.push(view, now);
  };
  return { log, reorder, push };
}

Deno.test("Reorder.push() puts packets back into order, over the wrap", () => {
  const { log, reorder, push } = harness();
  for (const sequence of [65_533, 65_535, 0, 65_534, 2, 1]) push(sequence);
  assertEquals(log, ["restart 7", 65_533, 65_534, 65_535, 0, 1, 2]);
  assertEquals([reorder.stats.reordered, reorder.stats.lost, reorder.held], [2, 0, 0]);
});

Deno.test("Reorder.push() counts no packet as out of order that only waits behind a lost one", () => {
  const { reorder, push } = harness({ maxDelay: 50 });
  for (const sequence of [1, 3, 4, 5]) push(sequence, 0);
  reorder.tick(50);
  assertEquals([reorder.stats.reordered, reorder.stats.lost], [0, 1]);
  for (const sequence of [9, 8, 7, 6]) push(sequence, 60);
  assertEquals([reorder.stats.reordered, reorder.stats.lost], [3, 1]);
});

Deno.test("Reorder.tick() gives up after the delay, and tells late from duplicate", () => {
  const { log, reorder, push } = harness({ maxDelay: 50 });
  push(1, 0);
  push(3, 10);
  push(3, 11);
  reorder.tick(59);
  assertEquals(log, ["restart 7", 1]);
  reorder.tick(60);
  assertEquals(log, ["restart 7", 1, "gap 1", 3]);
  push(2, 61);
  push(3, 62);
  assertEquals([reorder.stats.lost, reorder.stats.late, reorder.stats.duplicate], [1, 1, 2]);
  assertEquals(log.length, 4);
});

Deno.test("Reorder.tick() times what is still held by its own arrival", () => {
  const { log, reorder, push } = harness({ maxDelay: 50 });
  push(1, 0);
  push(3, 10);
  push(5, 30);
  reorder.tick(60);
  assertEquals(log.slice(2), ["gap 1", 3]);
  reorder.tick(79);
  assertEquals(log.length, 4);
  reorder.tick(80);
  assertEquals(log.slice(4), ["gap 1", 5]);
});

Deno.test("Reorder.push() holds no more than the window", () => {
  const { log, reorder, push } = harness({ maxPackets: 4 });
  push(0);
  for (const sequence of [2, 3, 4]) push(sequence);
  assertEquals(reorder.held, 3);
  push(5);
  assertEquals(log.slice(2), ["gap 1", 2, 3, 4, 5]);
  push(500);
  assertEquals(log.slice(7), ["gap 494", 500]);
  assertThrows(() => harness({ maxPackets: -1 }), RangeError, "-1");
});

Deno.test("Reorder.push() reports a gap at once where nothing is held (TCP)", () => {
  const { log, push } = harness({ maxPackets: 0 });
  for (const sequence of [10, 11, 14, 13, 15]) push(sequence);
  assertEquals(log, ["restart 7", 10, 11, "gap 2", 14, 15]);
});

Deno.test("Reorder.push() restarts with the second packet of a new source, and loses none", () => {
  const { log, reorder, push } = harness();
  push(100);
  push(9000, 0, 8);
  push(9001, 0, 8);
  assertEquals(log, ["restart 7", 100, "restart 8", 9000, 9001]);
  push(30_000, 0, 8);
  push(30_001, 0, 8);
  assertEquals(log.slice(5), ["restart 8", 30_000, 30_001], "a jump of the sequence is one too");
  assertEquals(reorder.stats.restarts, 2);
});

Deno.test("Reorder.push() lets a stray packet of another source restart nothing", () => {
  const { log, reorder, push } = harness();
  for (let i = 0; i < 5; i++) {
    push(i);
    push(4000 + i * 7, 0, 8);
  }
  assertEquals(log, ["restart 7", 0, 1, 2, 3, 4]);
  assertEquals(reorder.stats.stray, 4);
});

Deno.test("Reorder.push() hands on every packet once and in order, gaps counted, whatever comes", () => {
  const steps = fc.array(fc.record({ jump: fc.integer({ min: -6, max: 8 }), wait: fc.nat(40) }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, fc.constantFrom(0, 1, 3, 16), (moves, maxPackets) => {
      let expected = -1, at = 60_000, now = 0;
      let lost = 0;
      const reorder = new Reorder({
        packet: (view) => {
          if (expected >= 0) assertEquals(view.sequence, expected + lost & 0xffff);
          expected = view.sequence + 1;
          lost = 0;
        },
        gap: (count) => lost += count,
        restart: () => expected = -1,
      }, { maxPackets, maxDelay: 30 });
      const bytes = new Uint8Array(12);
      const view = new RtpPacketView();
      for (const { jump, wait } of moves) {
        at += jump;
        now += wait;
        writeRtpHeader(bytes, { payloadType: 96, sequence: at & 0xffff, timestamp: 0, ssrc: 1, marker: false });
        view.parse(bytes);
        reorder.push(view, now);
        assert(reorder.held <= 16);
      }
      reorder.flush();
      assertEquals(reorder.held, 0);
    }),
    { numRuns: 200 },
  );
});
