// Pure: no I/O.
import type { FrameFeed, Warning } from "../media/mod.ts";

/** How to start an analysis. */
export interface AnalysisOptions {
  /** What it sees; the latest frame wins. It ends with this feed, and with this feed's error. */
  input: FrameFeed;
  /** What the author's code may do: nothing, said aloud. */
  permissions: "none";
  /** Frames held for it. @default {4} */
  slots?: number;
  /** Milliseconds that it may take over one frame. @default {5_000} */
  timeout?: number;
  /** Milliseconds that its module may take to load, packages to be fetched among it. @default {30_000} */
  loadTimeout?: number;
  /** Results that may wait for the program; when there are more, the oldest are dropped. @default {256} */
  maxResults?: number;
  /** Results a second at which it is ended. @default {1_000} */
  maxResultsPerSecond?: number;
  /** Bytes of a result as JSON at which it is ended. @default {1 MiB} */
  maxResultBytes?: number;
  /** Bytes that its process may have resident, Deno's own some 100 MiB among them. @default {512 MiB} */
  maxMemoryBytes?: number;
  /** Handed to the author's code; a JSON value. */
  parameters?: unknown;
  /** The folder whose files the module may import. @default {the module's own folder} */
  root?: URL;
  /** Rejects the start, and ends the analysis afterwards. */
  signal?: AbortSignal;
  /** Hears what the author's code writes to the console, code `console`, at most once a second. */
  onWarning?(warning: Warning): void;
}

/** Counters of an analysis; they only rise. */
export interface AnalysisStats {
  /** Frames that the author's code is done with. */
  frames: number;
  /** Frames that it did not get because newer ones were there. */
  missed: number;
  results: number;
  /** Results that the program was too slow for. */
  droppedResults: number;
  /** When the last result came, in Unix milliseconds; null before the first. */
  lastResultAt: number | null;
  /** Milliseconds from sending the last frame until the author's code was done with it. */
  lastFrameMs: number | null;
}

/** The options with their defaults. */
export type AnalysisLimits = Required<
  Pick<
    AnalysisOptions,
    | "slots"
    | "timeout"
    | "loadTimeout"
    | "maxResults"
    | "maxResultsPerSecond"
    | "maxResultBytes"
    | "maxMemoryBytes"
  >
>;

/** Below this, Deno itself has no room. */
const LEAST_MEMORY = 160 * 2 ** 20;

/** @throws {TypeError} for another permission than none. @throws {RangeError} for a number out of its range. */
export function limitsOf(options: AnalysisOptions): AnalysisLimits {
  if (options.permissions !== "none") {
    throw new TypeError(`Cannot start an analysis with permissions ${Deno.inspect(options.permissions)}: give "none"`);
  }
  const check = (name: keyof AnalysisLimits, fallback: number, least: number, most: number): number => {
    const value = options[name] ?? fallback;
    if (Number.isFinite(value) && value >= least && value <= most) return value;
    throw new RangeError(`Cannot start an analysis: ${name} is ${value}, expected ${least} to ${most}`);
  };
  return {
    slots: Math.round(check("slots", 4, 2, 1024)),
    timeout: check("timeout", 5_000, 10, 2 ** 31 - 1),
    loadTimeout: check("loadTimeout", 30_000, 100, 2 ** 31 - 1),
    maxResults: Math.round(check("maxResults", 256, 1, 2 ** 20)),
    maxResultsPerSecond: check("maxResultsPerSecond", 1_000, 1, 1e6),
    maxResultBytes: check("maxResultBytes", 2 ** 20, 16, 2 ** 28),
    maxMemoryBytes: check("maxMemoryBytes", 512 * 2 ** 20, LEAST_MEMORY, 2 ** 40),
  };
}
