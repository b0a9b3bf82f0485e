/*
 * push_frames.ts [RING [COUNT]]: frames that are made here, pushed into shared memory as those of a camera are: a bar that
 * runs across the picture, 25 times a second.
 */
import { Frame, ShmWriter } from "../mod.ts";

const [name = "lesson_4", count = "Infinity"] = Deno.args;
const shape = { width: 480, height: 270, format: "RGB24" } as const;
const bar = 40, step = 4;
const row = 3 * shape.width;
const pixels = new Uint8Array(row * shape.height);

await using ring = await ShmWriter.create(name, { slots: 10, ...shape });
for (let sequence = 0; sequence < Number(count); sequence++) {
  pixels.fill(40);
  const left = step * sequence % (shape.width - bar);
  for (let y = 0; y < shape.height; y++) pixels.fill(220, y * row + 3 * left, y * row + 3 * (left + bar));
  ring.write(Frame.of(pixels, { ...shape, sequence, streamId: 1 }));
  await new Promise((resolve) => setTimeout(resolve, 40));
}
