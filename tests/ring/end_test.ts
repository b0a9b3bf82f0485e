import { assertEquals } from "@std/assert";
import { libraryPath } from "../../ffi/load.ts";

const MODULE = new URL("../../src/shm/mod.ts", import.meta.url).href;

/** A program that makes a ring, says "ready", and ends in some way without disposing of it. */
async function program(name: string, end: string): Promise<Deno.ChildProcess> {
  const code = `
    import { ShmWriter } from ${JSON.stringify(MODULE)};
    const ring = await ShmWriter.create(${JSON.stringify(name)}, { maxBytes: 1000, slots: 2 });
    ${end === MINE ? end : `console.log("ready"); ${end}`}
  `;
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(path, code);
  const args = [
    "run",
    "--quiet",
    "--no-check",
    "--no-lock",
    `--allow-ffi=${await libraryPath()}`,
    "--allow-read",
    path,
  ];
  return new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped", stderr: "null" }).spawn();
}

const there = (name: string) => Deno.stat(`/dev/shm/${name}`).then(() => true, () => false);
const STAY = "setInterval(() => {}, 1000);";
const MINE = `Deno.addSignalListener("SIGTERM", () => Deno.kill(Deno.pid, "SIGKILL")); console.log("ready"); ${STAY}`;

Deno.test("a program's rings go with it, however it ends but by SIGKILL", async () => {
  const ends: [string, Deno.Signal | null, boolean][] = [
    ["", null, false],
    ["Deno.exit(3);", null, false],
    [`throw new Error("On purpose");`, null, false],
    [STAY, "SIGTERM", false],
    [STAY, "SIGINT", false],
    [STAY, "SIGHUP", false],
    [STAY, "SIGKILL", true],
    // Its own handler decides.
    [MINE, "SIGTERM", true],
  ];
  const left: [string, Deno.Signal | null, boolean][] = [];
  for (const [end, signal] of ends) {
    const name = `millrace-end-${crypto.randomUUID()}`;
    const child = await program(name, end);
    const lines = child.stdout.getReader();
    await lines.read();
    assertEquals(await there(name) || signal === null, true, "it was there");
    if (signal) child.kill(signal);
    const status = await child.status;
    if (signal && end === STAY) assertEquals(status.signal, signal);
    await lines.cancel();
    left.push([end, signal, await there(name)]);
    await Deno.remove(`/dev/shm/${name}`).catch(() => {});
  }
  assertEquals(left, ends);
});
