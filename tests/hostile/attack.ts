import { seededRandom } from "../../src/camera/faults.ts";
import { Mutator } from "./mutate.ts";
import type { Victim } from "./parsers.ts";

/** What came of it. */
export interface Attack {
  bytes: number;
  inputs: number;
  /** How often the parser made sense of something: it is not that all is refused at once. */
  understood: number;
  /** What was thrown, and of the first one the bytes that it was thrown at. */
  exceptions: number;
  first: { message: string; input: string } | null;
  /** Of one input, in milliseconds. */
  slowest: number;
  /** Of the heap, from when a tenth was through to the end; null where it cannot be told. */
  growth: number | null;
}

const MAX_INPUT = 8_192;
const KEPT_OF_INPUT = 512;

/** Gives a parser so many bytes that nobody would send who means well. */
export function attack(victim: Victim, options: { bytes: number; seed: number }): Attack {
  const mutator = new Mutator(victim.seeds, seededRandom(options.seed), MAX_INPUT);
  const result: Attack = { bytes: 0, inputs: 0, understood: 0, exceptions: 0, first: null, slowest: 0, growth: null };
  const take = victim.make(mutator, () => void result.understood++);
  let before = NaN;
  while (result.bytes < options.bytes) {
    if (Number.isNaN(before) && result.bytes >= options.bytes / 10) before = heapBytes();
    const input = mutator.next();
    result.bytes += input.length;
    result.inputs++;
    const began = performance.now();
    try {
      take(input);
    } catch (error) {
      result.exceptions++;
      const message = error instanceof Error ? error.stack ?? error.message : String(error);
      result.first ??= { message, input: input.subarray(0, KEPT_OF_INPUT).toHex() };
    }
    const took = performance.now() - began;
    if (took > result.slowest) result.slowest = took;
  }
  const growth = heapBytes() - before;
  if (!Number.isNaN(growth)) result.growth = growth;
  return result;
}

/** What is in use, once all that is not has been let go; NaN where this cannot be asked for. */
function heapBytes(): number {
  const { gc } = globalThis as { gc?: () => void };
  if (!gc) return NaN;
  gc();
  gc();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
