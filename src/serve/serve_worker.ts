import { requestNet } from "../../ffi/net_permission.ts";
import type { Warning } from "../media/mod.ts";
import { Doorbell } from "../../workers/doorbell.ts";
import {
  type FromServeWorker,
  readCounters,
  SERVER_COUNTERS,
  type ServerCounters,
  type ServeSettings,
  type StreamSettings,
  type ToServeWorker,
} from "../../workers/serve_protocol.ts";
import { loadWorkers, spawnWorker } from "../../workers/spawn.ts";

/** The main thread's handle on one serve worker. */
export class ServeWorker {
  readonly bell = new Doorbell();
  readonly #worker: Worker;
  readonly #onWarning: ((warning: Warning) => void) | undefined;
  readonly #counters = new SharedArrayBuffer(SERVER_COUNTERS.length * Float64Array.BYTES_PER_ELEMENT);
  readonly #listening = Promise.withResolvers<number>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<Error | undefined>();
  readonly #over = new Map<number, (error: Error | undefined) => void>();
  #lastStream = 0;
  #isClosed = false;

  /**
   * @throws {Deno.errors.NotCapable} where this program may not listen there.
   * @throws {Deno.errors.AddrInUse} and what else listening throws.
   */
  static async start(
    settings: ServeSettings,
    options: { onWarning?: (warning: Warning) => void } = {},
  ): Promise<{ worker: ServeWorker; port: number }> {
    await requestNet(settings.host, settings.port);
    await loadWorkers();
    const worker = new ServeWorker(settings, options.onWarning);
    return { worker, port: await worker.#listening.promise };
  }

  private constructor(settings: ServeSettings, onWarning?: (warning: Warning) => void) {
    this.#onWarning = onWarning;
    const { host, port, transports } = settings;
    const at = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    // Datagrams go wherever a client is, as far as this program may send them.
    this.#worker = spawnWorker("serve", { net: transports.includes("udp") ? null : at });
    this.#worker.onmessage = (event: MessageEvent<FromServeWorker>) => this.#take(event.data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end(new Error(`The serve worker stopped: ${event.message}`));
    };
    this.#post({ type: "init", settings, bell: this.bell.buffer, counters: this.#counters });
  }

  /** Settles when it serves no more: with what went wrong, or with undefined. Never rejects. */
  get ended(): Promise<Error | undefined> {
    return this.#ended.promise;
  }

  /** Offers a stream; `over` hears once that it is not served any more, with an error only where the thread stopped. */
  add(settings: StreamSettings, over: (error: Error | undefined) => void): number {
    const stream = ++this.#lastStream;
    this.#over.set(stream, over);
    this.#post({ type: "add", stream, settings });
    return stream;
  }

  endStream(stream: number): void {
    this.#post({ type: "end-stream", stream });
  }

  drop(stream: number): void {
    this.#post({ type: "drop", stream });
  }

  counters(): ServerCounters {
    return readCounters(SERVER_COUNTERS, this.#counters);
  }

  /** Idempotent; resolves when all sockets are closed. */
  close(): Promise<void> {
    this.#post({ type: "end" });
    return this.#closed.promise;
  }

  #post(message: ToServeWorker): void {
    if (!this.#isClosed) this.#worker.postMessage(message);
  }

  #take(message: FromServeWorker): void {
    switch (message.type) {
      case "listening":
        return this.#listening.resolve(message.port);
      case "failed":
        return this.#end(errorOf(message));
      case "over":
        this.#over.get(message.stream)?.(undefined);
        this.#over.delete(message.stream);
        break;
      case "warning":
        return this.#onWarning?.(message.warning);
      case "closed":
        return this.#end(undefined);
    }
  }

  #end(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#worker.terminate();
    this.#listening.reject(error);
    for (const over of this.#over.values()) over(error);
    this.#over.clear();
    this.#ended.resolve(error);
    this.#closed.resolve();
  }
}

/** An error that crossed a thread, as the class that its name says. */
function errorOf({ name, message }: { name: string; message: string }): Error {
  const classes = Deno.errors as unknown as Record<string, new (message: string) => Error>;
  return Object.hasOwn(classes, name) ? new classes[name](message) : new Error(message);
}
