import { ShmReader } from "../src/shm/mod.ts";

/* The other process of bench/shm.ts and bench/pipeline.ts: reads every frame of a ring, and prints their ages at its end. */

const ages: number[] = [];
for await (using frame of await ShmReader.open(Deno.args[0], { mode: "every", wait: 5_000 })) ages.push(frame.age);
console.log(JSON.stringify(ages));
