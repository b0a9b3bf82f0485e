import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { EventFdServer, shareEventFds, ShmWriter } from "../../src/shm/mod.ts";
import { Frame, ShmError } from "../../src/media/mod.ts";
import { libraryPath } from "../../ffi/load.ts";
import { picture, RING, SHAPE } from "../valkka/frames.ts";
import { pause } from "../valkka/pattern.ts";
import { freshRing, Peer } from "../valkka/peer.ts";

const PROJECT = decodeURIComponent(new URL("../../", import.meta.url).pathname);
const fresh = () => `event-fds-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
const shape = { width: 16, height: 8, format: "GRAY8" } as const;
const frame = (value: number) => Frame.of(new Uint8Array(128).fill(value), { ...shape, sequence: value });

/** A folder for a socket, which goes with the test. */
async function withSocket(run: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-events-" });
  try {
    await run(`${folder}/bells.sock`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A program of Python's that knows nothing of Millrace: it gets an eventfd for each name, and says what they count. */
const COUNTS = `
import os, selectors, socket, struct, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
server.connect(sys.argv[1])
loop = selectors.DefaultSelector()
for name in sys.argv[2:]:
    server.send(name.encode())
    answer, fds, _, _ = socket.recv_fds(server, 200, 1)
    if fds: loop.register(fds[0], selectors.EVENT_READ, name)
    else: print(name, answer.decode(), flush=True)
print("ready", flush=True)
while True:
    for key, _ in loop.select():
        print(key.data, struct.unpack("=Q", os.read(key.fd, 8))[0], flush=True)`;

class Counter implements AsyncDisposable {
  readonly process: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  #pending = "";

  constructor(path: string, ...names: string[]) {
    this.process = new Deno.Command("python3", { args: ["-c", COUNTS, path, ...names], stdout: "piped" }).spawn();
    this.#lines = this.process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async line(): Promise<string> {
    while (!this.#pending.includes("\n")) {
      const { value, done } = await this.#lines.read();
      if (done) throw new Error("The program ended");
      this.#pending += value;
    }
    const [line, ...rest] = this.#pending.split("\n");
    this.#pending = rest.join("\n");
    return line;
  }

  /** Reads until the eventfd of that name has counted so many. */
  async counts(name: string, total: number): Promise<void> {
    for (let sum = 0; sum < total;) {
      const [of, count] = (await this.line()).split(" ");
      assertEquals(of, name);
      sum += Number(count);
      assert(sum <= total, `${sum} of ${total}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.process.kill("SIGKILL");
    await this.#lines.cancel();
    await this.process.status;
  }
}

Deno.test("another program gets eventfds that count what is published in rings of either protocol, by any process", async () => {
  await withSocket(async (path) => {
    const names = [fresh(), freshRing(), freshRing()], none = fresh();
    await using ours = await ShmWriter.create(names[0], shape);
    await using side = await ShmWriter.create(names[1], RING);
    await using theirs = await Peer.ready("server", { name: names[2], cells: 4, ...SHAPE });
    const server = await shareEventFds(path);
    await using counter = new Counter(path, ...names, none);
    assertEquals(await counter.line(), `${none} error: there is no ring of that name`);
    assertEquals(await counter.line(), "ready");
    assertEquals(server.stats(), { clients: 1, eventFds: 3, given: 3, refused: 1 });
    for (let i = 1; i < 50; i++) {
      ours.write(frame(i));
      await counter.counts(names[0], 1);
      side.write(picture(i));
      await counter.counts(names[1], 1);
    }
    for (let i = 0; i < 500; i++) ours.write(frame(i));
    await counter.counts(names[0], 500);
    await theirs.ask("push 1 1");
    assertMatch(await counter.line(), new RegExp(`^${names[2]} 1$`));
    await server[Symbol.asyncDispose]();
    assertEquals(server.stats(), null);
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  });
});

