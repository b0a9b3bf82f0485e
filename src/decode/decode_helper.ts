import { InstanceHelper } from "../../wasm/mod.ts";
import type { FromHelperWorker, ToHelperWorker } from "../../workers/helper_protocol.ts";
import { spawnWorker } from "../../workers/spawn.ts";

/** A second thread for one instance, from the main thread's side. */
export class DecodeHelper {
  readonly #helper: InstanceHelper;
  #over = false;

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
      onOver(error);
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
    if (!this.#over) this.#helper.end("now");
  }
}
