import { assert, assertEquals, assertMatch } from "@std/assert";
import { cacheFolder, ensureSetup, PROJECT } from "../../tools/setup.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { shortClip } from "../support/clips.ts";
import { millrace } from "./command.ts";

const README = await Deno.readTextFile(`${PROJECT}/README.md`);

/** A program of the README by the name that the text in front of it gives it. */
function programOf(name: string): string {
  const match = new RegExp(`^\`${name}\`.*\n\n\`\`\`ts\n([^]*?)\n\`\`\`$`, "m").exec(README);
  if (!match) throw new Error(`the README has no ${name}`);
  return match[1];
}

/** The options that the README runs it with, for another camera. */
function optionsOf(name: string, camera: string): string[] {
  const line = README.split("\n").find((line) => line.startsWith("deno run") && line.includes(` ${name}`));
  if (!line) throw new Error(`the README does not run ${name}`);
  return line.split(" ").filter((word) => word.startsWith("--")).map((option) =>
    option.replace("192.168.1.64:554", camera).replaceAll("$B", cacheFolder()).replace("$D", Deno.execPath())
      .replace("=.,", `=${PROJECT},`)
  );
}

/** Runs a program of the README with the permissions that it says, beside the library. */
async function run(name: string, folder: string, camera: VirtualCamera): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-lock", `--config=${PROJECT}/deno.json`],
      ...optionsOf(name, `127.0.0.1:${camera.port}`),
      `${folder}/${name}`,
      camera.url("street"),
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  assertEquals({ name, code, stderr: new TextDecoder().decode(stderr) }, { name, code: 0, stderr: "" });
  return new TextDecoder().decode(stdout).trim().split("\n");
}

/** Looks whether their types are right. */
async function check(files: string[]): Promise<void> {
  const args = ["check", "--quiet", "--no-lock", `--config=${PROJECT}/deno.json`, ...files];
  const { code, stderr } = await new Deno.Command(Deno.execPath(), { args, env: { NO_COLOR: "1" } }).output();
  assertEquals({ code, stderr: new TextDecoder().decode(stderr) }, { code: 0, stderr: "" });
}

Deno.test("README: the programs run as they are, with the permissions that it says", async () => {
  await ensureSetup({ wants: ["library", "wasm"] });
  await using camera = await VirtualCamera.start({ files: { street: await shortClip() } });
  const folder = await Deno.makeTempDir();
  try {
    const names = ["watch.ts", "read.ts", "motion.ts"];
    for (const name of names) {
      // Next to mod.ts they would be files of the project's.
      await Deno.writeTextFile(`${folder}/${name}`, programOf(name).replaceAll('"./', `"${PROJECT}/`));
    }
    await check(names.map((name) => `${folder}/${name}`));
    const [watched, read, motions] = await Promise.all(
      names.map((name) => run(name, folder, camera)),
    );
    assertMatch(watched[0], /^320 240 \d+\.\d ms$/);
    assert(watched.length > 100, `${watched.length} frames`);
    assertMatch(read[0], /^480 270 388800 \d+$/);
    assertMatch(motions.at(-1)!, /^3\.\d s: \d+\.\d % moved$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("README: the commands and options that it shows are there", async () => {
  const lines = README.split("\n").filter((line) => line.startsWith("deno task millrace "));
  assert(lines.length >= 5);
  await Promise.all(lines.map(async (line) => {
    const words = line.split(/ [|#] /)[0].split(/\s+/).slice(3);
    const command = words[0] === "shm" ? words.slice(0, 2) : words.slice(0, 1);
    const { code, stdout } = await millrace(...command, "--help");
    assertEquals(code, 0, line);
    for (const option of words.filter((word) => word.startsWith("--"))) {
      assert(stdout.includes(`  ${option} `), `${command.join(" ")} has no ${option}`);
    }
  }));
});
