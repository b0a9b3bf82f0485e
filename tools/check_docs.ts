import { PROJECT } from "./setup.ts";

/* deno run -A tools/check_docs.ts: runs the examples of the docstrings, and nothing else. */

const files = (await Promise.all(["mod.ts", "src", "ffi", "wasm", "workers"].map(withExamples))).flat().sort();
// Types and examples alone: without --doc's own selection every test of the folder would run along.
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["test", "-A", "--quiet", "--no-lock", "--doc", "--permit-no-files", ...files],
  cwd: PROJECT,
  stdin: "null",
  stdout: "inherit",
  stderr: "inherit",
}).output();
Deno.exit(code);

/** The files below a path that have an example; tests have none. */
async function withExamples(path: string): Promise<string[]> {
  if (path.endsWith(".ts")) {
    const shows = !path.endsWith("_test.ts") && /^ *\* ```ts\b/m.test(await Deno.readTextFile(`${PROJECT}/${path}`));
    return shows ? [path] : [];
  }
  const found: string[] = [];
  for await (const entry of Deno.readDir(`${PROJECT}/${path}`)) {
    if (entry.isDirectory || entry.name.endsWith(".ts")) found.push(...await withExamples(`${path}/${entry.name}`));
  }
  return found;
}
