import { libraryPath } from "../../../ffi/load.ts";
import { Companion } from "./companion.ts";
import { Median } from "./median.ts";
import type { FrameRead } from "./reader_process.ts";

const ENTRY = new URL("./reader_process.ts", import.meta.url);
const ARTIFACTS = new URL("../../../.millrace/artifacts.json", import.meta.url);

/** The other process, which reads the rings, and what it said so far. */
export class FramesElsewhere implements AsyncDisposable {
  readonly latency = new Median();
  readonly #process: Companion<FrameRead>;
  readonly #byRing = new Map<string, number>();
  #missed = 0;

  private constructor(library: string, rings: readonly string[]) {
    const artifacts = decodeURIComponent(ARTIFACTS.pathname);
    this.#process = new Companion<FrameRead>(ENTRY, {
      name: "reading",
      permissions: [`--allow-ffi=${library}`, `--allow-read=${artifacts}`],
      args: [...rings],
      onSaid: ({ ring, age, missed }) => {
        this.#byRing.set(ring, this.framesOf(ring) + 1);
        this.#missed += missed;
        this.latency.add(age);
      },
    });
  }

  /** Starts it. @param rings Names of rings that are there. */
  static async start(rings: readonly string[]): Promise<FramesElsewhere> {
    return new FramesElsewhere(await libraryPath(), rings);
  }

  get pid(): number {
    return this.#process.pid;
  }

  get frames(): number {
    return [...this.#byRing.values()].reduce((sum, count) => sum + count, 0);
  }

  get missed(): number {
    return this.#missed;
  }

  get ended(): Promise<Error | undefined> {
    return this.#process.ended;
  }

  framesOf(ring: string): number {
    return this.#byRing.get(ring) ?? 0;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}
