import { assertEquals } from "@std/assert";
import { createRing, Generations, ringBytes, RingReader, RingWriter, SharedRingMemory } from "./mod.ts";

const frame = (generation: number, width = 4) => ({ generation, width, height: 4, format: "GRAY8" as const });

Deno.test("Generations.next() rises with each change of shape, with its source, and never goes back", () => {
  const generations = new Generations();
  const told = [frame(0), frame(0), frame(0, 8), frame(0, 8), frame(1, 8), frame(1, 4), frame(0, 4), frame(0, 4)];
  assertEquals(told.map((one) => generations.next(one)), [0, 0, 1, 1, 2, 3, 4, 4]);
  const counted = new Generations();
  assertEquals([frame(5), frame(6, 8), frame(9, 8)].map((one) => counted.next(one)), [5, 6, 9], "a source that counts");
  const format = new Generations();
  assertEquals([format.next(frame(0)), format.next({ ...frame(0), format: "RGBA" })], [0, 1]);
});

Deno.test("RingWriter.adopt() goes on with the generations that it finds in the ring", () => {
  const options = { kind: "frames", policy: "fixed", slots: 4, cellBytes: 64 } as const;
  const memory = new SharedRingMemory(new SharedArrayBuffer(ringBytes(options)));
  const write = (writer: RingWriter, width: number) => {
    const info = {
      ...frame(0, width),
      pts: 0,
      wallTime: null,
      receivedAt: 0,
      keyframe: true,
      corrupt: false,
      streamId: 0,
    };
    writer.writeFrame(info, [{ data: new Uint8Array(4 * width), stride: width, rowBytes: width, rows: 4 }]);
  };
  const first = createRing(memory, options);
  write(first, 4);
  write(first, 8);
  const second = RingWriter.adopt(memory);
  write(second, 8);
  write(second, 4);
  const reader = new RingReader(memory);
  const generations = [0, 1, 2, 3].map(() => reader.next("every", new Uint8Array(64))!.generation);
  // The source begins to count anew, and what comes of it is told apart from what came before.
  assertEquals(generations, [0, 1, 2, 3]);
});
