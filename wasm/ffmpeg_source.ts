import { SetupError } from "../src/media/errors.ts";
import { runTool, type ToolOptions } from "./run_tool.ts";

/** Where to look where the system names no package sources of its own. */
const FALLBACK = `Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;

let lists: Promise<string> | null = null;

/**
 * The version of a source package that the system's own package sources offer.
 *
 * @throws {SetupError} `module` where they offer none.
 */
export async function sourceVersion(name: string, tool: ToolOptions): Promise<string> {
  const options = await aptOptions(tool);
  const shown = await runTool("apt-cache", [...options, "showsrc", "--only-source", name], tool);
  const versions = [...shown.matchAll(/^Version: (\S+)$/gm)].map((match) => match[1]);
  if (versions.length === 0) {
    throw new SetupError("module", `Cannot build the decoder: the package sources have no source package ${name}`);
  }
  let best = versions[0];
  for (const version of versions.slice(1)) if (await isNewer(version, best, tool)) best = version;
  return best;
}

/** Downloads a source package and unpacks it, with Debian's patches, to `<folder>/source`. */
export async function fetchSource(name: string, version: string, folder: string, tool: ToolOptions): Promise<void> {
  const options = await aptOptions(tool);
  const quiet = ["-qq", "-o", "APT::Sandbox::User=root", "source", "--download-only", `${name}=${version}`];
  await runTool("apt-get", [...options, ...quiet], { ...tool, cwd: folder });
  let description = "";
  for await (const entry of Deno.readDir(folder)) if (entry.name.endsWith(".dsc")) description = entry.name;
  // apt has checked the files against the signed list; their author's own signature needs a key that is not here.
  await runTool("dpkg-source", ["--no-check", "-x", description, "source"], { ...tool, cwd: folder });
}

/** Options by which apt reads the source packages' lists in a folder of this build's own, once a process. */
async function aptOptions(tool: ToolOptions): Promise<string[]> {
  const folder = await (lists ??= updateLists(tool));
  return listOptions(folder);
}

function listOptions(folder: string): string[] {
  return [
    "-o",
    `Dir::Etc::sourcelist=${folder}/source.sources`,
    "-o",
    "Dir::Etc::sourceparts=-",
    "-o",
    `Dir::State::lists=${folder}/lists`,
    "-o",
    "APT::Sandbox::User=root",
  ];
}

async function updateLists(tool: ToolOptions): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-apt-" });
  await Deno.mkdir(`${folder}/lists/partial`, { recursive: true });
  await Deno.writeTextFile(`${folder}/source.sources`, await systemSources());
  await runTool("apt-get", [...listOptions(folder), "-qq", "update"], tool);
  return folder;
}

/** The system's package sources, turned from binary into source packages. */
async function systemSources(): Promise<string> {
  const found: string[] = [];
  const folder = "/etc/apt/sources.list.d";
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (!entry.name.endsWith(".sources")) continue;
      const text = await Deno.readTextFile(`${folder}/${entry.name}`);
      if (/debian/.test(text)) found.push(text.replace(/^Types:.*$/gm, "Types: deb-src"));
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  const classic = await Deno.readTextFile("/etc/apt/sources.list").catch(() => "");
  for (const [, options, uri, suite, components] of classic.matchAll(/^deb (\[.*?\] )?(\S+) (\S+) (.+)$/gm)) {
    const key = options?.match(/signed-by=(\S+?)[\]\s]/)?.[1];
    const stanza = ["Types: deb-src", `URIs: ${uri}`, `Suites: ${suite}`, `Components: ${components}`];
    if (key) stanza.push(`Signed-By: ${key}`);
    found.push(stanza.join("\n"));
  }
  return found.length > 0 ? found.join("\n\n") + "\n" : FALLBACK;
}

async function isNewer(version: string, than: string, tool: ToolOptions): Promise<boolean> {
  try {
    await runTool("dpkg", ["--compare-versions", version, "gt", than], tool);
    return true;
  } catch {
    return false;
  }
}
