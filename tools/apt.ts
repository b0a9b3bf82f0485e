import type { NeededPackage } from "./packages.ts";
import type { Progress } from "./progress.ts";

/** What is missing on this machine, and why nothing was installed. */
export class MissingPackages extends Error {
  override readonly name = "MissingPackages";
}

/**
 * Installs what is missing of some packages of Debian, saying what and why.
 *
 * @throws {MissingPackages} with the commands to run, where this is not root, or there is no apt.
 */
export async function ensurePackages(packages: readonly NeededPackage[], progress: Progress): Promise<void> {
  const wanted = new Map(packages.map((entry) => [entry.name, entry.why]));
  const missing = await missingOf([...wanted.keys()]);
  if (missing.length === 0) return;
  const command = `apt-get install -y --no-install-recommends ${missing.join(" ")}`;
  const reason = Deno.uid() !== 0 ? "this needs root" : !(await has("apt-get")) ? "there is no apt-get here" : null;
  if (reason) {
    const list = missing.map((name) => `  ${name}: ${wanted.get(name)}`).join("\n");
    throw new MissingPackages(
      `Some packages of Debian are missing, and ${reason}:\n${list}\nInstall them with:\n  apt-get update && ${command}`,
    );
  }
  progress.say("Installing what is missing, from Debian:");
  for (const name of missing) progress.say(`  ${name}: ${wanted.get(name)}`);
  progress.show(0, "reading Debian's lists");
  await run(["update", "-qq"], () => {});
  await run(
    ["install", "-y", "-qq", "--no-install-recommends", "-o", "APT::Status-Fd=1", ...missing],
    (line) => {
      const [kind, , percent, text] = line.split(":");
      if (kind === "dlstatus") progress.show(Number(percent) / 200, `downloading: ${text}`);
      else if (kind === "pmstatus") progress.show(0.5 + Number(percent) / 200, `installing: ${text}`);
    },
  );
  progress.show(1, "installed");
  progress.end();
}

async function missingOf(names: string[]): Promise<string[]> {
  try {
    const format = "${Package} ${db:Status-Status}\n";
    const command = new Deno.Command("dpkg-query", { args: ["-W", "-f", format, ...names], stderr: "null" });
    const { stdout } = await command.output();
    const installed = new Set(
      new TextDecoder().decode(stdout).split("\n").filter((line) => line.endsWith(" installed")).map((line) =>
        line.split(" ")[0]
      ),
    );
    return names.filter((name) => !installed.has(name));
  } catch (cause) {
    // Not Debian: what is missing shows when it is called.
    if (cause instanceof Deno.errors.NotFound) return [];
    throw cause;
  }
}

async function has(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

async function run(args: string[], onLine: (line: string) => void): Promise<void> {
  const child = new Deno.Command("apt-get", {
    args,
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors: string[] = [];
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>, take: (line: string) => void) => {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      lines.forEach(take);
    }
  };
  const [status] = await Promise.all([
    child.status,
    read(child.stdout, onLine),
    read(child.stderr, (line) => errors.push(line)),
  ]);
  if (!status.success) throw new Error(`Cannot install: apt-get ${args[0]} failed:\n${errors.slice(-8).join("\n")}`);
}
