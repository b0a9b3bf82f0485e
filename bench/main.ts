import { decodeBench } from "./decode.ts";
import { pipelineBench } from "./pipeline.ts";
import { Results } from "./results.ts";
import { shmBench } from "./shm.ts";
import { soakBench } from "./soak.ts";

const BENCHES: Record<string, (results: Results, options: { seconds?: number }) => Promise<void>> = {
  decode: decodeBench,
  shm: shmBench,
  pipeline: pipelineBench,
  soak: soakBench,
};

const [name, ...flags] = Deno.args;
const bench = BENCHES[name];
if (!bench) {
  console.error(`usage: deno task bench ${Object.keys(BENCHES).join("|")} [--json] [--seconds N]`);
  Deno.exit(2);
}
const results = new Results(flags.includes("--json"));
const seconds = flags.includes("--seconds") ? Number(flags[flags.indexOf("--seconds") + 1]) : undefined;
await bench(results, { seconds });
results.print();
Deno.exit(0);
