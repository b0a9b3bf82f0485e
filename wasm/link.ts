import { SetupError } from "../src/media/errors.ts";
import { BRIDGE_FLAGS, FFMPEG_LIBRARIES, LIBC_LIBRARIES, LINK_FLAGS, OPTIMIZE_FLAGS } from "./configuration.ts";
import { runTool, type ToolOptions } from "./run_tool.ts";

/** A finished build of FFmpeg. */
export interface FfmpegBuild {
  version: string;
  /** The unpacked source. */
  source: string;
  /** Where it was built: its libraries and generated headers. */
  build: string;
}

const FOLDER = new URL("./", import.meta.url);
const LIBC_FOLDER = "/usr/share/emscripten/cache/sysroot/lib/wasm32-emscripten";

/** What the compiler needs to be told: where Debian put its modules for Node.js. */
export const TOOL_ENVIRONMENT = { NODE_PATH: "/usr/share/nodejs" };

/**
 * Compiles C files of this folder, links them with FFmpeg's libraries and writes a module.
 *
 * @param what.into A folder of the caller's, for the module and for what is made on the way and removed.
 * @param what.functions What the module exports.
 * @throws {SetupError} `module` where a tool is missing or fails: with its last lines.
 */
export async function linkModule(
  what: { sources: readonly string[]; functions: readonly string[]; ffmpeg: FfmpegBuild; into: string; name: string },
  tool: ToolOptions,
): Promise<void> {
  const { sources, functions, ffmpeg, into, name } = what;
  const kernels = sources.some((source) => source.startsWith("kernels/"));
  const objects: string[] = [];
  for (const source of sources.filter((source) => source.endsWith(".c"))) {
    const object = `${into}/${source.replace("/", "-").replace(/c$/, "o")}`;
    const path = decodeURIComponent(new URL(source, FOLDER).pathname);
    const includes = [`-I${ffmpeg.source}`, `-I${ffmpeg.build}`];
    await runTool("emcc", [...BRIDGE_FLAGS, ...includes, "-c", path, "-o", object], tool);
    objects.push(object);
  }
  const linked = `${into}/linked.wasm`;
  await runTool(await linker(), [
    "-o",
    linked,
    ...objects,
    ...FFMPEG_LIBRARIES.map((name) => `${ffmpeg.build}/${name}`),
    ...LIBC_LIBRARIES.map((name) => `${LIBC_FOLDER}/${name}`),
    // Without the kernels there is nothing to lead FFmpeg's calls to.
    ...LINK_FLAGS.filter((flag) => kernels || !flag.startsWith("--wrap=")),
    ...functions.map((name) => `--export=${name}`),
  ], tool);
  await runTool("wasm-opt", [...OPTIMIZE_FLAGS, linked, "-o", `${into}/${name}`], tool);
  for (const path of [...objects, linked]) await Deno.remove(path);
}

/** Debian puts the compiler's major version into the linker's name. */
async function linker(): Promise<string> {
  const names: string[] = [];
  for await (const entry of Deno.readDir("/usr/bin")) if (/^wasm-ld(-\d+)?$/.test(entry.name)) names.push(entry.name);
  const [name] = names.sort();
  if (name) return name;
  throw new SetupError("module", "Cannot build the decoder: there is no wasm-ld; run: apt-get install lld");
}
