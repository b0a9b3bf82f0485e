import { SetupError } from "../src/media/errors.ts";

/** The two things that a compiler makes: the C library, and the WebAssembly module. */
export type ArtifactKind = "library" | "wasm";

/** Where a built thing is, and how to get at it. */
export interface Artifact {
  readonly location: URL;
  /** SHA-256 of its bytes in hexadecimal; a release has one, a build on this machine has none. */
  readonly sha256?: string;
  /** Its bytes, checked. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  /** A file on this machine: itself, or a checked copy in the user's cache folder. */
  path(): Promise<string>;
}

const NOUN = { library: "C library", wasm: "WebAssembly module" } as const;
const CODE = { library: "library", wasm: "module" } as const;
const FILE = { library: "libmillrace.so", wasm: "millrace.wasm" } as const;

/** What `artifacts.json` says of one thing: an absolute path or a URL, with a checksum where it may come from afar. */
type Entry = string | { url: string; sha256: string };

/** The list; a release's says what kind of machine its C library is for. */
type List = Partial<Record<ArtifactKind, Entry>> & { target?: string };

/**
 * Finds a built artifact by the list beside mod.ts, `.millrace/artifacts.json`. `deno task build` writes it with
 * absolute paths; in a release it has relative URLs with checksums, and the target triple of its library.
 *
 * @param options.list Where the list is, for tests. @default {`.millrace/artifacts.json` beside mod.ts}
 * @param options.cacheDir Where copies are kept. @default {`$XDG_CACHE_HOME/millrace` or `~/.cache/millrace`}
 * @throws {SetupError} `library` or `module` where it was not built; `permission` where the list may not be read.
 */
export async function artifact(
  kind: ArtifactKind,
  options: { list?: URL; cacheDir?: string } = {},
): Promise<Artifact> {
  const list = options.list ?? new URL("../.millrace/artifacts.json", import.meta.url);
  const { target, [kind]: entry } = await readList(kind, list);
  if (entry === undefined) throw notBuilt(kind);
  // The WebAssembly module is the same for every machine.
  if (kind === "library" && target !== undefined && target !== Deno.build.target) {
    throw failure(kind, `${list.href} has it for ${target} alone, and this is ${Deno.build.target}`);
  }
  const [reference, sha256] = typeof entry === "string" ? [entry, undefined] : [entry.url, entry.sha256];
  // An absolute path is no relative URL: "#" and "%" in a folder's name would mean something else there.
  const location = reference.startsWith("/") ? fileUrl(reference) : new URL(reference, list);
  if (location.protocol !== "file:" && !/^[0-9a-f]{64}$/.test(sha256 ?? "")) {
    throw failure(kind, `${list.href} has no checksum for it`);
  }
  const bytes = async () => {
    const read = await fetchBytes(kind, location);
    if (sha256 !== undefined && await digest(read) !== sha256) {
      throw failure(kind, `${location.href} is not what the release was made with (its checksum differs)`);
    }
    return read;
  };
  const path = async () => {
    if (location.protocol === "file:") return filePath(location);
    return await cached(kind, sha256!, options.cacheDir ?? cacheFolder(kind), bytes);
  };
  return { location, sha256, bytes, path };
}

async function readList(kind: ArtifactKind, list: URL): Promise<List> {
  try {
    if (list.protocol === "file:") return JSON.parse(await Deno.readTextFile(list));
    // Imported and not fetched: whoever may import this module may import its list, and it is cached with it.
    return (await import(list.href, { with: { type: "json" } })).default;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) throw notBuilt(kind, cause);
    if (cause instanceof Deno.errors.NotCapable) throw notPermitted(kind, cause);
    throw failure(kind, `${list.href} cannot be read: ${reason(cause)}`, cause);
  }
}

async function fetchBytes(kind: ArtifactKind, location: URL): Promise<Uint8Array<ArrayBuffer>> {
  try {
    if (location.protocol === "file:") return await Deno.readFile(location);
    const response = await fetch(location);
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
    await response.body?.cancel();
    throw new Error(`the server answered ${response.status}`);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) throw notBuilt(kind, cause);
    if (cause instanceof Deno.errors.NotCapable) throw notPermitted(kind, cause);
    throw failure(kind, `${location.href} cannot be fetched: ${reason(cause)}`, cause);
  }
}

/** A copy whose folder is named by its checksum: written beside and renamed, so that it is whole or not there. */
async function cached(
  kind: ArtifactKind,
  sha256: string,
  cacheDir: string,
  bytes: () => Promise<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  const folder = `${cacheDir}/${sha256}`;
  const path = `${folder}/${FILE[kind]}`;
  try {
    // Checked again and not trusted: what lies there is about to be run.
    const there = await readIfThere(path);
    if (there && await digest(there) === sha256) return path;
    const fresh = await bytes();
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const beside = `${folder}/.${crypto.randomUUID()}`;
    try {
      await Deno.writeFile(beside, fresh, { mode: 0o700, createNew: true });
      await Deno.rename(beside, path);
    } catch (cause) {
      await Deno.remove(beside).catch(() => {});
      throw cause;
    }
    return path;
  } catch (cause) {
    if (cause instanceof SetupError) throw cause;
    if (cause instanceof Deno.errors.NotCapable) throw notPermitted(kind, cause);
    throw failure(kind, `${folder} cannot be written: ${reason(cause)}`, cause);
  }
}

async function readIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
}

function cacheFolder(kind: ArtifactKind): string {
  try {
    const cache = Deno.env.get("XDG_CACHE_HOME");
    if (cache?.startsWith("/")) return `${cache}/millrace`;
    const home = Deno.env.get("HOME");
    if (home) return `${home}/.cache/millrace`;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw notPermitted(kind, cause);
    throw cause;
  }
  throw failure(kind, "there is no folder to keep it in: set HOME or XDG_CACHE_HOME");
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

function fileUrl(path: string): URL {
  const url = new URL("file:///");
  url.pathname = path.split("/").map(encodeURIComponent).join("/");
  return url;
}

function filePath(url: URL): string {
  return decodeURIComponent(url.pathname);
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function failure(kind: ArtifactKind, message: string, cause?: unknown): SetupError {
  return new SetupError(CODE[kind], `Cannot load the ${NOUN[kind]}: ${message}`, { cause });
}

function notBuilt(kind: ArtifactKind, cause?: unknown): SetupError {
  return failure(kind, "it is not built; run: deno task build", cause);
}

/** Deno's own message names the thing and the flag. */
function notPermitted(kind: ArtifactKind, cause: Error): SetupError {
  return new SetupError("permission", `Cannot load the ${NOUN[kind]}: ${cause.message}`, { cause });
}
