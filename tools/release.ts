import type { BuiltFrom } from "../wasm/build.ts";
import { FFMPEG_CONFIGURE, FFMPEG_PACKAGE, LINK_FLAGS } from "../wasm/configuration.ts";
import { moduleGraph, ROOTS, withFullSpecifiers } from "./release_modules.ts";
import { PROJECT, setUpOrExit } from "./setup.ts";

/*
 * deno run -A tools/release.ts [--out FOLDER]: writes a folder that any web server can serve, and that programs import
 * `mod.ts` from: the modules, the two things that a compiler makes, and what their licences ask for.
 */

/** Files that are not imported by anything, and belong to it: licences, and all that the WebAssembly module can be built anew with. */
const BESIDE = [
  ...["LICENSE", "NOTICE", "README.md", "CHANGELOG.md", "ARCHITECTURE.md"],
  ...[
    "wasm/bridge.c",
    "wasm/bridge.h",
    "wasm/helper.c",
    "wasm/helper.h",
    "wasm/platform.c",
    "wasm/slices.h",
    "wasm/build.ts",
    "wasm/configuration.ts",
  ],
  ...["wasm/ffmpeg_source.ts", "wasm/link.ts", "wasm/run_tool.ts"],
];
/** What tells a folder that an earlier release wrote, and that may be replaced, from any other. */
const SUMS = "SHA256SUMS";

const out = outOf(Deno.args);
const { library, wasm } = await setUpOrExit(["library", "wasm"]);
const part = `${out}.${crypto.randomUUID().slice(0, 8)}`;
try {
  await writeRelease(part);
  await takePlace(part, out);
} finally {
  await Deno.remove(part, { recursive: true }).catch(() => {}); // it has moved, where all went well
}

async function writeRelease(folder: string): Promise<void> {
  const { imports } = JSON.parse(await Deno.readTextFile(`${PROJECT}/deno.json`));
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const { path, bare } of await moduleGraph(PROJECT, ROOTS)) {
    const text = withFullSpecifiers(await Deno.readTextFile(`${PROJECT}/${path}`), bare, imports);
    files.set(path, new TextEncoder().encode(text));
  }
  for (const path of [...BESIDE, ...await kernels()]) files.set(path, await Deno.readFile(`${PROJECT}/${path}`));

  const artifacts: Record<string, unknown> = { target: Deno.build.target };
  for (const [kind, source] of Object.entries({ library, wasm })) {
    const bytes = await Deno.readFile(source);
    const path = `artifacts/${source.split("/").at(-1)}`;
    files.set(path, bytes);
    artifacts[kind] = { url: `../${path}`, sha256: await digest(bytes) };
  }
  files.set(".millrace/artifacts.json", json(artifacts));
  files.set("artifacts/FFMPEG.md", await ffmpegNote());

  const sums: string[] = [];
  let total = 0;
  for (const path of [...files.keys()].sort()) {
    const bytes = files.get(path)!;
    await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeFile(`${folder}/${path}`, bytes);
    sums.push(`${await digest(bytes)}  ${path}\n`);
    total += bytes.length;
  }
  await Deno.writeTextFile(`${folder}/${SUMS}`, sums.join(""));
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(2)} MiB`;
  const built = [...files].filter(([path]) => /^artifacts\/.*\.(so|wasm)$/.test(path));
  console.log(`${files.size} files, ${mib(total)}, for ${Deno.build.target}; of these`);
  for (const [path, bytes] of built) console.log(`  ${path}  ${mib(bytes.length)}`);
}

/** Sources of the module that have a folder of their own. */
async function kernels(): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(`${PROJECT}/wasm/kernels`)) {
      if (/\.[ch]$/.test(name)) found.push(`wasm/kernels/${name}`);
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  return found.sort();
}

/** What the LGPL has a distributor say. */
async function ffmpegNote(): Promise<Uint8Array<ArrayBuffer>> {
  const builtFrom = await Deno.readTextFile(wasm.replace(/[^/]*$/, "built-from.json"));
  const { ffmpeg: { version }, compiler }: BuiltFrom = JSON.parse(builtFrom);
  return new TextEncoder().encode(`# FFmpeg in millrace.wasm

millrace.wasm contains parts of FFmpeg, which is under the GNU Lesser General Public License 2.1 or later
(https://www.gnu.org/licenses/old-licenses/lgpl-2.1.html). They are unchanged but for Debian's patches:

- source: Debian's source package \`${FFMPEG_PACKAGE}\`, version ${version}, to be had with \`apt-get source ${FFMPEG_PACKAGE}=${version}\`
  and from https://snapshot.debian.org
- configured with: ${FFMPEG_CONFIGURE.join(" ")}
- linked with: ${LINK_FLAGS.join(" ")}
- built with ${compiler.trim()} by \`wasm/build.ts\`, with the C files beside it; all of them are in this folder. Who changes FFmpeg or these files runs
  \`deno task build\` in Millrace's sources and puts the result in this one's place, with its checksum in
  \`.millrace/artifacts.json\`.
`);
}

/** Puts a finished folder where the release is to be, instead of an earlier one. */
async function takePlace(from: string, to: string): Promise<void> {
  const there = await Deno.stat(to).catch(() => null);
  if (there) {
    const before = `${from}.before`;
    await Deno.rename(to, before);
    await Deno.rename(from, to);
    await Deno.remove(before, { recursive: true });
  } else await Deno.rename(from, to);
  console.log(to);
}

function outOf(args: string[]): string {
  const wrong = (why: string): never => {
    console.error(why);
    Deno.exit(2);
  };
  const usage = "usage: deno task release [--out FOLDER]";
  if (args.length !== 0 && !(args.length === 2 && args[0] === "--out" && args[1])) wrong(usage);
  const given = args[1] ?? `${PROJECT}/release`;
  const base = Deno.env.get("INIT_CWD") || Deno.cwd();
  const path = (given.startsWith("/") ? given : `${base}/${given}`).replace(/\/+$/, "");
  try {
    const names = [...Deno.readDirSync(path)].map(({ name }) => name);
    if (names.length > 0 && !names.includes(SUMS)) {
      wrong(`Cannot write a release to ${path}: it has files that are no release; name an empty folder, or a new one`);
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotADirectory) wrong(`Cannot write a release to ${path}: it is a file`);
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  return path;
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value, null, 2) + "\n");
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
