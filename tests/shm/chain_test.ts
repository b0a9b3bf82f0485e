import { assert, assertEquals } from "@std/assert";
import { ShmReader } from "../../src/shm/mod.ts";
import { chainFrame, contentsOf } from "./chain_frames.ts";
import { freshName } from "./rings.ts";

const CHILD = decodeURIComponent(new URL("./chain_child.ts", import.meta.url).pathname);

/** A process of the chain, once it is at its place. */
async function start(...args: string[]): Promise<Deno.ChildProcess> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", "--no-check", CHILD, ...args],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  assertEquals(new TextDecoder().decode((await output.read()).value), "ready\n");
  await output.cancel();
  return child;
}

async function ended(child: Deno.ChildProcess): Promise<Deno.CommandStatus> {
  const status = await child.status;
  await child.stdin.close().catch(() => {});
  return status;
}

Deno.test("frames pass through a chain of processes, whole, with all that is known of them, also past one that is killed", async () => {
  const COUNT = 240, KILL_AT = 70;
  const [one, two, three] = [freshName(), freshName(), freshName()];
  const a = await start("make", one, String(COUNT));
  let b = await start("pass", one, two);
  const c = await start("pass", two, three);
  await using reader = await ShmReader.open(three, { mode: "every", wait: 20_000 });
  await a.stdin.getWriter().write(new Uint8Array([10]));
  const numbers: number[] = [];
  let restarted: Promise<void> | null = null, atKill = 0;
  for (;;) {
    using frame = await reader.next();
    if (!frame) break;
    const number = frame.pts / 40_000;
    assertEquals(contentsOf(frame), contentsOf(chainFrame(number)));
    // C met a new writer, and so what it gives is another generation.
    const { generation } = chainFrame(number);
    assert(frame.generation === generation || (restarted && frame.generation === generation + 1));
    assertEquals(frame.missed, 0);
    numbers.push(number);
    if (number >= KILL_AT && !restarted) {
      restarted = (async () => {
        b.kill("SIGKILL");
        await ended(b);
        atKill = numbers.length;
        b = await start("pass", one, two);
      })();
    }
    if (number === COUNT - 1) break;
  }
  await restarted;
  const statuses = await Promise.all([ended(a), ended(b), ended(c)]);
  assertEquals(await reader.next(), null, "the end passes through the chain as well");
  assertEquals(statuses.map(({ code }) => code), [0, 0, 0]);
  assertEquals(numbers.slice(0, KILL_AT), Array.from({ length: KILL_AT }, (_, i) => i), "none is lost before the kill");
  assert(numbers.every((number, i) => i === 0 || number > numbers[i - 1]), "in order, and none twice");
  assert(numbers.length > atKill + 10, `${numbers.length - atKill} frames came after the kill`);
  const gaps = numbers.filter((number, i) => i > 0 && number !== numbers[i - 1] + 1).length;
  assertEquals(gaps, 1, "but for those that came while nobody passed them on");
  assertEquals(reader.stats(), { delivered: numbers.length, missed: 0, torn: 0, writers: 1 });
});

Deno.test("a thread writes a ring of its own, and another process's or thread's reader has it all", async () => {
  const COUNT = 100, name = freshName();
  const worker = new Worker(new URL("./chain_worker.ts", import.meta.url), { type: "module" });
  try {
    const ready = new Promise((resolve) => worker.onmessage = resolve);
    worker.postMessage({ name, count: COUNT });
    await ready;
    const other = await start("pass", name, `${name}-2`);
    await using near = await ShmReader.open(name, { mode: "every" });
    await using far = await ShmReader.open(`${name}-2`, { mode: "every" });
    worker.postMessage("go");
    const inverted = (pixels: Uint8Array) => pixels.map((value) => 255 - value);
    for (let i = 0; i < COUNT; i++) {
      using frame = (await near.next())!;
      using passed = (await far.next())!;
      const wanted = contentsOf(chainFrame(i));
      assertEquals(contentsOf(frame), wanted);
      assertEquals(contentsOf(passed), { ...wanted, pixels: inverted(wanted.pixels) });
    }
    assertEquals([await near.next(), await far.next()], [null, null]);
    assertEquals((await ended(other)).code, 0);
  } finally {
    worker.terminate();
  }
});
