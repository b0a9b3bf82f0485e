import { TEST_CACHE } from "../../ffi/testing.ts";

let program: Promise<string> | null = null;

/** Compiles peer.c, once for each text of it. */
export function peerProgram(): Promise<string> {
  return program ??= compile();
}

async function compile(): Promise<string> {
  const source = decodeURIComponent(new URL("./peer.c", import.meta.url).pathname);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(source)));
  const path = `${TEST_CACHE}/valkka-peer-${digest.slice(0, 8).toHex()}`;
  if (await Deno.stat(path).then(() => true, () => false)) return path;
  await Deno.mkdir(TEST_CACHE, { recursive: true });
  const making = `${path}.${Deno.pid}`;
  const args = ["-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", making, source];
  const { success, stderr } = await new Deno.Command("cc", { args }).output();
  if (!success) throw new Error(`cc failed: ${new TextDecoder().decode(stderr)}`);
  await Deno.rename(making, path);
  return path;
}

/** A ring as both sides are told of it. */
export interface PeerRing {
  name: string;
  kind?: "rgb" | "bytes" | "mp4";
  cells: number;
  width: number;
  height?: number;
}

/** What stands in for libValkka in a process of its own. Disposing kills it, and does what its users do: `rm -f` what it left. */
export class Peer implements AsyncDisposable {
  readonly process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #lines: ReadableStreamDefaultReader<Uint8Array>;
  #pending = "";
  readonly #name: string;
  #over = false;

  private constructor(process: Deno.ChildProcess, name: string) {
    this.process = process;
    this.#name = name;
    this.#writer = process.stdin.getWriter();
    this.#lines = process.stdout.getReader();
  }

  /** Starts one; it has said nothing yet. */
  static async start(role: "server" | "client", ring: PeerRing): Promise<Peer> {
    const { name, kind = "rgb", cells, width, height = 1 } = ring;
    const args = [role, name, kind, cells, width, height].map(String);
    return new Peer(
      new Deno.Command(await peerProgram(), { args, stdin: "piped", stdout: "piped", stderr: "inherit" }).spawn(),
      name,
    );
  }

  /** Starts one that has attached, or made its ring. */
  static async ready(role: "server" | "client", ring: PeerRing): Promise<Peer> {
    const peer = await Peer.start(role, ring);
    const word = await peer.line();
    if (word !== "ready") throw new Error(`The peer said "${word}"`);
    return peer;
  }

  /** The next line it says; null at the end. */
  async line(): Promise<string | null> {
    for (;;) {
      const end = this.#pending.indexOf("\n");
      if (end >= 0) {
        const line = this.#pending.slice(0, end);
        this.#pending = this.#pending.slice(end + 1);
        return line;
      }
      const { value, done } = await this.#lines.read();
      if (done) return null;
      this.#pending += new TextDecoder().decode(value);
    }
  }

  /** Tells it something without waiting for the answer. */
  tell(words: string): Promise<void> {
    return this.#writer.write(new TextEncoder().encode(`${words}\n`));
  }

  /** Tells it something, and gives its answer. */
  async ask(words: string): Promise<string> {
    await this.tell(words);
    const line = await this.line();
    if (line === null) throw new Error(`The peer ended at "${words}"`);
    return line;
  }

  /** Ends it as libValkka's destructors would. */
  async quit(): Promise<void> {
    await this.tell("quit");
    await this.#end();
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    try {
      this.process.kill("SIGKILL");
    } catch { /* It ended by itself. */ }
    await this.#end();
  }

  async #end(): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    while (await this.line() !== null) { /* To the end. */ }
    await this.process.status;
    await this.#writer.close().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#over) return;
    await this.kill();
    for (const object of objectsOf(`${this.#name}`)) {
      if (object.includes("_valkka_")) await Deno.remove(`/dev/shm/${object}`).catch(() => {});
    }
  }
}

/** A name that no other test has, and that no other ring's cells can have. */
export const freshRing = () => `vk-${crypto.randomUUID()}-t`;

/** What there is in shared memory of a ring. */
export function objectsOf(name: string): string[] {
  return [...Deno.readDirSync("/dev/shm")].map((entry) => entry.name).filter((entry) => entry.includes(name)).sort();
}
