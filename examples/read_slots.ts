/*
 * read_slots.ts [RING [COUNT]]: the client of libValkka's lesson 4 at level 1: an index and a size, and an array for each
 * slot of the ring. A slot's bytes stay until the ring comes round to it.
 */
import { ShmReader } from "../mod.ts";

const [name = "lesson_4", count = "Infinity"] = Deno.args;
await using reader = await ShmReader.open(name, { wait: 30_000, mode: "every" });

for (let left = Number(count); left > 0;) {
  const pulled = reader.pull();
  if (pulled) {
    const { index, size } = pulled;
    console.log(`got index ${index}, size ${size}, payload ${reader.slots[index].subarray(0, Math.min(10, size))}`);
    left--;
  } else if (!await reader.wait(1_000)) break; // the writer closed the ring
}
