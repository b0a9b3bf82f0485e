/*
 * The rival of decode.ts in WebAssembly: the package @ffmpeg/core, FFmpeg's own program compiled by Emscripten, in a
 * worker of its own, because the package is made for one. Neither the library nor its tests import this file.
 */

/** Not a literal where it is imported, so that who only checks types does not download 32 MB. */
const PACKAGE = "npm:@ffmpeg/core@0.12.10";

/** What of the package is used. */
interface FfmpegCore {
  FS: { writeFile(path: string, data: Uint8Array): void; unlink(path: string): void };
  exec(...args: string[]): number;
  reset(): void;
  setLogger(logger: (line: { type: string; message: string }) => void): void;
}

/** What one run gave. */
interface CoreRun {
  frames: number;
  seconds: number;
}

type Reply = CoreRun | { error: string };

/** The package, in a thread. */
export class CoreRival implements Disposable {
  readonly #worker: Worker;

  constructor() {
    this.#worker = new Worker(import.meta.url, { type: "module", name: "rival" });
  }

  /**
   * Decodes a file once: the time of FFmpeg's program with the file in its memory, less the time of the same program
   * when it reads the file's packets and decodes none.
   *
   * @throws {Error} where the package cannot be had, or fails.
   */
  async decode(path: string): Promise<CoreRun> {
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

async function start(): Promise<(path: string) => Promise<CoreRun>> {
  const { default: create } = await import(PACKAGE) as { default: () => Promise<FfmpegCore> };
  const core = await create();
  let frames = 0;
  core.setLogger(({ message }) => {
    const count = message.match(/^frame=\s*(\d+)/)?.[1];
    if (count) frames = Number(count);
  });
  const timed = (...args: string[]) => {
    core.reset();
    const began = performance.now();
    const code = core.exec(...args);
    if (code !== 0) throw new Error(`@ffmpeg/core gave ${code} for ${args.join(" ")}`);
    return (performance.now() - began) / 1000;
  };
  return async (path) => {
    const input = `in${path.match(/\.\w+$/)?.[0] ?? ""}`;
    core.FS.writeFile(input, await Deno.readFile(path));
    const reading = timed("-i", input, "-an", "-c:v", "copy", "-f", "null", "-");
    const all = timed("-threads", "1", "-i", input, "-an", "-vsync", "passthrough", "-f", "null", "-");
    core.FS.unlink(input);
    return { frames, seconds: all - reading };
  };
}

/** Set in the worker alone: a page or a program has no such function. */
const scope = globalThis as { name?: string; onmessage?: unknown; postMessage?: (reply: Reply) => void };
if (scope.name === "rival") {
  const decode = start();
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
