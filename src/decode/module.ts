import { artifact } from "../../ffi/artifact.ts";

let compiled: Promise<WebAssembly.Module> | null = null;

/**
 * The decoder's module, compiled once a process; workers get it by message.
 *
 * @throws {SetupError} `module` where it is not built.
 */
export function decoderModule(): Promise<WebAssembly.Module> {
  if (compiled) return compiled;
  const attempt = read().then((bytes) => WebAssembly.compile(bytes));
  compiled = attempt;
  // What failed for want of a build or a permission may be had later.
  attempt.catch(() => compiled = null);
  return attempt;
}

/** From a server only once: after that there is a copy in the user's cache folder. */
async function read(): Promise<Uint8Array<ArrayBuffer>> {
  const found = await artifact("wasm");
  return found.location.protocol === "file:" ? await found.bytes() : await Deno.readFile(await found.path());
}
