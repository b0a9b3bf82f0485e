/** Modules that programs import, and those that Millrace starts as threads and processes of its own. */
export const ROOTS: readonly string[] = [
  ...["mod.ts", "src/rtp/mod.ts", "src/rtsp/mod.ts", "src/ring/mod.ts", "src/shm/mod.ts", "src/analysis/mod.ts"],
  ...["src/camera/mod.ts", "src/file/mod.ts"],
  ...[
    "workers/ingest.ts",
    "workers/tls.ts",
    "workers/decode.ts",
    "workers/helper.ts",
    "workers/egress.ts",
    "workers/serve.ts",
    "workers/analysis.ts",
    "workers/analysis/guest.ts",
  ],
  ...["src/cli/main.ts", "src/cli/demo/camera_process.ts", "src/cli/demo/reader_process.ts", "examples/motion.ts"],
];

/** A module of the project, by its path, and where it names packages by names that only the project's import map knows. */
export interface ProjectModule {
  path: string;
  bare: BareSpecifier[];
}

/** A name in quotes; lines and characters count from 0. */
export interface BareSpecifier {
  specifier: string;
  start: { line: number; character: number };
  end: { line: number; character: number };
}

interface Dependency {
  specifier: string;
  code?: { span?: { start: BareSpecifier["start"]; end: BareSpecifier["end"] } };
  type?: { span?: { start: BareSpecifier["start"]; end: BareSpecifier["end"] } };
}

/** Every module of the project that the roots reach, sorted. */
export async function moduleGraph(project: string, roots: readonly string[]): Promise<ProjectModule[]> {
  const base = new URL(`file://${project.split("/").map(encodeURIComponent).join("/")}/`).href;
  const found = new Map<string, ProjectModule>();
  for (const root of roots) {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--quiet", `--config=${project}/deno.json`, `${project}/${root}`],
    }).output();
    if (!success) throw new Error(`${root}: ${new TextDecoder().decode(stderr)}`);
    const { modules } = JSON.parse(new TextDecoder().decode(stdout));
    for (const module of modules as { specifier: string; error?: string; dependencies?: Dependency[] }[]) {
      if (module.error) throw new Error(`${root}: ${module.error}`);
      if (!module.specifier.startsWith(base)) continue;
      const path = decodeURIComponent(module.specifier.slice(base.length));
      const bare = (module.dependencies ?? []).flatMap(({ specifier, code, type }) => {
        const span = (code ?? type)?.span;
        return /^(\.{0,2}\/|[a-z]+:)/.test(specifier) || !span ? [] : [{ specifier, ...span }];
      });
      found.set(path, { path, bare });
    }
  }
  return [...found.values()].sort((a, b) => a.path < b.path ? -1 : 1);
}

/**
 * A module's text with the names that an import map explains written out, since a program that imports from a URL has
 * none of them.
 *
 * @throws {Error} where a name is not in the map.
 */
export function withFullSpecifiers(
  text: string,
  bare: readonly BareSpecifier[],
  imports: Readonly<Record<string, string>>,
): string {
  const lines = text.split("\n");
  // From the end, so that what comes before keeps its place.
  const last = [...bare].sort((a, b) => b.start.line - a.start.line || b.start.character - a.start.character);
  for (const { specifier, start, end } of last) {
    const full = Object.hasOwn(imports, specifier) ? imports[specifier] : undefined;
    if (full === undefined) throw new Error(`Nothing says what "${specifier}" is`);
    const line = lines[start.line];
    if (start.line !== end.line || line.slice(start.character + 1, end.character - 1) !== specifier) {
      throw new Error(`"${specifier}" is not where the module graph says it is: ${line}`);
    }
    lines[start.line] = line.slice(0, start.character) + JSON.stringify(full) + line.slice(end.character);
  }
  return lines.join("\n");
}
