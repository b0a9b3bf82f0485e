import type { Attack } from "../tests/hostile/attack.ts";
import { victims } from "../tests/hostile/parsers.ts";
import { run } from "./native.ts";
import type { Results } from "./results.ts";

const BYTES = 100_000_000;
const QUICK_BYTES = 5_000_000;
const PROGRAM = decodeURIComponent(new URL("../tests/hostile/program.ts", import.meta.url).pathname);

/**
 * A hundred million mutated bytes through each parser of what comes from the network, each in a process of its own: what it throws, and what
 * its heap gains from the first tenth to the end.
 *
 * @throws {Error} where one throws, with the seed and the first bytes that did it.
 */
export async function hostileBench(results: Results, options: { seconds?: number; quick: boolean }): Promise<void> {
  const bytes = options.quick ? QUICK_BYTES : BYTES;
  const seed = crypto.getRandomValues(new Uint32Array(1))[0];
  for (const name of Object.keys(await victims())) {
    const args = [
      "run",
      "-A",
      "--no-check",
      "--no-lock",
      "--v8-flags=--expose-gc",
      PROGRAM,
      name,
      `${bytes}`,
      `${seed}`,
    ];
    const began = performance.now();
    const attack = JSON.parse(await run(Deno.execPath(), args)) as Attack;
    const seconds = (performance.now() - began) / 1000;
    results.add({
      name: `hostile.${name}.bytes`,
      value: attack.bytes,
      unit: `in ${attack.inputs}, ${seconds.toFixed(0)} s`,
    });
    results.add({ name: `hostile.${name}.exceptions`, value: attack.exceptions, unit: "" });
    results.add({ name: `hostile.${name}.understood`, value: attack.understood, unit: "times" });
    results.add({ name: `hostile.${name}.slowest`, value: attack.slowest, unit: "ms for an input" });
    results.add({ name: `hostile.${name}.heap-growth`, value: (attack.growth ?? NaN) / 2 ** 20, unit: "MiB" });
    if (attack.first) {
      throw new Error(`${name} threw, with seed ${seed}: ${attack.first.message}\nat ${attack.first.input}`);
    }
  }
}
