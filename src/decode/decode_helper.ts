import { InstanceHelper } from "../../wasm/mod.ts";
import type { FromHelperWorker, ToHelperWorker } from "../../workers/helper_protocol.ts";
import { spawnWorker } from "../../workers/spawn.ts";

/** Milliseconds after which a thread that was told to end at once, and did not, is ended: what it runs may never be done. */
const PATIENCE = 2_000;

/** A second thread for one instance, from the main thread's side. */
export class DecodeHelper {
  readonly #helper: InstanceHelper;
  readonly #end: (error: string | null) => void;
  #over = false;
  #impatience: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param onOver Called once, when the thread has let go of the instance: with what went wrong, after which the instance traps.
   * @throws {SetupError} where the thread cannot be started.
   */
  constructor(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    at: number,
    onOver: (error: string | null) => void,
  ) {
    this.#helper = new InstanceHelper(memory, at);
    this.#helper.reset();
    const worker = spawnWorker("helper");
    const over = (error: string | null) => {
      if (this.#over) return;
      this.#over = true;
      clearTimeout(this.#impatience);
      onOver(error);
    };
    this.#end = (error) => {
      worker.terminate();
      over(error);
    };
    worker.onmessage = (event: MessageEvent<FromHelperWorker>) => over(event.data.error);
    worker.onerror = (event) => {
      event.preventDefault();
      over(event.message);
    };
    const message: ToHelperWorker = { module, memory, at };
    worker.postMessage(message);
  }

  /** Has it end between two pictures, its core being needed. */
  retire(): void {
    if (!this.#over) this.#helper.end("free");
  }

  /** Has it end, its instance being gone. */
  stop(): void {
    if (this.#over) return;
    this.#helper.end("now");
    this.#impatience ??= setTimeout(() => this.#end("The second thread did not end"), PATIENCE);
  }
}
