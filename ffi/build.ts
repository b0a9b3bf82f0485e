import { SetupError } from "../src/media/errors.ts";
import { exists, hashOf, moveInto } from "./build_folder.ts";

/** The packages of Debian that {@linkcode buildLibrary} needs, and what for. */
export const FFI_BUILD_PACKAGES: readonly { readonly name: string; readonly why: string }[] = [
  { name: "gcc", why: "compiles the C library" },
  { name: "libc6-dev", why: "has the headers of the system's C library, which the C library is compiled against" },
];

/** How the library is compiled; a test's own options come on top. */
export const COMPILE_FLAGS: readonly string[] = [
  "-std=c11",
  "-O2",
  "-Wall",
  "-Wextra",
  "-Wconversion",
  "-Werror",
  "-fPIC",
  "-fvisibility=hidden",
  "-pthread",
  "-fstack-protector-strong",
  "-fstack-clash-protection",
  "-U_FORTIFY_SOURCE",
  "-D_FORTIFY_SOURCE=2",
];

/** How it is linked: nothing writable that need not be, nothing left to be found at run time, and never unloaded: its handles, and
 * what it does when the process ends, outlive the thread that opened it. */
export const LINK_FLAGS: readonly string[] = [
  "-shared",
  "-Wl,-soname,libmillrace.so",
  "-Wl,-z,relro,-z,now,-z,noexecstack,-z,nodelete,--no-undefined",
];

/** How far a build is. */
export interface BuildProgress {
  /** From 0 to 1. */
  done: number;
  what: string;
}

export interface BuildLibraryOptions {
  /** Builds are kept below this folder, each in one that is named by what it was built from. */
  cacheDir: string;
  onProgress?: (progress: BuildProgress) => void;
  signal?: AbortSignal;
}

const FOLDER = new URL("./", import.meta.url);
/** Lines of the compiler's output that an error shows: the last ones name the file and the line. */
const SHOWN_LINES = 12;

/**
 * Compiles the C library, or finds it compiled: the hash of its sources, the flags and the compiler's version says which
 * build is the right one. Any number of processes may build at once; the folder appears whole or not at all.
 *
 * Needs `--allow-read` for this folder, `--allow-read --allow-write` for `cacheDir`, and `--allow-run=cc`.
 *
 * @throws {SetupError} `library` where there is no compiler, or it fails: with its last lines.
 */
export async function buildLibrary(options: BuildLibraryOptions): Promise<{ libraryPath: string; hash: string }> {
  const { cacheDir, onProgress, signal } = options;
  signal?.throwIfAborted();
  onProgress?.({ done: 0, what: "C library" });
  const sources = await readSources();
  const compiler = await compile(["--version"], signal);
  const hash = await hashOf([compiler, COMPILE_FLAGS, LINK_FLAGS, Deno.build.target, [...sources]]);
  const folder = `${cacheDir}/ffi-${hash}`;
  const libraryPath = `${folder}/libmillrace.so`;
  if (!await exists(libraryPath)) {
    await Deno.mkdir(cacheDir, { recursive: true });
    const beside = await Deno.makeTempDir({ dir: cacheDir, prefix: ".ffi-" });
    try {
      const files = [...sources.keys()].filter((name) => name.endsWith(".c")).map((name) => path(name));
      await compile([...COMPILE_FLAGS, ...LINK_FLAGS, "-o", `${beside}/libmillrace.so`, ...files], signal);
      await Deno.chmod(beside, 0o755);
      await moveInto(beside, folder, libraryPath);
    } finally {
      await Deno.remove(beside, { recursive: true }).catch(() => {});
    }
  }
  onProgress?.({ done: 1, what: "C library" });
  return { libraryPath, hash };
}

/** The C files and headers by name, in a fixed order. */
async function readSources(): Promise<Map<string, string>> {
  if (FOLDER.protocol !== "file:") {
    throw new SetupError("library", "Cannot build the C library: its sources are not on this machine; use a release");
  }
  const names: string[] = [];
  for await (const entry of Deno.readDir(FOLDER)) {
    if (entry.isFile && /\.[ch]$/.test(entry.name)) names.push(entry.name);
  }
  const sources = new Map<string, string>();
  for (const name of names.sort()) sources.set(name, await Deno.readTextFile(path(name)));
  return sources;
}

/** Runs the compiler and gives what it prints. */
async function compile(args: string[], signal?: AbortSignal): Promise<string> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command("cc", { args, signal, stdin: "null", stdout: "piped", stderr: "piped" }).output();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    const packages = FFI_BUILD_PACKAGES.map(({ name }) => name).join(" ");
    throw new SetupError(
      "library",
      `Cannot build the C library: there is no C compiler (cc); run: apt-get install ${packages}`,
      { cause },
    );
  }
  signal?.throwIfAborted();
  if (output.success) return new TextDecoder().decode(output.stdout);
  const lines = new TextDecoder().decode(output.stderr).trim().split("\n").slice(-SHOWN_LINES);
  throw new SetupError("library", `Cannot build the C library: cc gave ${output.code}:\n${lines.join("\n")}`);
}

function path(name: string): string {
  return decodeURIComponent(new URL(name, FOLDER).pathname);
}
