import { artifact } from "../../ffi/artifact.ts";

let compiled: Promise<WebAssembly.Module> | null = null;

/**
 * The decoder's module, compiled once a process; workers get it by message.
 *
 * @throws {SetupError} `module` where it is not built.
 */
export function decoderModule(): Promise<WebAssembly.Module> {
  if (compiled) return compiled;
  const attempt = (async () => WebAssembly.compile(await (await artifact("wasm")).bytes()))();
  compiled = attempt;
  // What failed for want of a build or a permission may be had later.
  attempt.catch(() => compiled = null);
  return attempt;
}
