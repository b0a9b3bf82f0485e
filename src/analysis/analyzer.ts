// Pure: no I/O.
import type { FrameInfo, Plane } from "../media/mod.ts";

/**
 * One picture, as an author's code gets it. The planes have no padding: `stride` is `rowBytes`.
 *
 * Ownership: the pixels are the author's, to read and to write, until its function's promise is done; then the next
 * frame takes their place. Copy what must last.
 */
export interface AnalysisFrame extends Omit<FrameInfo, "keyframe"> {
  readonly planes: readonly Plane[];
  /** Milliseconds since the last packet of it reached this host. */
  readonly age: number;
}

/** What an author's code has beside the frame. */
export interface AnalysisContext<Parameters = unknown, Result = unknown> {
  /** What the program passed as `parameters`. */
  readonly parameters: Parameters;
  /** Passes on a result at once: for code that has several of a frame, or any between two frames. A JSON value. */
  emit(result: Result): void;
}

/**
 * An author's function: called with one frame after the other, never with two at once. What it returns is a result, a JSON value;
 * `undefined` is none.
 */
export type Analyzer<Result, Parameters = unknown> = (
  frame: AnalysisFrame,
  context: AnalysisContext<Parameters, Result>,
) => Result | undefined | void | Promise<Result | undefined | void>;

/** An author's default export where it has something to do before the first frame. */
export interface AnalyzerObject<Result, Parameters = unknown> {
  /** Called once, before the first frame. */
  init?(context: AnalysisContext<Parameters, Result>): void | Promise<void>;
  analyze: Analyzer<Result, Parameters>;
}
