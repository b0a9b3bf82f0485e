/** What one run gave. */
export interface RivalRun {
  frames: number;
  seconds: number;
}

type Reply = RivalRun | { error: string };

/** A package of npm's that decodes files, in a thread of its own. */
export class PackageRival implements Disposable {
  readonly #worker: Worker;

  /** @param module What the thread runs: it calls {@linkcode serveRival}. */
  constructor(module: URL) {
    this.#worker = new Worker(module, { type: "module", name: "rival" });
  }

  /**
   * Decodes a file once.
   *
   * @throws {Error} where the package cannot be had, or fails.
   */
  async decode(path: string): Promise<RivalRun> {
    this.#worker.postMessage(path);
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => resolve(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
    if ("error" in reply) throw new Error(reply.error);
    return reply;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/** In the thread: loads the package, and decodes what is asked for. Elsewhere, where only types are wanted, nothing. */
export function serveRival(load: () => Promise<(path: string) => Promise<RivalRun>>): void {
  const scope = globalThis as { name?: string; onmessage?: unknown; postMessage?: (reply: Reply) => void };
  if (scope.name !== "rival") return;
  const decode = load();
  scope.onmessage = async ({ data }: MessageEvent<string>) => {
    try {
      scope.postMessage!(await (await decode)(data));
    } catch (error) {
      scope.postMessage!({ error: error instanceof Error ? error.message : String(error) });
    }
  };
  // Said with the first reply.
  decode.catch(() => {});
}
