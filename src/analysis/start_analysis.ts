import { AnalysisError } from "../media/mod.ts";
import { Analysis } from "./analysis.ts";
import { type AnalysisCommand, analysisCommand, configOf, moduleUrl } from "./analysis_command.ts";
import { type AnalysisOptions, limitsOf } from "./analysis_options.ts";
import { AnalysisProcess } from "./analysis_process.ts";

/** What Deno says of a module that it may not fetch. */
const NOT_FETCHED = /cached-only|not found in cache|not been installed|not cached|Not a directory/i;

/** Full-sized results that may wait in the process until this program reads them. */
const WAITING_RESULTS = 8;

/**
 * Starts somebody's code on frames, with no permission at all.
 *
 * The module's default export is an `Analyzer`, or an object with `init` and `analyze`. It runs in a thread without permissions of
 * a process without permissions, and gets the latest frame whenever it is done with the one before; what it returns comes out of the
 * iteration, as JSON has it. Code that throws, loops, floods or takes too much memory is ended, and the iteration throws
 * an `AnalysisError` that says so; the feed and its other branches do not notice.
 *
 * The module may import files of its own folder (or of `root`), npm packages, and modules of its own web server; what is to be
 * fetched is fetched before it runs. Where there is a deno.json above it that this program may read, its import map holds.
 *
 * ```ts ignore
 * await using motion = await startAnalysis<Motion>(new URL("./motion.ts", import.meta.url), { input, permissions: "none" });
 * for await (const { pts, score } of motion) console.log(pts, score);
 * ```
 *
 * @param module URL of the author's module.
 * @throws {AnalysisError} `load` where the module cannot be loaded, and its other codes where it fails while it loads.
 * @throws {SetupError} `permission` where this program may not start the process: it needs `--allow-run` for Deno itself.
 * @throws {TypeError} for a module that is no URL.
 * @throws {RangeError} for a number out of its range.
 */
export async function startAnalysis<Result>(
  module: URL | string,
  options: AnalysisOptions,
): Promise<Analysis<Result>> {
  const limits = limitsOf(options);
  const url = moduleUrl(module);
  const { signal, input } = options;
  signal?.throwIfAborted();
  const root = options.root ?? (url.protocol === "data:" ? null : new URL("./", url));
  const name = JSON.stringify(url.protocol === "data:" ? "data:" : url.pathname.split("/").at(-1));
  const { maxMemoryBytes } = limits;
  const command = await analysisCommand(url, { root, config: await configOf(url), maxMemoryBytes });
  const analysis = new Analysis<Result>({ name, limits, onWarning: options.onWarning });
  const launch = (env: Record<string, string> = {}) =>
    new AnalysisProcess({
      ...limits,
      deno: command.deno,
      args: command.run,
      env,
      name,
      setup: {
        module: url.href,
        parameters: options.parameters ?? null,
        maxMemoryBytes,
        maxWaiting: 2 * limits.maxResultsPerSecond + 1000,
        maxWaitingBytes: WAITING_RESULTS * limits.maxResultBytes,
      },
      onMessage: (message) => analysis.receive(message),
    });

  // Without a cache folder the Cache API, which no permission covers, has no disk to fill.
  let process = launch(command.remote ? {} : { DENO_DIR: "/dev/null" });
  try {
    let failure = await loading(process, name, limits.loadTimeout, signal);
    if (failure && failure.code === "load" && NOT_FETCHED.test(failure.message)) {
      await fetchImports(command, name, signal);
      process = launch();
      failure = await loading(process, name, limits.loadTimeout, signal);
    }
    if (failure) throw explain(failure, root);
    const abort = () => void analysis[Symbol.asyncDispose]();
    signal?.addEventListener("abort", abort, { once: true });
    void analysis.ended.then(() => signal?.removeEventListener("abort", abort));
    await analysis.run(process, input);
    signal?.throwIfAborted();
    return analysis;
  } catch (error) {
    await process.end(undefined);
    await analysis[Symbol.asyncDispose]();
    throw error;
  }
}

/** Waits until the module is loaded; what went wrong, or undefined. @throws the signal's reason. */
async function loading(
  process: AnalysisProcess,
  name: string,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<AnalysisError | undefined> {
  const abort = () => void process.end(undefined);
  signal?.addEventListener("abort", abort, { once: true });
  const timer = setTimeout(() => {
    void process.end(new AnalysisError("unresponsive", `Analysis ${name} was not loaded within ${timeout} ms`));
  }, timeout);
  await process.ready;
  clearTimeout(timer);
  signal?.removeEventListener("abort", abort);
  if (process.isReady && !signal?.aborted) return undefined;
  const failure = await process.ended;
  signal?.throwIfAborted();
  return failure;
}

/** Fetches what the module imports, in a process that runs nothing of it. @throws {AnalysisError} `load` */
async function fetchImports(command: AnalysisCommand, name: string, signal: AbortSignal | undefined): Promise<void> {
  const { success, stderr } = await new Deno.Command(command.deno, {
    args: command.fetch,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal,
  }).output();
  signal?.throwIfAborted();
  if (success) return;
  const said = new TextDecoder().decode(stderr).replace(/^error: /, "");
  throw new AnalysisError("load", `Cannot load analysis ${name}: ${said.trim().split("\n")[0].slice(0, 300)}`);
}

/** Says it in this library's words where Deno's are of a permission that nobody can give. */
function explain(failure: AnalysisError, root: URL | null): AnalysisError {
  const path = /Requires read access to "([^"]*)"/.exec(failure.message)?.[1];
  if (failure.code !== "load" || path === undefined) return failure;
  if (root?.protocol !== "file:") return failure;
  const start = failure.message.split(": ", 1)[0];
  const folder = decodeURIComponent(root.pathname);
  return new AnalysisError(
    "load",
    `${start}: it imports ${path}, which is not in ${folder}; name the folder as "root"`,
  );
}
