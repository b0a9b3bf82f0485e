/** How long a process may take to end by itself once it is told to, in milliseconds. */
const PATIENCE = 400;

/**
 * Another process of the demo's: a module of this folder with permissions of its own. It lives until its standard input
 * ends, and so not longer than this process, however this one ends; it says things as lines of JSON.
 */
export class Companion<Said> implements AsyncDisposable {
  readonly pid: number;
  /** Settles when it is gone: with why, where nobody had told it to go. */
  readonly ended: Promise<Error | undefined>;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #told = false;

  /** @param onSaid Hears each line. */
  constructor(
    module: URL,
    options: { name: string; permissions: string[]; args: string[]; onSaid: (said: Said) => void },
  ) {
    const args = ["run", "--quiet", "--no-prompt", ...options.permissions, module.href, ...options.args];
    const command = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "piped" });
    this.#child = command.spawn();
    this.pid = this.#child.pid;
    this.#reading = this.#read(options.onSaid);
    this.ended = this.#watch(options.name);
  }

  /** Tells it to go; resolves when it is gone. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#told) {
      this.#told = true;
      await this.#child.stdin.close().catch(() => {}); // it may be gone already
    }
    const timer = setTimeout(() => {
      try {
        this.#child.kill("SIGKILL");
      } catch {
        // It went at the last moment.
      }
    }, PATIENCE);
    await this.ended;
    clearTimeout(timer);
  }

  async #read(onSaid: (said: Said) => void): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) onSaid(JSON.parse(line));
    }
  }

  async #watch(name: string): Promise<Error | undefined> {
    const [{ code, signal }, complaint] = await Promise.all([
      this.#child.status,
      new Response(this.#child.stderr).text(),
      this.#reading,
    ]);
    if (this.#told) return undefined;
    const why = complaint.trim().split("\n")[0] || (signal ? `it got ${signal}` : `its exit code is ${code}`);
    return new Error(`The ${name} process ended: ${why}`);
  }
}
