import { assert, assertEquals } from "@std/assert";
import { Frame, NO_LEASE } from "../../src/media/mod.ts";
import { libraryPath } from "../../ffi/load.ts";
import { listRings, ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { foreign } from "./foreign.ts";
import { fillPattern, hasPattern } from "./pattern.ts";

const CHILD = decodeURIComponent(new URL("./kill_child.ts", import.meta.url).pathname);

async function child(role: "write" | "read", name: string): Promise<Deno.ChildProcess> {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-check",
      "--no-prompt",
      `--allow-ffi=${await libraryPath()}`,
      "--allow-read",
      CHILD,
      role,
      name,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

/** Waits for a process to say something, or to end. */
async function ready({ stdout }: Deno.ChildProcess): Promise<void> {
  const reader = stdout.getReader();
  await reader.read();
  await reader.cancel();
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const names = (name: string) => [...Deno.readDirSync("/dev/shm")].filter((entry) => entry.name.includes(name));

/** A reader of this process that goes on from writer to writer, and checks what it gets. */
async function follow(name: string, mode: "latest" | "every", signal: AbortSignal, seen: Map<string, number>) {
  const reader = await ShmReader.open(name, { wait: 60_000, mode, signal });
  try {
    for (let frame = await reader.next(); frame; frame = await reader.next()) {
      using held = frame;
      const { data } = held.planes[0];
      const words = new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
      assert(hasPattern(words, held.sequence), `frame ${held.sequence} of generation ${held.generation} is torn`);
      const { instance } = reader.header;
      assert(held.sequence > (seen.get(instance) ?? -1), `frame ${held.sequence} came out of order`);
      seen.set(instance, held.sequence);
    }
  } catch (error) {
    if (error !== signal.reason) throw error;
  } finally {
    await reader[Symbol.asyncDispose]();
  }
}

Deno.test("writers and readers killed at any moment wedge nobody, tear nothing, and leave nothing that the next start does not clean up", async () => {
  const name = `millrace-kill-${crypto.randomUUID()}`;
  const stop = new AbortController();
  const seen = [new Map<string, number>(), new Map<string, number>()];
  const following = [follow(name, "latest", stop.signal, seen[0]), follow(name, "every", stop.signal, seen[1])];
  let kills = 0;
  const kill = async (process: Deno.ChildProcess) => {
    try {
      process.kill("SIGKILL");
    } catch { /* It ended by itself: the assertion on its status says so. */ }
    const { signal } = await process.status;
    if (!process.stdout.locked) await process.stdout.cancel();
    assertEquals(signal, "SIGKILL");
    kills++;
  };

  // Two chains at once, so that a process starts while another is killed.
  const writers = async () => {
    for (let i = 0; i < 80; i++) {
      const writer = await child("write", name);
      // Some while they start and make their ring, most while they write.
      if (i % 5 === 0) await pause(Math.random() * 150);
      else {
        await ready(writer);
        // A dead writer is noticed after a silence: some live long enough for the next one to be met.
        await pause(Math.random() * (i % 4 === 1 ? 500 : 20));
      }
      await kill(writer);
      assert(names(name).length <= 1, "one ring at most has the name");
    }
  };
  const readers = async () => {
    for (let i = 0; i < 50; i++) {
      const ours = i % 5 === 0;
      const reader = ours ? await child("read", name) : await foreign("read", name, 1e9);
      if (ours) await ready(reader);
      await pause(Math.random() * 40);
      // A stranger ends at once where there is no ring at the moment.
      if (ours) await kill(reader);
      else {
        try {
          reader.kill("SIGKILL");
          kills++;
        } catch { /* Ended. */ }
        await reader.output();
      }
    }
  };
  await Promise.all([writers(), readers()]);
  assert(kills >= 100, `${kills} kills`);

  const left = await listRings();
  assert(left.filter((ring) => ring.name === name).every((ring) => ring.writer === "dead"));
  const words = new Uint32Array(128 * 64);
  const plane = { data: new Uint8Array(words.buffer), stride: 256, rowBytes: 256, rows: 128 };
  const shape = { width: 256, height: 128, format: "GRAY8" } as const;
  {
    // The next start has the name, and the readers that outlived all of it go on with it.
    await using ring = await ShmWriter.create(name, { slots: 4, ...shape });
    const { instance } = await asked(name, (reader) => reader.header);
    for (let sequence = 0; seen.some((map) => !map.has(instance)); sequence++) {
      fillPattern(words, sequence);
      const info = { ...shape, pts: 0, wallTime: null, receivedAt: 0, keyframe: false, corrupt: false };
      ring.write(new Frame({ ...info, sequence, generation: 0, missed: 0, streamId: 0 }, [plane], NO_LEASE));
      await pause(5);
    }
  }
  stop.abort();
  await Promise.all(following);
  for (const map of seen) assert(map.size > 5, `${map.size} writers were read`);
  assertEquals(names(name), []);
  assertEquals(names(".millrace-"), []);
});

async function asked<T>(name: string, ask: (reader: ShmReader) => T): Promise<T> {
  await using reader = await ShmReader.open(name);
  return ask(reader);
}
