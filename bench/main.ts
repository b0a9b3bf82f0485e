import { decodeBench } from "./decode.ts";
import { pipelineBench } from "./pipeline.ts";
import { Results } from "./results.ts";
import { shmBench } from "./shm.ts";

const BENCHES: Record<string, (results: Results) => Promise<void>> = {
  decode: decodeBench,
  shm: shmBench,
  pipeline: pipelineBench,
};

const [name, ...flags] = Deno.args;
const bench = BENCHES[name];
if (!bench) {
  console.error(`usage: deno task bench ${Object.keys(BENCHES).join("|")} [--json]`);
  Deno.exit(2);
}
const results = new Results(flags.includes("--json"));
await bench(results);
results.print();
Deno.exit(0);
