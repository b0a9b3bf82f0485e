import { decode } from "../../src/decode/mod.ts";
import { encodedFeed } from "../../src/feed/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import type { FrameFeed } from "../../src/media/mod.ts";
import { FileSource } from "../support/file_source.ts";

/** Milliseconds from picture to picture. */
const PACE = 20;
let clip: Promise<string> | null = null;

/** A small stream without reordering, made once a run. */
async function makeClip(): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "millrace-analysis-", suffix: ".h264" });
  const { success, stderr } = await new Deno.Command("ffmpeg", {
    args: [
      ...["-y", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=160x120:rate=50:duration=30"],
      ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "50", path],
    ],
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  globalThis.addEventListener("unload", () => Deno.removeSync(path));
  return path;
}

/** A camera that is decoded, and a witness: another branch of it, which must lose nothing whatever the analysis does. */
export class WitnessedCamera implements AsyncDisposable {
  readonly frames: FrameFeed;
  readonly #source: FileSource;
  readonly #witness: FrameFeed;
  readonly #counting: Promise<number[]>;
  readonly #timer: ReturnType<typeof setInterval>;
  #pushed = 0;
  #seen = 0;

  private constructor(source: FileSource) {
    this.#source = source;
    this.frames = encodedFeed(source).branch({ capacity: 200 }).pipe(decode());
    this.#witness = this.frames.branch({ capacity: 200 });
    this.#counting = this.#count();
    this.#timer = setInterval(() => {
      source.push();
      this.#pushed++;
    }, PACE);
  }

  static async start(): Promise<WitnessedCamera> {
    return new WitnessedCamera(new FileSource(await readVideoFile(await (clip ??= makeClip()))));
  }

  /** Frames that the witness has. */
  get seen(): number {
    return this.#seen;
  }

  /** Resolves when the witness has so many more frames. */
  async more(frames: number): Promise<void> {
    for (const until = this.#seen + frames; this.#seen < until;) await new Promise((r) => setTimeout(r, 10));
  }

  /** Stops the camera; the numbers of pictures pushed and of frames that came to the witness. */
  async finish(error?: Error): Promise<{ pushed: number; times: number[] }> {
    clearInterval(this.#timer);
    this.#source.end(error);
    return { pushed: this.#pushed, times: await this.#counting };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish();
    await this.frames[Symbol.asyncDispose]();
  }

  async #count(): Promise<number[]> {
    const times: number[] = [];
    try {
      for await (using frame of this.#witness) {
        times.push(frame.pts);
        this.#seen++;
      }
    } catch {
      // The camera's own failure, where a test makes one.
    }
    return times;
  }
}
