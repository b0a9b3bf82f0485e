import { assert, assertEquals, assertRejects } from "@std/assert";
import { ShmError } from "../../src/media/mod.ts";
import { freshRing } from "../valkka/peer.ts";
import { type Pen, WAYS } from "./protocols.ts";

/** Cuts the files that a ring's records are in. */
async function cut(name: string): Promise<void> {
  const files = [...Deno.readDirSync("/dev/shm")].map((entry) => entry.name)
    .filter((file) => file.includes(name) && !file.startsWith("sem."));
  assert(files.length > 0);
  for (const file of files) await Deno.truncate(`/dev/shm/${file}`, 0);
}

/** A libValkka server may not have survived. */
async function end(pen: Pen): Promise<void> {
  try {
    await pen[Symbol.asyncDispose]();
  } catch (error) {
    assert(error instanceof Deno.errors.BrokenPipe, String(error));
  }
}

for (const way of WAYS) {
  Deno.test(`a ring that is cut while it is read is as good as dead, and harms nobody [${way.name}]`, async () => {
    const name = freshRing();
    const pen = await way.pen(name);
    await pen.write(0, 2);
    const signal = AbortSignal.timeout(10_000);
    await using reader = await way.open(name, { mode: "every", reconnect: false, signal });
    // With a record there to be copied, and with a wait for the next one under way.
    await cut(name);
    for (let i = 0; i < 3; i++) assertEquals(reader.pull(), null);
    const error = await assertRejects(() => reader.next(), ShmError);
    assertEquals(error.code, "closed");
    if (way.exact) await pen.write(2, 1);
    await end(pen);
  });

  Deno.test(`a wait for a ring that is cut meanwhile ends [${way.name}]`, async () => {
    const name = freshRing();
    const pen = await way.pen(name);
    const signal = AbortSignal.timeout(10_000);
    await using reader = await way.open(name, { mode: "every", reconnect: false, signal });
    const waiting = assertRejects(() => reader.next(), ShmError);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await cut(name);
    assertEquals((await waiting).code, "closed");
    await end(pen);
  });
}
