/** Compiles one of the rivals in bench/native, into a folder or else a temporary one; returns the program's path. */
export async function compileRival(
  name: string,
  libraries: readonly string[] = [],
  folder?: string,
  options: readonly string[] = [],
): Promise<string> {
  const source = decodeURIComponent(new URL(`./native/${name}.c`, import.meta.url).pathname);
  const program = `${folder ?? await Deno.makeTempDir({ prefix: "millrace-bench-" })}/${name.split("/").at(-1)}`;
  const flags = libraries.length === 0
    ? []
    : (await run("pkg-config", ["--cflags", "--libs", ...libraries])).trim().split(/\s+/);
  await run("cc", ["-O3", "-Wall", "-Wextra", "-o", program, source, ...flags, ...options]);
  return program;
}

/** Runs a program, and gives what it prints. */
export async function run(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
