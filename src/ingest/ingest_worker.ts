import { RtspError } from "../media/mod.ts";
import { libraryPath, loadLibrary, type NativeLibrary } from "../../ffi/load.ts";
import type { FromIngestWorker, ToIngestWorker } from "../../workers/ingest_protocol.ts";
import { spawnWorker } from "../../workers/spawn.ts";

/** What a camera on this thread hears of itself. */
export type CameraMessage = Exclude<FromIngestWorker, { type: "ready" }>;

/** The main thread's handle on the worker that holds all RTSP sessions. Started with the first camera, ended with the last. */
export class IngestWorker {
  static #shared: Promise<IngestWorker> | null = null;
  readonly library: NativeLibrary;
  readonly #worker: Worker;
  readonly #poll: number;
  readonly #count = new SharedArrayBuffer(4);
  readonly #cameras = new Map<number, (message: CameraMessage) => void>();
  #lastCamera = 0;
  #ended = false;

  /** @throws {SetupError} where the C library is not built, or may not be loaded. */
  static async shared(): Promise<IngestWorker> {
    const known = await IngestWorker.#shared?.catch(() => null);
    if (known && !known.#ended) return known;
    return await (IngestWorker.#shared = libraryPath().then((path) => new IngestWorker(path)));
  }

  private constructor(path: string) {
    this.library = loadLibrary(path);
    this.#poll = this.library.symbols.mr_poll_new();
    this.#worker = spawnWorker("ingest", { library: path });
    this.#worker.onmessage = (event: MessageEvent<FromIngestWorker>) => {
      const message = event.data;
      if (message.type !== "ready") this.#cameras.get(message.camera)?.(message);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(`The ingest worker stopped: ${event.message}`);
    };
    const init: ToIngestWorker = { type: "init", library: path, poll: this.#poll, count: this.#count };
    this.#worker.postMessage(init);
  }

  /** A number for a new camera, whose messages go to `take`. */
  add(take: (message: CameraMessage) => void): number {
    this.#cameras.set(++this.#lastCamera, take);
    return this.#lastCamera;
  }

  post(message: ToIngestWorker): void {
    if (this.#ended) return;
    this.#worker.postMessage(message);
    Atomics.add(new Int32Array(this.#count), 0, 1);
    this.library.symbols.mr_poll_wake(this.#poll);
  }

  /** Forgets a camera; with the last one the thread ends. */
  remove(camera: number): void {
    this.#cameras.delete(camera);
    if (this.#cameras.size === 0) this.#end();
  }

  #fail(reason: string): void {
    const takers = [...this.#cameras];
    this.#end();
    const { code, message, status, method } = new RtspError("closed", reason);
    for (const [camera, take] of takers) {
      take({ type: "failed", camera, error: { code, message, status, method }, retryAt: null });
      take({ type: "closed", camera });
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#worker.terminate();
    this.library.symbols.mr_close(this.#poll);
  }
}
