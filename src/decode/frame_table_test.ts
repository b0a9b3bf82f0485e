import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type FrameInfo, PIXEL_FORMATS } from "../media/mod.ts";
import { FrameTable, type PlanePlace } from "./frame_table.ts";

const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const time = fc.integer({ min: -(2 ** 50), max: 2 ** 50 });
const infos: fc.Arbitrary<FrameInfo> = fc.record({
  width: fc.integer({ min: 1, max: 16_384 }),
  height: fc.integer({ min: 1, max: 16_384 }),
  format: fc.constantFrom(...PIXEL_FORMATS),
  pts: time,
  wallTime: fc.option(fc.double({ noNaN: true, min: 0, max: 1e15 })),
  receivedAt: fc.double({ noNaN: true, min: 0, max: 1e15 }),
  keyframe: fc.boolean(),
  corrupt: fc.boolean(),
  sequence: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  generation: u32,
  missed: fc.constant(0),
  streamId: u32,
}, { noNullPrototype: true });
const planes: fc.Arbitrary<PlanePlace[]> = fc.array(
  fc.record({ offset: u32, stride: u32, rowBytes: u32, rows: u32 }, { noNullPrototype: true }),
  { minLength: 1, maxLength: 4 },
);

Deno.test("FrameTable gives back what was put into each entry, on this thread and on another, and nothing of its neighbours", () => {
  const put = fc.record({ entry: fc.nat(7), info: infos, planes });
  fc.assert(fc.property(fc.array(put, { minLength: 1, maxLength: 40 }), (puts) => {
    const writer = new FrameTable(8), reader = new FrameTable(writer.buffer);
    const model = new Map<number, { info: FrameInfo; planes: PlanePlace[] }>();
    for (const { entry, info, planes } of puts) {
      writer.put(entry, info, planes);
      model.set(entry, { info, planes });
      for (const [at, expected] of model) {
        assertEquals([reader.info(at), reader.planes(at)], [expected.info, expected.planes]);
      }
    }
  }));
});

Deno.test("FrameTable counts holds, and says which one was the last", () => {
  const table = new FrameTable(2);
  assertEquals(table.entries, 2);
  table.hold(1);
  table.hold(1);
  assertEquals([table.holds(0), table.holds(1)], [0, 2]);
  assertEquals([table.release(1), table.holds(1), table.release(1), table.holds(1)], [false, 1, true, 0]);
});
