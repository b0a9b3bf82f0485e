import { errnoPhrase } from "../../ffi/errno.ts";
import type { NativeLibrary } from "../../ffi/load.ts";
import { spawnWorker } from "../../workers/spawn.ts";
import type { ToTlsWorker } from "../../workers/tls_protocol.ts";

/** The main thread's handle on the worker that encrypts. Started with the first camera that needs it, ended with the last. */
export class TlsThread {
  static #running: TlsThread | null = null;
  readonly #library: NativeLibrary;
  readonly #worker: Worker;
  readonly #poll: number;
  #users = 0;

  /** Who is done with it calls `leave()`. @throws {Error} where it cannot be started. */
  static use(library: NativeLibrary): TlsThread {
    const thread = TlsThread.#running ??= new TlsThread(library);
    thread.#users++;
    return thread;
  }

  private constructor(library: NativeLibrary) {
    this.#library = library;
    this.#poll = library.symbols.mr_poll_new();
    if (this.#poll < 0) throw new Error(`Cannot start the TLS worker: ${errnoPhrase(this.#poll)}`);
    this.#worker = spawnWorker("tls", { library: library.path });
    // Its streams end with it, which is how its cameras hear of that.
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end();
    };
    this.#post({ type: "init", library: library.path, poll: this.#poll });
  }

  open(connection: Omit<Extract<ToTlsWorker, { type: "open" }>, "type">): void {
    this.#post({ type: "open", ...connection });
  }

  leave(): void {
    if (--this.#users === 0) this.#end();
  }

  #post(message: ToTlsWorker): void {
    this.#worker.postMessage(message);
  }

  #end(): void {
    if (TlsThread.#running === this) TlsThread.#running = null;
    // Its wait ends, and it with it, once it has closed what it had open.
    this.#library.symbols.mr_close(this.#poll);
  }
}
