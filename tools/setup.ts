import { buildLibrary } from "../ffi/build.ts";
import { makeClip } from "../src/camera/clip.ts";
import { buildWasm } from "../wasm/build.ts";
import { ensurePackages, MissingPackages } from "./apt.ts";
import { PACKAGES, type Want } from "./packages.ts";
import { Progress } from "./progress.ts";

/** The project's folder. */
export const PROJECT = decodeURIComponent(new URL("../", import.meta.url).pathname).replace(/\/$/, "");
const STATE = `${PROJECT}/.millrace`;

/** What was built, where, and out of what. */
export interface SetUp {
  library: string;
  wasm: string;
  clip: string;
}

interface Stamp extends Partial<SetUp> {
  /** Hash of what the artifacts are built from. */
  inputs: string;
  /** What was asked for and is there. */
  wants: Want[];
}

/** Where builds are kept: the user's cache folder. */
export function cacheFolder(): string {
  const base = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? "/tmp"}/.cache`;
  return `${base}/millrace`;
}

/**
 * Makes sure that what is wanted is there: packages, builds, the clip. What was there the last time, and was built from the
 * same sources, is not looked at again.
 *
 * @throws {MissingPackages} where something has to be installed and cannot be.
 */
export async function ensureSetup(wants: readonly Want[]): Promise<SetUp> {
  const inputs = await hashOfInputs();
  const stamp = await readStamp();
  const same = stamp.inputs === inputs && wants.every((want) => stamp.wants.includes(want));
  if (same && await present(stamp, wants)) return stamp as SetUp;

  const progress = new Progress();
  const cacheDir = cacheFolder();
  const missing = wants.filter((want) => !stamp.wants.includes(want) || stamp.inputs !== inputs);
  await ensurePackages(missing.flatMap((want) => PACKAGES[want]), progress);
  const report = ({ done, what }: { done: number; what: string }) => progress.show(done, what);
  const result: Partial<SetUp> = { library: stamp.library, wasm: stamp.wasm, clip: stamp.clip };
  if (wants.includes("library")) result.library = (await buildLibrary({ cacheDir, onProgress: report })).libraryPath;
  if (wants.includes("wasm")) result.wasm = (await buildWasm({ cacheDir, onProgress: report })).wasmPath;
  if (wants.includes("clip")) {
    progress.show(0, "making the virtual camera's clip");
    result.clip = await makeClip({ cacheDir });
  }
  progress.end();
  const { library, wasm } = result;
  await Deno.mkdir(STATE, { recursive: true });
  await writeWhole(`${STATE}/artifacts.json`, JSON.stringify({ library, wasm }));
  const all = [...new Set([...(stamp.inputs === inputs ? stamp.wants : []), ...wants])];
  await writeWhole(`${STATE}/stamp.json`, JSON.stringify({ ...result, inputs, wants: all }));
  return result as SetUp;
}

/** As `ensureSetup`, for a command: what cannot be done is said in a few lines, and the program ends. */
export async function setUpOrExit(wants: readonly Want[]): Promise<SetUp> {
  try {
    return await ensureSetup(wants);
  } catch (error) {
    const known = error instanceof MissingPackages || error instanceof Error && error.name === "SetupError";
    console.error(known ? (error as Error).message : error);
    Deno.exit(1);
  }
}

async function present(stamp: Stamp, wants: readonly Want[]): Promise<boolean> {
  const paths: (string | undefined)[] = [`${STATE}/artifacts.json`];
  if (wants.includes("library")) paths.push(stamp.library);
  if (wants.includes("wasm")) paths.push(stamp.wasm);
  if (wants.includes("clip")) paths.push(stamp.clip);
  const found = await Promise.all(paths.map((path) => path && Deno.stat(path).then(() => true, () => false)));
  return found.every((one) => one === true);
}

async function readStamp(): Promise<Stamp> {
  try {
    return JSON.parse(await Deno.readTextFile(`${STATE}/stamp.json`));
  } catch {
    return { inputs: "", wants: [] };
  }
}

/** Over everything that decides what is built. */
async function hashOfInputs(): Promise<string> {
  const texts: string[] = [];
  for (const folder of ["ffi", "wasm"]) {
    const names: string[] = [];
    for await (const entry of Deno.readDir(`${PROJECT}/${folder}`)) {
      if (entry.isFile && (/\.[ch]$/.test(entry.name) || /^(build|configuration|exports)\.ts$/.test(entry.name))) {
        names.push(entry.name);
      }
    }
    for (const name of names.sort()) texts.push(name, await Deno.readTextFile(`${PROJECT}/${folder}/${name}`));
  }
  texts.push(await Deno.readTextFile(`${PROJECT}/src/camera/clip.ts`), Deno.build.target);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify(texts)));
  return new Uint8Array(digest, 0, 12).toHex();
}

/** A file is there whole or not at all, whoever else writes it. */
async function writeWhole(path: string, text: string): Promise<void> {
  const part = `${path}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(part, text + "\n");
  await Deno.rename(part, path);
}

if (import.meta.main) {
  const { library, wasm } = await setUpOrExit(["library", "wasm"]);
  console.log(`C library:  ${library}\nDecoder:    ${wasm}`);
}
