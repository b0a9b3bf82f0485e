import { assert, assertEquals, assertMatch } from "@std/assert";
import { millrace } from "./command.ts";

Deno.test("millrace --help names every command", async () => {
  const { code, stdout, stderr } = await millrace("--help");
  assertEquals([code, stderr], [0, ""]);
  for (const name of ["camera", "probe", "discover", "serve", "decode", "shm", "demo"]) {
    assertMatch(stdout, new RegExp(`^  ${name} `, "m"));
  }
  assertMatch(stdout, /Exit codes: 0, 1 .*, 2 /);
});

Deno.test("millrace COMMAND --help shows what it takes, and an example that begins as it is typed", async () => {
  const commands = [
    "camera",
    "probe",
    "serve",
    "decode",
    "shm",
    "shm list",
    "shm read",
    "shm watch",
    "shm clean",
    "demo",
  ];
  await Promise.all(commands.map(async (command) => {
    const { code, stdout, stderr } = await millrace(...command.split(" "), "--help");
    assertEquals([code, stderr], [0, ""], command);
    assertMatch(stdout, new RegExp(`^Usage: millrace ${command} \\[options\\]`), command);
    const examples = stdout.split(/\nExamples?:\n/)[1] ?? "";
    assert(examples.startsWith(`  millrace ${command}`), `${command} has no example`);
    assert(!stdout.includes("\x1b"));
  }));
});