Deno.test("a client that dies, or sends garbage, leaves nothing; the eventfds follow a ring across its writers", async () => {
  await withSocket(async (path) => {
    const name = fresh();
    await using server = await shareEventFds(path, { mode: 0o660 });
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o660);
    let ring = await ShmWriter.create(name, shape);
    const dying = new Counter(path, name, name, name);
    assertEquals(await dying.line(), "ready");
    await using counter = new Counter(path, name);
    assertEquals(await counter.line(), "ready");
    const noise = new Deno.Command("python3", {
      args: [
        "-c",
        `
import os, socket, sys
for _ in range(50):
    try:
        link = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        link.connect(sys.argv[1])
        for _ in range(100): link.send(os.urandom(1 + os.urandom(1)[0] % 250)); link.recv(200)
    except OSError: pass`,
        path,
      ],
    });
    assertEquals((await noise.output()).code, 0);
    assertEquals(server.stats()!.eventFds, 4);
    await dying[Symbol.asyncDispose]();
    while (server.stats()!.clients > 1) await pause(5);
    assertEquals([server.stats()!.eventFds, server.stats()!.refused >= 50 * 60], [1, true]);
    for (let life = 0; life < 3; life++) {
      ring.write(frame(1));
      await counter.counts(name, 1);
      await ring[Symbol.asyncDispose]();
      await counter.counts(name, 1);
      ring = await ShmWriter.create(name, shape);
      await counter.counts(name, 1);
    }
    await ring[Symbol.asyncDispose]();
  });
});

Deno.test("shareEventFds() takes a dead server's socket, and not a living one's, nor anything else", async () => {
  await withSocket(async (path) => {
    const code = async (promise: Promise<EventFdServer>, words: string) =>
      (await assertRejects(() => promise, ShmError, words)).code;
    await Deno.writeTextFile(path, "mine");
    assertEquals(await code(shareEventFds(path), "something that is no socket"), "in-use");
    assertEquals(await Deno.readTextFile(path), "mine");
    await Deno.remove(path);
    const script = `
import { shareEventFds } from "${new URL("../../mod.ts", import.meta.url)}";
const bells = await shareEventFds("${path}");
console.log("ready");`;
    const args = ["eval", "--quiet", "--no-lock", "--no-check", script];
    const first = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
    const said = first.stdout.getReader();
    await said.read();
    assertEquals(await code(shareEventFds(path), "a running server has that path"), "in-use");
    first.kill("SIGKILL");
    await first.status;
    await said.cancel();
    assert((await Deno.stat(path)).isSocket);
    const stop = new AbortController();
    {
      await using server = await shareEventFds(path, { signal: stop.signal });
      assertEquals(await code(shareEventFds(path), "a running server has that path"), "in-use");
      stop.abort();
      assertEquals(server.closed, true);
    }
    await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
    const reason = await assertRejects(() => shareEventFds(path, { signal: stop.signal }));
    assertEquals(reason, stop.signal.reason);
    assertEquals(await code(shareEventFds(`${path}/deeper`), "no such folder"), "not-found");
    assertEquals(await code(shareEventFds("x".repeat(108)), "107 bytes"), "invalid");
    await assertRejects(() => shareEventFds(path, { mode: 0o400 }), RangeError, "0o400");
  });
});

Deno.test("shareEventFds() asks Deno for its path, and needs the library and nothing else", async () => {
  const library = await libraryPath();
  await withSocket(async (path) => {
    const script = `
import { shareEventFds } from "${new URL("../../src/shm/mod.ts", import.meta.url)}";
try {
  await using bells = await shareEventFds("${path}");
  console.log(bells.stats().clients);
} catch (error) { console.log(error.message); }`;
    const file = `${path}.ts`;
    await Deno.writeTextFile(file, script);
    const run = async (...more: string[]) => {
      const args = ["run", "--quiet", "--no-lock", "--no-check", "--no-prompt", `--config=${PROJECT}deno.json`]
        .concat(`--allow-ffi=${library}`, more, file);
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
      return new TextDecoder().decode(stdout).trim() || new TextDecoder().decode(stderr);
    };
    const read = `--allow-read=${PROJECT}`;
    assertEquals(await run(read), `Requires read access to "${path}", run again with --allow-read=${path}`);
    assertEquals(
      await run(`${read},${path}`),
      `Requires write access to "${path}", run again with --allow-write=${path}`,
    );
    assertEquals(await run(`${read},${path}`, `--allow-write=${path}`), "0");
  });
});
