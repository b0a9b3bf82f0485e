// Pure: no I/O.
import type { BranchStats } from "../media/mod.ts";

/** Counts what one reader has, or had, to the others'. */
export function add(sum: BranchStats, more: BranchStats): void {
  sum.received += more.received;
  sum.delivered += more.delivered;
  sum.dropped += more.dropped;
}
