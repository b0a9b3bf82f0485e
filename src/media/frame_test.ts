import { assertEquals, assertThrows } from "@std/assert";
import { Frame } from "./frame.ts";

Deno.test("Frame.of() lays planes over the caller's pixels, and says what nobody said", () => {
  const pixels = Uint8Array.from({ length: 4 * 2 + 2 * 1 * 2 }, (_, i) => i);
  const frame = Frame.of(pixels, { width: 4, height: 2, format: "I420", sequence: 7, receivedAt: 1_000.5 });
  assertEquals(frame.planes.map(({ data, stride, rows }) => [[...data], stride, rows]), [
    [[0, 1, 2, 3, 4, 5, 6, 7], 4, 2],
    [[8, 9], 2, 1],
    [[10, 11], 2, 1],
  ]);
  const { sequence, receivedAt, pts, keyframe, corrupt, wallTime, missed } = frame;
  assertEquals({ sequence, receivedAt, pts, keyframe, corrupt, wallTime, missed }, {
    ...{ sequence: 7, receivedAt: 1_000.5, pts: 1_000_500, keyframe: true, corrupt: false, wallTime: null, missed: 0 },
  });
  pixels[0] = 99;
  assertEquals(frame.planes[0].data[0], 99);
  assertEquals(frame.copy(), pixels);
});

Deno.test("Frame.of() refuses pixels that are too few, naming both", () => {
  assertThrows(
    () => Frame.of(new Uint8Array(23), { width: 4, height: 2, format: "RGB24" }),
    RangeError,
    "Cannot make a 4x2 RGB24 frame: it has 24 bytes, there are 23",
  );
});
