import { SetupError } from "../src/media/errors.ts";
import { artifact } from "./artifact.ts";
import { ABI, foreignInterface, type NativeSymbols } from "./symbols.ts";

/** The C library, opened. */
export interface NativeLibrary {
  /** Where it is; what a worker is given to open it, and what `--allow-ffi=` has to name. */
  readonly path: string;
  readonly symbols: NativeSymbols;
}

const opened = new Map<string, NativeLibrary>();

/**
 * Opens the C library, once per thread and path: it stays open until the thread ends, since handles outlive whoever
 * made them.
 *
 * @throws {SetupError} `library` where the file is missing, is no library, or has another interface; `permission` where Deno was
 * not told that it may be called.
 */
export function loadLibrary(path: string): NativeLibrary {
  const known = opened.get(path);
  if (known) return known;
  const symbols = open(path);
  const library: NativeLibrary = { path, symbols };
  opened.set(path, library);
  return library;
}

function open(path: string): NativeSymbols {
  try {
    // Asked alone first: a library of another version may lack functions, and should be told by its version.
    const probe = Deno.dlopen(path, { mr_abi: { parameters: [], result: "u32" } });
    const abi = probe.symbols.mr_abi();
    probe.close();
    if (abi !== ABI) {
      throw new SetupError(
        "library",
        `Cannot load the C library ${path}: its interface has version ${abi}, this program needs ${ABI}; ` +
          "run: deno task build",
      );
    }
    return Deno.dlopen(path, foreignInterface()).symbols as unknown as NativeSymbols;
  } catch (cause) {
    if (cause instanceof SetupError) throw cause;
    if (cause instanceof Deno.errors.NotCapable) {
      throw new SetupError(
        "permission",
        `Cannot load the C library: this program may not call it; run it with --allow-ffi=${path}`,
        { cause },
      );
    }
    const message = cause instanceof Error ? cause.message : String(cause);
    const missing = message.includes("No such file");
    throw new SetupError(
      "library",
      missing
        ? `Cannot load the C library: there is no ${path}; run: deno task build`
        : `Cannot load the C library ${path}: ${
          message.replace(/^(Could not open library: )+/, "")
        }; run: deno task build`,
      { cause },
    );
  }
}

let found: Promise<string> | null = null;

/**
 * Where the library is: built on this machine, or the copy of a release in the user's cache folder. It is looked up once a
 * thread: a program that a build overtakes goes on with the library whose handles it has.
 *
 * @throws {SetupError} see {@linkcode artifact}.
 */
export function libraryPath(): Promise<string> {
  if (found) return found;
  const attempt = artifact("library").then((library) => library.path());
  found = attempt;
  // What failed for want of a build or a permission may be had later.
  attempt.catch(() => found = null);
  return attempt;
}
