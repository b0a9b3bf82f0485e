import { SetupError } from "../src/media/errors.ts";
import { runTool, type ToolOptions } from "./run_tool.ts";

/** Where to look where the system names no package sources of its own. */
const FALLBACK = `Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;

/**
 * Reads the lists of the source packages that the system's own package sources offer into a folder of this build's own,
 * which is the caller's to remove.
 *
 * @throws {SetupError} `module` where apt cannot get them.
 */
export async function updateLists(folder: string, tool: ToolOptions): Promise<void> {
  await Deno.mkdir(`${folder}/lists/partial`, { recursive: true });
  await Deno.writeTextFile(`${folder}/source.sources`, await systemSources());
  await runTool("apt-get", [...listOptions(folder), "-qq", "update"], tool);
}

/**
 * The newest version of a source package in such a folder of lists.
 *
 * @throws {SetupError} `module` where there is none.
 */
export async function sourceVersion(name: string, lists: string, tool: ToolOptions): Promise<string> {
  const options = listOptions(lists);
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
export async function fetchSource(
  name: string,
  version: string,
  { folder, lists, tool }: { folder: string; lists: string; tool: ToolOptions },
): Promise<void> {
  const options = listOptions(lists);
  const quiet = ["-qq", "-o", "APT::Sandbox::User=root", "source", "--download-only", `${name}=${version}`];
  await runTool("apt-get", [...options, ...quiet], { ...tool, cwd: folder });
  let description = "";
  for await (const entry of Deno.readDir(folder)) if (entry.name.endsWith(".dsc")) description = entry.name;
  // apt has checked the files against the signed list; their author's own signature needs a key that is not here.
  await runTool("dpkg-source", ["--no-check", "-x", description, "source"], { ...tool, cwd: folder });
}

/** Options by which apt reads the lists in a folder of this build's own. */
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

/** The system's package sources, turned from binary into source packages; Debian's own where it names none. */
export async function systemSources(system = "/etc/apt"): Promise<string> {
  const found: string[] = [];
  const folder = `${system}/sources.list.d`;
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (!entry.name.endsWith(".sources")) continue;
      const text = await Deno.readTextFile(`${folder}/${entry.name}`);
      if (/debian/.test(text)) found.push(text.replace(/^Types:.*$/gm, "Types: deb-src"));
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  const classic = await Deno.readTextFile(`${system}/sources.list`).catch(() => "");
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
