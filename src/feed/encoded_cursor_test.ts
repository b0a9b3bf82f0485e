import { assertEquals } from "@std/assert";
import { createRing, type RecordMeta, ringBytes, SharedRingMemory } from "../ring/mod.ts";
import { type Choice, EncodedCursor } from "./encoded_cursor.ts";

/** A ring whose every access unit is one byte, or 64 in an arena, keyframes where they are asked for. */
function ring({ slots = 256, arenaBytes = 65_536 } = {}) {
  const options = { kind: "access-units", policy: "variable", slots, arenaBytes } as const;
  const buffer = new SharedArrayBuffer(ringBytes(options));
  const writer = createRing(new SharedRingMemory(buffer), options);
  let pts = 0;
  const push = (count: number, keyframe = false) => {
    for (let i = 0; i < count; i++, pts += 40_000) {
      const times = { pts, dts: pts, receivedAt: 0, wallTime: null };
      writer.writeAccessUnit({
        codec: "h264",
        data: new Uint8Array(1),
        keyframe,
        corrupt: false,
        generation: 0,
        ...times,
      });
    }
  };
  return { buffer, push };
}

const numbersOf = (cursor: EncodedCursor, most = Infinity) => {
  const numbers: number[] = [];
  while (numbers.length < most) {
    const meta = cursor.next();
    if (!meta) break;
    numbers.push(meta.sequence);
  }
  return numbers;
};
const countsOf = ({ delivered, skipped, unwanted, shed }: EncodedCursor) => ({ delivered, skipped, unwanted, shed });

Deno.test("EncodedCursor reads what was there when it joined, be it more than its capacity", () => {
  const { buffer, push } = ring();
  push(1, true);
  push(29);
  const cursor = new EncodedCursor(buffer, { capacity: 10 });
  assertEquals(numbersOf(cursor, 5), [0, 1, 2, 3, 4]);
  push(5);
  assertEquals(cursor.hurried, false);
  push(5);
  assertEquals(cursor.hurried, true);
  assertEquals(numbersOf(cursor).at(-1), 39);
  assertEquals(countsOf(cursor), { delivered: 40, skipped: 0, unwanted: 0, shed: 0 });
});

Deno.test("EncodedCursor gives up what was there when it joined where more comes meanwhile than it may be behind", () => {
  const { buffer, push } = ring();
  push(1, true);
  push(29);
  const cursor = new EncodedCursor(buffer, { capacity: 10 });
  assertEquals(numbersOf(cursor, 5), [0, 1, 2, 3, 4]);
  push(11);
  assertEquals(numbersOf(cursor), []);
  push(3);
  push(1, true);
  push(2);
  // For want of time, and not because anything is missing.
  assertEquals(numbersOf(cursor), [44, 45, 46]);
  assertEquals(countsOf(cursor), { delivered: 8, skipped: 0, unwanted: 0, shed: 39 });
  // Where there is a newer keyframe, at once.
  push(5);
  push(1, true);
  push(6);
  assertEquals(numbersOf(cursor), [52, 53, 54, 55, 56, 57, 58]);
  assertEquals(countsOf(cursor), { delivered: 15, skipped: 0, unwanted: 0, shed: 44 });
});

Deno.test("EncodedCursor.excuse() lets pass what nobody looked at", () => {
  const { buffer, push } = ring();
  push(1, true);
  const cursor = new EncodedCursor(buffer, { capacity: 10 });
  push(40);
  cursor.excuse();
  assertEquals(numbersOf(cursor).length, 41);
  assertEquals(countsOf(cursor).shed, 0);
});

for (
  const [what, shape] of [["access units", { slots: 32 }], ["bytes of them", {
    slots: 1_024,
    arenaBytes: 2_048,
  }]] as const
) {
  Deno.test(`EncodedCursor goes on at the newest keyframe where more ${what} came than the ring keeps, whatever its capacity`, () => {
    const { buffer, push } = ring(shape);
    push(1, true);
    const cursor = new EncodedCursor(buffer, { capacity: 1_000 });
    push(9);
    assertEquals(numbersOf(cursor, 5), [0, 1, 2, 3, 4]);
    push(30);
    push(1, true);
    push(7);
    push(1, true);
    push(3);
    assertEquals(numbersOf(cursor), [48, 49, 50, 51]);
    assertEquals(countsOf(cursor), { delivered: 9, skipped: 0, unwanted: 0, shed: 43 });
    // Where the ring has no keyframe, at the next that comes.
    push(50);
    assertEquals(numbersOf(cursor), []);
    push(2);
    push(1, true);
    push(1);
    assertEquals(numbersOf(cursor), [104, 105]);
    assertEquals(countsOf(cursor), { delivered: 11, skipped: 0, unwanted: 0, shed: 95 });
  });

  Deno.test(`EncodedCursor.excuse() begins anew where more ${what} came than the ring keeps while nobody looked`, () => {
    const { buffer, push } = ring(shape);
    push(1, true);
    const cursor = new EncodedCursor(buffer, { capacity: 1_000 });
    assertEquals(numbersOf(cursor), [0]);
    push(60);
    push(1, true);
    push(2);
    cursor.excuse();
    assertEquals(numbersOf(cursor), [61, 62, 63]);
    assertEquals(countsOf(cursor), { delivered: 4, skipped: 0, unwanted: 60, shed: 0 });
  });
}

Deno.test("EncodedCursor asks again of each access unit behind what the ring overwrote", () => {
  const { buffer, push } = ring({ slots: 32 });
  push(1, true);
  const cursor = new EncodedCursor(buffer, { capacity: 1_000 });
  assertEquals(numbersOf(cursor), [0]);
  push(60);
  push(1, true);
  push(4);
  const asked: number[] = [];
  const chooser = {
    choose: ({ sequence }: RecordMeta): Choice => (asked.push(sequence), "pass"),
    tooLate: () => {},
  };
  assertEquals(cursor.next(chooser), null);
  assertEquals(asked, [61, 62, 63, 64, 65]);
  assertEquals(countsOf(cursor), { delivered: 1, skipped: 0, unwanted: 5, shed: 60 });
});
