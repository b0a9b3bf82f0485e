/** The built-in filters that need no decoder. @module */
export { type Gate, gate } from "./gate.ts";
export { inspect } from "./inspect.ts";
export { interval, IntervalGate } from "./interval.ts";
