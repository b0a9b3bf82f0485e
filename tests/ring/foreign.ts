import { TEST_CACHE } from "../../ffi/testing.ts";

let program: Promise<string> | null = null;

/** Compiles foreign.c, once for each text of it. */
export function foreignProgram(): Promise<string> {
  return program ??= compile();
}

async function compile(): Promise<string> {
  const source = decodeURIComponent(new URL("./foreign.c", import.meta.url).pathname);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await Deno.readFile(source)));
  const path = `${TEST_CACHE}/foreign-${digest.slice(0, 8).toHex()}`;
  if (await Deno.stat(path).then(() => true, () => false)) return path;
  await Deno.mkdir(TEST_CACHE, { recursive: true });
  const making = `${path}.${Deno.pid}`;
  const args = ["-O2", "-Wall", "-Wextra", "-Werror", "-o", making, source, "-lm"];
  const { success, stderr } = await new Deno.Command("cc", { args }).output();
  if (!success) throw new Error(`cc failed: ${new TextDecoder().decode(stderr)}`);
  await Deno.rename(making, path);
  return path;
}

/** Runs the stranger; its first line is what it says when it is ready. */
export async function foreign(...args: (string | number)[]): Promise<Deno.ChildProcess> {
  return new Deno.Command(await foreignProgram(), {
    args: args.map(String),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** All that a process says until it ends. */
export async function wordsOf(child: Deno.ChildProcess): Promise<string> {
  const { stdout, stderr, success } = await child.output();
  if (!success) throw new Error(`The foreign program failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trim();
}
