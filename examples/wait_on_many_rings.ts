/*
 * wait_on_many_rings.ts COUNT RING...: reads so many frames out of any number of rings, of whichever processes, in one loop and one
 * thread: what libValkka's programs do with `select` over their clients' file descriptors. A ring that is closed leaves, one
 * whose writer dies is waited for.
 */
import { ShmReader, ShmSelector } from "../mod.ts";

const [count = "Infinity", ...names] = Deno.args;
let left = Number(count);

await using selector = new ShmSelector<ShmReader>();
for (const name of names) selector.add(await ShmReader.open(name, { wait: 30_000 }));
for await (const reader of selector) {
  const pulled = reader.pull();
  if (!pulled) continue; // its writer closed the ring
  const { meta } = pulled;
  console.log(`${reader.name}: frame ${meta.sequence}, ${meta.width}x${meta.height}, ${meta.missed} missed`);
  if (--left <= 0) break;
}
