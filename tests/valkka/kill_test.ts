import { assert, assertEquals } from "@std/assert";
import { ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { libraryPath } from "../../ffi/load.ts";
import { picture, RING, SHAPE } from "./frames.ts";
import { pause, sequenceOf } from "./pattern.ts";
import { freshRing, objectsOf, Peer } from "./peer.ts";

const CHILD = decodeURIComponent(new URL("./child.ts", import.meta.url).pathname);
const peerRing = (name: string) => ({ name, cells: 4, ...SHAPE });

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
      name,
      role,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

async function kill(process: Deno.ChildProcess): Promise<void> {
  try {
    process.kill("SIGKILL");
  } catch { /* It ended by itself: its status says so. */ }
  const { signal } = await process.status;
  if (!process.stdout.locked) await process.stdout.cancel();
  assertEquals(signal, "SIGKILL");
}

Deno.test("writers and readers on both sides killed at any moment: no torn or stale frame, nothing left after the next start", async () => {
  const name = freshRing();
  const stop = new AbortController();
  const delivered = { exact: 0, foreign: 0 };
  const follow = async () => {
    const reader = await ShmReader.open(name, { ...RING, mode: "every", wait: 60_000, signal: stop.signal });
    let writers = 0, last = -1;
    try {
      for (let frame = await reader.next(); frame; frame = await reader.next()) {
        using held = frame;
        if (reader.stats().writers !== writers) last = -1;
        writers = reader.stats().writers;
        const sequence = sequenceOf(held.planes[0].data);
        assert(sequence > last, `frame ${sequence} after ${last} of writer ${writers} (exact ${reader.exact})`);
        assertEquals(held.wallTime, 1_700_000_000_000 + sequence);
        last = sequence;
        delivered[reader.exact ? "exact" : "foreign"]++;
      }
    } catch (error) {
      if (error !== stop.signal.reason) throw error;
    } finally {
      await reader[Symbol.asyncDispose]();
    }
    return writers;
  };
  const following = follow();
  following.catch(() => {}); // It is awaited below.
  for (let i = 0; i < 24; i++) {
    const theirs = i % 3 === 2;
    const writer = theirs ? await Peer.start("server", peerRing(name)) : await child("write", name);
    const readers = i % 4 === 0 ? [await child("read", name)] : [await Peer.start("client", peerRing(name))];
    // Some while they make their ring, most while they write.
    if (i % 4 === 3) await pause(Math.random() * 60);
    else {
      if (writer instanceof Peer) {
        assertEquals(await writer.line(), "ready");
        await writer.tell("push 0 1000000 200");
      } else {
        const lines = writer.stdout.getReader();
        await lines.read();
        lines.releaseLock();
      }
      await pause(80 + Math.random() * 200);
    }
    for (const reader of readers) await (reader instanceof Peer ? reader.kill() : kill(reader));
    await (writer instanceof Peer ? writer.kill() : kill(writer));
  }
  {
    // The next start replaces whatever is there, and takes all of it away at its end.
    await using ring = await ShmWriter.create(name, RING);
    assertEquals(objectsOf(name).length, 2 + 2 * 4 + 1);
    const before = delivered.exact;
    for (let i = 0; delivered.exact < before + 3; i++) {
      ring.write(picture(i));
      // A reader that failed would else be waited for without end.
      await Promise.race([pause(5), following.then(() => Promise.reject(new Error("The reader ended")))]);
    }
    stop.abort();
  }
  assert(await following > 5, "it went from writer to writer");
  assert(delivered.exact > 50 && delivered.foreign > 50, JSON.stringify(delivered));
  assertEquals(objectsOf(name), []);
});
