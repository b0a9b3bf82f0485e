import { assert, assertEquals } from "@std/assert";
import { libraryPath, loadLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { HEADER } from "../../src/ring/mod.ts";
import { ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { BYTES, picture, RING, SHAPE } from "./frames.ts";
import { sequenceOf } from "./pattern.ts";
import { freshRing, objectsOf, Peer } from "./peer.ts";

const peerRing = (name: string) => ({ name, cells: 4, ...SHAPE });

/** Makes a cell's objects anew, as a server does one cell after the other when it starts. */
async function replaceCell(name: string, cell: number): Promise<void> {
  for (const [segment, bytes] of [["payload", BYTES], ["meta", 32]] as const) {
    const path = `/dev/shm/${name}${cell}_valkka_${segment}`;
    await Deno.remove(path);
    await Deno.writeFile(path, new Uint8Array(bytes), { mode: 0o600 });
  }
}

async function removeObjects(name: string): Promise<void> {
  for (const object of objectsOf(name)) await Deno.remove(`/dev/shm/${object}`);
}

Deno.test("a reader that came while a server made its cells goes over to the new ones", async () => {
  const name = freshRing();
  const server = await Peer.ready("server", peerRing(name));
  await server.ask("push 0 3");
  server.process.kill("SIGKILL");
  await replaceCell(name, 0);
  await using reader = await ShmReader.open(name, { ...RING, mode: "every" });
  for (const cell of [1, 2, 3]) await replaceCell(name, cell);
  assertEquals(reader.pull(), null);
  await reader.wait(1_000);
  assertEquals(reader.stats().writers, 2);
  assertEquals(reader.pull(), null);
  await server[Symbol.asyncDispose]();
  await removeObjects(name);
});

Deno.test("a reader delivers nothing twice, whatever others do to the semaphores of a dead server", async () => {
  const name = freshRing();
  const { symbols } = loadLibrary(await libraryPath());
  const server = await Peer.ready("server", peerRing(name));
  await using reader = await ShmReader.open(name, { ...RING, mode: "every" });
  await server.ask("push 0 3");
  const sequences = [];
  for (let pulled = reader.pull(); pulled; pulled = reader.pull()) {
    sequences.push(sequenceOf(reader.slots[pulled.index].subarray(0, pulled.size)));
  }
  assertEquals(sequences, [0, 1, 2]);
  server.process.kill("SIGKILL");
  const count = symbols.mr_sem_open(cString(`${name}_valkka_ringbuffer`), 0, 0, 0);
  const flag = symbols.mr_sem_open(cString(`${name}_valkka_ringflag`), 0, 0, 0);
  assert(count > 0 && flag > 0);
  for (let turn = 0; turn < 10; turn++) {
    while (symbols.mr_sem_trywait(count) === 0) { /* To none. */ }
    for (let i = 0; i < 2; i++) symbols.mr_sem_post(count);
    symbols.mr_sem_post(flag);
    assertEquals(reader.pull(), null);
  }
  for (const handle of [count, flag]) symbols.mr_close(handle);
  await server[Symbol.asyncDispose]();
  await removeObjects(name);
});

Deno.test("what a writer published that died before it could say so is not waited for", async () => {
  const name = freshRing();
  const { symbols } = loadLibrary(await libraryPath());
  await using ring = await ShmWriter.create(name, RING);
  await using reader = await ShmReader.open(name, { ...RING, mode: "every" });
  assertEquals(reader.pull(), null);
  ring.write(picture(5));
  const side = symbols.mr_shm_open(cString(`${name}_millrace_side`), 1);
  assertEquals(symbols.mr_mem_store32(side, HEADER.signal, 0), 0);
  const began = performance.now();
  assert(await reader.wait(5_000));
  assert(performance.now() - began < 2_000);
  const { index, size } = reader.pull()!;
  assertEquals(sequenceOf(reader.slots[index].subarray(0, size)), 5);
  symbols.mr_close(side);
});
