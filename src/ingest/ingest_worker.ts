import { RtspError } from "../media/mod.ts";
import { errnoPhrase } from "../../ffi/errno.ts";
import { loadLibrary, type NativeLibrary } from "../../ffi/load.ts";
import { type FromIngestWorker, recordOf, type ToIngestWorker } from "../../workers/ingest_protocol.ts";
import { spawnWorker } from "../../workers/spawn.ts";

/** Cameras of one worker; for more there is another. */
const MAX_CAMERAS = 64;

/** What a camera on this thread hears of itself. */
export type CameraMessage = Exclude<FromIngestWorker, { type: "ready" }>;

/** The main thread's handle on a worker that holds RTSP sessions. Started with its first camera, ended with its last. */
export class IngestWorker {
  static readonly #running = new Set<IngestWorker>();
  readonly library: NativeLibrary;
  readonly #worker: Worker;
  readonly #poll: number;
  readonly #count = new SharedArrayBuffer(4);
  readonly #cameras = new Map<number, (message: CameraMessage) => void>();
  #lastCamera = 0;
  #ended = false;

  /** How many there are. */
  static get running(): number {
    return IngestWorker.#running.size;
  }

  /**
   * A worker with room for a camera, which is to be added before anything is awaited: one without cameras ends.
   *
   * @param path Of the C library.
   * @throws {SetupError} where the library may not be loaded, or workers with permissions of their own are not switched on.
   */
  static withRoom(path: string): IngestWorker {
    for (const worker of IngestWorker.#running) {
      if (worker.library.path === path && worker.#cameras.size < MAX_CAMERAS) return worker;
    }
    return new IngestWorker(path);
  }

  private constructor(path: string) {
    this.library = loadLibrary(path);
    this.#poll = this.library.symbols.mr_poll_new();
    if (this.#poll < 0) throw new Error(`Cannot start the ingest worker: ${errnoPhrase(this.#poll)}`);
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
    IngestWorker.#running.add(this);
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
    const error = recordOf(new RtspError("closed", reason));
    for (const [camera, take] of takers) {
      take({ type: "failed", camera, error, retryAt: null });
      take({ type: "closed", camera });
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    IngestWorker.#running.delete(this);
    // The thread sees that its wait is gone, and leaves its loop; Deno could not make it.
    this.library.symbols.mr_close(this.#poll);
    this.#worker.terminate();
  }
}
