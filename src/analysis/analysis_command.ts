import { SetupError } from "../media/mod.ts";

/** The entry of the process; written as a URL of this module, so that it is found from a disk as from a server. */
const ENTRY = new URL("../../workers/analysis.ts", import.meta.url);
const GUEST = new URL("../../workers/analysis/guest.ts", import.meta.url);

/** What an analysis's process is started with. */
export interface AnalysisCommand {
  deno: string;
  /** Arguments that run it, with nothing fetched. */
  run: string[];
  /** Whether any of it lies on a web server. */
  remote: boolean;
  /** Arguments that fetch what the module imports from the network, and run nothing of it. */
  fetch: string[];
}

/** A path as a list of permissions takes it. */
function pathOf(url: URL): string {
  return decodeURIComponent(url.pathname).replaceAll(",", ",,");
}

/** A module's URL. @throws {TypeError} where it is none that can be loaded. */
export function moduleUrl(module: URL | string): URL {
  let url: URL;
  try {
    url = new URL(module);
  } catch {
    throw new TypeError(
      `Cannot start an analysis of "${module}": expected a URL such as new URL("./motion.ts", import.meta.url)`,
    );
  }
  if (!["file:", "https:", "http:", "data:"].includes(url.protocol)) {
    throw new TypeError(`Cannot start an analysis of "${module}": expected a URL of a file or of a web server`);
  }
  return url;
}

/** The nearest deno.json above a file, where this program may look: it holds the import map that the module was written with. */
export async function configOf(module: URL): Promise<string | null> {
  if (module.protocol !== "file:") return null;
  for (let folder = new URL("./", module);; folder = new URL("../", folder)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const file = new URL(name, folder);
      if ((await Deno.permissions.query({ name: "read", path: file })).state !== "granted") return null;
      try {
        if ((await Deno.stat(file)).isFile) return decodeURIComponent(file.pathname);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) return null;
      }
    }
    if (folder.pathname === "/") return null;
  }
}

/**
 * The command of a process that may read the author's folder while it loads the module, and lower its own priority; that
 * may import from the module's own server what was fetched before; and nothing else. The author's thread in it has not even these.
 *
 * @param options.root The folder whose files the module may import.
 * @throws {SetupError} `permission` where this program may not start processes.
 */
export async function analysisCommand(
  module: URL,
  options: { root: URL | null; config: string | null; maxMemoryBytes: number },
): Promise<AnalysisCommand> {
  const deno = Deno.execPath();
  if ((await Deno.permissions.query({ name: "run", command: deno })).state !== "granted") {
    throw new SetupError(
      "permission",
      `Cannot start an analysis: it runs in a process of its own, which this program may not start; add --allow-run=${deno}`,
    );
  }
  const hosts = new Set([ENTRY, module].filter(({ protocol }) => /^https?:$/.test(protocol)).map(({ host }) => host));
  for (const host of hosts) {
    if ((await Deno.permissions.query({ name: "import", host })).state !== "granted") {
      throw new SetupError(
        "permission",
        `Cannot start an analysis of "${module}": this program may not import from ${host}; add --allow-import=${host}`,
      );
    }
  }
  const files = [GUEST, options.root].filter((url) => url?.protocol === "file:").map((url) => pathOf(url!));
  // Where this program itself may import from, and no further. Nothing is fetched while the author's code runs.
  const anywhere = (await Deno.permissions.query({ name: "import" })).state === "granted";
  const imports = anywhere ? ["--allow-import"] : hosts.size > 0 ? [`--allow-import=${[...hosts].join(",")}`] : [];
  const shared = ["--quiet", "--no-lock", options.config ? `--config=${options.config}` : "--no-config", ...imports];
  const heap = Math.ceil(options.maxMemoryBytes / 2 ** 20);
  return {
    deno,
    remote: hosts.size > 0,
    run: [
      "run",
      ...shared,
      "--no-prompt",
      "--cached-only",
      "--unstable-worker-options",
      `--v8-flags=--max-old-space-size=${heap}`,
      "--allow-sys=setPriority",
      ...(files.length > 0 ? [`--allow-read=${files.join(",")}`] : []),
      ENTRY.href,
    ],
    fetch: ["cache", ...shared, ENTRY.href, GUEST.href, module.href],
  };
}
