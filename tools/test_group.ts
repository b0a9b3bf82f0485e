import { PROJECT } from "./setup.ts";
import { type Counts, countsOf, failuresOf } from "./test_summary.ts";

/** No single test, nor the compiler before the first one, is silent for this long. */
const SILENCE_MS = 6 * 60_000;

/** Tests that share one process, `deno test` of some folders; several of these run at once. */
export class TestGroup {
  readonly counts: Promise<Counts>;
  /** What it said of the tests that failed; empty where none did, or while it runs. */
  failures = "";
  #held: Uint8Array[] = [];
  #shown = false;

  /** Starts them. What they print is held back until {@link show}. */
  constructor(readonly args: readonly string[]) {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["test", "-A", "--no-check", "--no-prompt", "--no-lock", "--permit-no-files", ...args],
      cwd: PROJECT,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.counts = this.#follow(child);
  }

  /** Prints what there is so far, and the rest as it comes. */
  show(): void {
    this.#shown = true;
    for (const bytes of this.#held.splice(0)) write(bytes);
  }

  #say(bytes: Uint8Array): void {
    if (this.#shown) write(bytes);
    else this.#held.push(bytes);
  }

  async #follow(child: Deno.ChildProcess): Promise<Counts> {
    let silence: ReturnType<typeof setTimeout> | undefined;
    const watch = () => {
      clearTimeout(silence);
      silence = setTimeout(() => {
        const minutes = SILENCE_MS / 60_000;
        const text = `\nNothing from the tests for ${minutes} minutes: the last one above hangs, and is ended.\n`;
        this.#say(new TextEncoder().encode(text));
        child.kill("SIGKILL");
      }, SILENCE_MS);
    };
    let tail = "";
    const read = async (stream: ReadableStream<Uint8Array>) => {
      const decoder = new TextDecoder();
      for await (const bytes of stream) {
        this.#say(bytes);
        tail = (tail + decoder.decode(bytes, { stream: true })).slice(-20_000);
        watch();
      }
    };
    watch();
    const reading = Promise.all([read(child.stdout), read(child.stderr)]);
    const { code } = await child.status;
    clearTimeout(silence);
    // A process that a failed test left behind may hold the pipe open.
    await Promise.race([reading, new Promise((done) => setTimeout(done, 2000))]);
    if (code !== 0) this.failures = failuresOf(tail);
    return countsOf(tail, code);
  }
}

function write(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}
