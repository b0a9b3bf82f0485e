import { buildLibrary } from "../ffi/build.ts";
import { makeClip } from "../src/camera/clip.ts";
import { SetupError } from "../src/media/errors.ts";
import { buildWasm } from "../wasm/build.ts";
import { installPackages, MissingPackages, missingPackages } from "./apt.ts";
import { PACKAGES, type Want } from "./packages.ts";
import { Progress } from "./progress.ts";

/** The project's folder. */
export const PROJECT = decodeURIComponent(new URL("../", import.meta.url).pathname).replace(/\/$/, "");
const STATE = `${PROJECT}/.millrace`;

/** What was built, and where; what nobody asked for yet is empty. */
export interface SetUp {
  library: string;
  wasm: string;
  clip: string;
}

interface Stamp extends SetUp {
  /** Hash of what the artifacts are built from. */
  inputs: string;
  /** What was asked for and is there. */
  wants: Want[];
}

interface Step {
  /** Its share of the whole, about its time in seconds on a small machine. */
  weight: number;
  run: (report: (done: number, what: string) => void) => Promise<void>;
}

/** Where builds are kept: the user's cache folder. */
export function cacheFolder(): string {
  const given = Deno.env.get("XDG_CACHE_HOME");
  return given?.startsWith("/") ? `${given}/millrace` : `${Deno.env.get("HOME") || "/root"}/.cache/millrace`;
}

/**
 * Makes sure that what is wanted is there: packages, builds, the clip. What was there the last time, and was built from
 * the same sources, is not looked at again, unless an update is asked for: then Debian's package sources are asked for
 * a newer FFmpeg.
 *
 * @throws {MissingPackages} where something has to be installed and cannot be.
 * @throws {SetupError} where a build fails.
 */
export async function ensureSetup(options: { wants: readonly Want[]; update?: boolean }): Promise<SetUp> {
  const { wants, update = false } = options;
  const inputs = await hashOfInputs();
  const before = await readStamp();
  // What was built from other sources stays in the list until it is asked for again: another program may be using it.
  const stamp: Stamp = before.inputs === inputs ? before : { ...before, inputs, wants: [] };
  if (!update && wants.every((want) => stamp.wants.includes(want)) && await present(stamp, wants)) return stamp;

  const progress = new Progress();
  const missing = await missingPackages(wants.flatMap((want) => PACKAGES[want]));
  const steps = stepsFor(wants, stamp, update);
  if (missing.length > 0) {
    steps.unshift({ weight: 60, run: (report) => installPackages(missing, progress, report) });
  }
  const total = steps.reduce((sum, { weight }) => sum + weight, 0);
  let past = 0;
  try {
    for (const { weight, run } of steps) {
      await run((done, what) => progress.show((past + weight * done) / total, what));
      past += weight;
    }
    if (steps.length > 0) progress.show(1, "everything is there");
  } finally {
    progress.end();
  }
  stamp.wants = [...new Set([...stamp.wants, ...wants])];
  await Deno.mkdir(STATE, { recursive: true });
  const { library, wasm } = stamp;
  await writeWhole("artifacts.json", { library: library || undefined, wasm: wasm || undefined });
  await writeWhole("stamp.json", stamp);
  return stamp;
}

/** The builds, each of which finds out for itself whether it was done before, and notes in the stamp where it is. */
function stepsFor(wants: readonly Want[], stamp: Stamp, update: boolean): Step[] {
  const cacheDir = cacheFolder();
  const steps: Record<string, Step> = {
    library: {
      weight: 3,
      run: async (report) => {
        const onProgress = ({ done, what }: { done: number; what: string }) => report(done, what);
        stamp.library = (await buildLibrary({ cacheDir, onProgress })).libraryPath;
      },
    },
    wasm: {
      weight: 120,
      run: async (report) => {
        const onProgress = ({ done, what }: { done: number; what: string }) => report(done, what);
        stamp.wasm = (await buildWasm({ cacheDir, onProgress, update })).wasmPath;
      },
    },
    clip: {
      weight: 5,
      run: async (report) => {
        report(0, "making the virtual camera's clip");
        stamp.clip = await makeClip({ cacheDir });
      },
    },
  };
  return wants.flatMap((want) => steps[want] ?? []);
}

/** As `ensureSetup`, for a command: what cannot be done is said in a few lines, and the program ends. */
export async function setUpOrExit(wants: readonly Want[], options: { update?: boolean } = {}): Promise<SetUp> {
  try {
    return await ensureSetup({ wants, ...options });
  } catch (error) {
    const known = error instanceof MissingPackages || error instanceof SetupError;
    console.error(known ? error.message : error);
    Deno.exit(1);
  }
}

async function present(stamp: Stamp, wants: readonly Want[]): Promise<boolean> {
  const paths: string[] = [`${STATE}/artifacts.json`];
  for (const want of wants) if (want === "library" || want === "wasm" || want === "clip") paths.push(stamp[want]);
  const found = await Promise.all(paths.map((path) => Deno.stat(path).then(({ isFile }) => isFile, () => false)));
  return found.every((one) => one);
}

async function readStamp(): Promise<Stamp> {
  const nothing = { library: "", wasm: "", clip: "", inputs: "", wants: [] };
  try {
    return { ...nothing, ...JSON.parse(await Deno.readTextFile(`${STATE}/stamp.json`)) };
  } catch {
    return nothing;
  }
}

/** Over everything that decides what is installed and built. */
async function hashOfInputs(): Promise<string> {
  const folders = await Promise.all(["ffi", "wasm", "wasm/kernels"].map(async (folder) => {
    const names: string[] = [];
    for await (const entry of Deno.readDir(`${PROJECT}/${folder}`)) {
      const builds = /\.[ch]$/.test(entry.name) ||
        /^(build|configuration|exports|ffmpeg_source|link)\.ts$/.test(entry.name);
      if (entry.isFile && builds) names.push(`${folder}/${entry.name}`);
    }
    return names.sort();
  }));
  const names = [...folders.flat(), "src/camera/clip.ts"];
  const texts = await Promise.all(names.map((name) => Deno.readTextFile(`${PROJECT}/${name}`)));
  const what = JSON.stringify([names, texts, PACKAGES, Deno.build.target, cacheFolder()]);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(what));
  return new Uint8Array(digest, 0, 12).toHex();
}

/** A file is there whole or not at all, whoever else writes it. */
async function writeWhole(name: string, value: unknown): Promise<void> {
  const part = `${STATE}/${name}.${crypto.randomUUID()}`;
  await Deno.writeTextFile(part, JSON.stringify(value) + "\n");
  await Deno.rename(part, `${STATE}/${name}`);
}

if (import.meta.main) {
  const [flag, ...more] = Deno.args;
  if (more.length > 0 || (flag !== undefined && flag !== "--update")) {
    const usage = "deno task build [--update], where --update asks Debian for a newer FFmpeg than was built";
    const asked = flag === "--help" || flag === "-h";
    (asked ? console.log : console.error)(usage);
    Deno.exit(asked ? 0 : 2);
  }
  const { library, wasm } = await setUpOrExit(["library", "wasm"], { update: flag === "--update" });
  console.log(`C library:  ${library}\nDecoder:    ${wasm}`);
}
