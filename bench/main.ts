import { camerasBench } from "./cameras.ts";
import { chainBench } from "./chain.ts";
import { deadBench } from "./dead.ts";
import { decodeBench } from "./decode.ts";
import { hostileBench } from "./hostile.ts";
import { ingestBench } from "./ingest.ts";
import { killsBench } from "./kills.ts";
import { BENCHES } from "./names.ts";
import { lossBench } from "./loss.ts";
import { pipelineBench } from "./pipeline.ts";
import { Results } from "./results.ts";
import { scaleBench } from "./scale.ts";
import { shmBench } from "./shm.ts";
import { soakBench } from "./soak.ts";

/** What a benchmark is asked for. */
interface BenchOptions {
  seconds?: number;
  /** Less streams and rounds, for a first look. */
  quick: boolean;
}

const RUN: Record<typeof BENCHES[number], (results: Results, options: BenchOptions) => Promise<void>> = {
  decode: decodeBench,
  scale: scaleBench,
  shm: shmBench,
  pipeline: pipelineBench,
  chain: chainBench,
  cameras: camerasBench,
  kills: killsBench,
  soak: soakBench,
  dead: deadBench,
  ingest: ingestBench,
  loss: lossBench,
  hostile: hostileBench,
};

const [wanted, ...flags] = Deno.args;
const name = BENCHES.find((bench) => bench === wanted);
if (!name) {
  console.error(`usage: deno task bench ${BENCHES.join("|")} [--json] [--quick] [--seconds N]`);
  Deno.exit(2);
}
const results = new Results(flags.includes("--json"));
const seconds = flags.includes("--seconds") ? Number(flags[flags.indexOf("--seconds") + 1]) : undefined;
await RUN[name](results, { seconds, quick: flags.includes("--quick") });
results.print();
Deno.exit(0);
