import { SetupError } from "../src/media/errors.ts";
import { exists, hashOf, moveInto } from "../ffi/build_folder.ts";
import {
  BRIDGE_FLAGS,
  FFMPEG_CONFIGURE,
  FFMPEG_LIBRARIES,
  FFMPEG_PACKAGE,
  KERNELS,
  LIBC_LIBRARIES,
  LINK_FLAGS,
  OPTIMIZE_FLAGS,
  WASM_BUILD_PACKAGES,
} from "./configuration.ts";
import { BRIDGE_FUNCTIONS } from "./exports.ts";
import { fetchSource, sourceVersion, updateLists } from "./ffmpeg_source.ts";
import { type FfmpegBuild, linkModule, TOOL_ENVIRONMENT } from "./link.ts";
import { runTool, type ToolOptions } from "./run_tool.ts";

export { WASM_BUILD_PACKAGES };

/** How far a build is. */
export interface BuildProgress {
  /** From 0 to 1. */
  done: number;
  what: string;
}

export interface BuildWasmOptions {
  /** Builds are kept below this folder, each in one that is named by what it was built from. */
  cacheDir: string;
  onProgress?: (progress: BuildProgress) => void;
  signal?: AbortSignal;
  /** Asks the package sources, and builds anew where they have another FFmpeg than was built. @default {false} */
  update?: boolean;
}

const FOLDER = new URL("./", import.meta.url);
/** What of ours is compiled, and its headers. */
const SOURCES = [
  "bridge.c",
  "bridge.h",
  "helper.c",
  "helper.h",
  "platform.c",
  "slices.h",
  ...KERNELS.map((name) => `kernels/${name}`),
];
/** Object files that FFmpeg's build makes with this configuration, to tell how far it is; a wrong number costs nothing but the look. */
const EXPECTED_OBJECTS = 200;

/**
 * Compiles FFmpeg and the bridge to WebAssembly, or finds them compiled. FFmpeg is kept by its version, configuration
 * and compiler, and the module by that and by our own sources, so that a change of the bridge takes seconds. Any number
 * of processes may build at once; a folder appears whole or not at all.
 *
 * @throws {SetupError} `module` where a tool is missing or fails: with its last lines.
 */
export async function buildWasm(options: BuildWasmOptions): Promise<{ wasmPath: string; hash: string }> {
  const { cacheDir, onProgress, signal, update = false } = options;
  signal?.throwIfAborted();
  if (FOLDER.protocol !== "file:") {
    throw new SetupError("module", "Cannot build the decoder: its sources are not on this machine; use a release");
  }
  const report = (done: number, what: string) => onProgress?.({ done, what });
  report(0, "looking for the decoder");
  const tool: ToolOptions = { signal, env: TOOL_ENVIRONMENT };
  const compiler = (await runTool("emcc", ["--version"], tool)).split("\n")[0];
  const sources = await Promise.all(SOURCES.map((name) => Deno.readTextFile(new URL(name, FOLDER))));

  // What was last built from this configuration is kept by name, so that finding it asks no package list.
  const parts = [FFMPEG_PACKAGE, FFMPEG_CONFIGURE, FFMPEG_LIBRARIES, LIBC_LIBRARIES];
  const configuration = [compiler, ...parts, LINK_FLAGS, BRIDGE_FLAGS, OPTIMIZE_FLAGS, BRIDGE_FUNCTIONS];
  const hash = await hashOf([configuration, sources]);
  const folder = `${cacheDir}/wasm-${hash}`;
  const wasmPath = `${folder}/millrace.wasm`;
  const done = () => {
    report(1, "decoder");
    return { wasmPath, hash };
  };
  const found = await exists(wasmPath);
  if (found && !update) return done();

  await Deno.mkdir(cacheDir, { recursive: true });
  const ffmpeg = await buildFfmpeg(cacheDir, compiler, tool, report);
  if (found && (await builtFrom(folder))?.ffmpeg.version === ffmpeg.version) return done();
  report(0.95, "linking the decoder");
  const beside = await Deno.makeTempDir({ dir: cacheDir, prefix: ".wasm-" });
  const old = `${beside}-old`;
  try {
    const functions = BRIDGE_FUNCTIONS;
    await linkModule({ sources: SOURCES, functions, ffmpeg, into: beside, name: "millrace.wasm" }, tool);
    const builtFrom: BuiltFrom = { ffmpeg, compiler };
    await Deno.writeTextFile(`${beside}/built-from.json`, JSON.stringify(builtFrom));
    await Deno.chmod(beside, 0o755);
    if (found) await Deno.rename(folder, old);
    await moveInto(beside, folder, wasmPath);
  } finally {
    for (const path of [beside, old]) await Deno.remove(path, { recursive: true }).catch(() => {});
  }
  return done();
}

/** What a finished build is made of, in the file `built-from.json` beside the module. */
export interface BuiltFrom {
  ffmpeg: FfmpegBuild;
  compiler: string;
}

/** Null where that cannot be read. */
async function builtFrom(folder: string): Promise<BuiltFrom | null> {
  try {
    const found: BuiltFrom = JSON.parse(await Deno.readTextFile(`${folder}/built-from.json`));
    return typeof found.ffmpeg === "object" ? found : null;
  } catch {
    return null;
  }
}

async function buildFfmpeg(
  cacheDir: string,
  compiler: string,
  tool: ToolOptions,
  report: (done: number, what: string) => void,
): Promise<FfmpegBuild> {
  report(0.02, "FFmpeg's source");
  const lists = await Deno.makeTempDir({ prefix: "millrace-apt-" });
  try {
    await updateLists(lists, tool);
    return await buildVersion(lists, cacheDir, compiler, tool, report);
  } finally {
    await Deno.remove(lists, { recursive: true }).catch(() => {});
  }
}

async function buildVersion(
  lists: string,
  cacheDir: string,
  compiler: string,
  tool: ToolOptions,
  report: (done: number, what: string) => void,
): Promise<FfmpegBuild> {
  const version = await sourceVersion(FFMPEG_PACKAGE, lists, tool);
  const hash = await hashOf([version, compiler, FFMPEG_CONFIGURE]);
  const folder = `${cacheDir}/ffmpeg-${hash}`;
  const result = { version, source: `${folder}/source`, build: `${folder}/build` };
  if (await exists(`${result.build}/${FFMPEG_LIBRARIES[0]}`)) return result;

  const beside = await Deno.makeTempDir({ dir: cacheDir, prefix: ".ffmpeg-" });
  try {
    await fetchSource(FFMPEG_PACKAGE, version, { folder: beside, lists, tool });
    const build = `${beside}/build`;
    await Deno.mkdir(build);
    report(0.08, `configuring FFmpeg ${version}`);
    await runTool(`${beside}/source/configure`, FFMPEG_CONFIGURE, { ...tool, cwd: build });
    let objects = 0;
    const count = (line: string) => {
      if (!/^(CC|HOSTCC)\s/.test(line)) return;
      objects++;
      report(0.45 + 0.5 * Math.min(1, objects / EXPECTED_OBJECTS), `compiling FFmpeg ${version}`);
    };
    const jobs = `-j${navigator.hardwareConcurrency}`;
    await runTool("make", [jobs, ...FFMPEG_LIBRARIES], { ...tool, cwd: build, onLine: count });
    await Deno.chmod(beside, 0o755);
    await moveInto(beside, folder, `${result.build}/${FFMPEG_LIBRARIES[0]}`);
  } finally {
    await Deno.remove(beside, { recursive: true }).catch(() => {});
  }
  return result;
}
