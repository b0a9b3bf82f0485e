import { makeClip } from "../../camera/mod.ts";
import { cacheFolder } from "../cache_folder.ts";
import { Companion } from "./companion.ts";

const ENTRY = new URL("./camera_process.ts", import.meta.url);

/** Cameras of the virtual kind in a process of their own, which may listen and read its clip. */
export class VirtualCameras implements AsyncDisposable {
  readonly names: readonly string[];
  /** Their addresses, in the order of the names; rejects where the process ends before it says them. */
  readonly urls: Promise<string[]>;
  readonly #process: Companion<{ urls: string[] }>;

  private constructor(clip: string, names: readonly string[]) {
    const started = Promise.withResolvers<string[]>();
    this.names = names;
    this.#process = new Companion<{ urls: string[] }>(ENTRY, {
      name: "camera",
      permissions: ["--allow-net=127.0.0.1", `--allow-read=${clip}`],
      args: [clip, ...names],
      onSaid: ({ urls }) => started.resolve(urls),
    });
    void this.ended.then((error) => started.reject(error ?? new Error("The camera process was ended")));
    this.urls = started.promise;
    this.urls.catch(() => {}); // whoever waits for them hears of it
  }

  static async start(names: readonly string[]): Promise<VirtualCameras> {
    return new VirtualCameras(await makeClip({ cacheDir: cacheFolder() }), names);
  }

  /** Settles when the process is gone: with why, where nobody had told it to go. */
  get ended(): Promise<Error | undefined> {
    return this.#process.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#process[Symbol.asyncDispose]();
  }
}
