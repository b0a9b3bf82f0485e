import type { NeededPackage } from "./packages.ts";
import type { Progress } from "./progress.ts";

/** Other people's lock on the package database is waited for, in seconds. */
const LOCK_TIMEOUT = 120;
const LISTS = "/var/lib/apt/lists";

/** Packages that are missing on this machine, and why they were not installed. */
export class MissingPackages extends Error {
  override readonly name = "MissingPackages";
}

/** Which of some packages of Debian are not installed; none where this is no Debian: there, what is missing shows when it is called. */
export async function missingPackages(packages: readonly NeededPackage[]): Promise<NeededPackage[]> {
  if (packages.length === 0) return [];
  const wanted = new Map(packages.map((entry) => [entry.name, entry]));
  const format = "${Package} ${db:Status-Status}\n";
  try {
    const command = new Deno.Command("dpkg-query", { args: ["-W", "-f", format, ...wanted.keys()], stderr: "null" });
    const lines = new TextDecoder().decode((await command.output()).stdout).split("\n");
    for (const line of lines) {
      const [name, status] = line.split(" ");
      if (status === "installed") wanted.delete(name);
    }
    return [...wanted.values()];
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw cause;
  }
}

/**
 * Installs packages of Debian, saying which and why.
 *
 * @param report How far it is, from 0 to 1.
 * @throws {MissingPackages} with the commands to run, where this is not root, there is no apt, or apt fails.
 */
export async function installPackages(
  missing: readonly NeededPackage[],
  progress: Progress,
  report: (done: number, what: string) => void,
): Promise<void> {
  const names = missing.map(({ name }) => name);
  const list = missing.map(({ name, why }) => `  ${name}: ${why}`).join("\n");
  const refuse = (reason: string, cause?: unknown) =>
    new MissingPackages(
      `Some packages of Debian are missing, and ${reason}:\n${list}\nInstall them with:\n` +
        `  apt-get update && apt-get install -y --no-install-recommends ${names.join(" ")}`,
      { cause },
    );
  if (Deno.uid() !== 0) throw refuse("only root can install them");
  progress.say(`Installing what is missing, from Debian:\n${list}`);
  try {
    if (await listsAreEmpty()) await update(report);
    try {
      await install(names, report);
    } catch (cause) {
      if (!(cause instanceof AptFailure)) throw cause;
      // Old lists name versions that the mirror no longer has.
      await update(report);
      await install(names, report);
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) throw refuse("there is no apt-get on this machine", cause);
    if (cause instanceof AptFailure) throw refuse(`apt-get failed (${cause.message})`, cause);
    throw cause;
  }
}

class AptFailure extends Error {}

async function listsAreEmpty(): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(LISTS)) if (name.includes("_Packages")) return false;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  return true;
}

async function update(report: (done: number, what: string) => void): Promise<void> {
  report(0, "reading Debian's lists of packages");
  await apt(["update", "-qq"], () => {});
}

async function install(names: string[], report: (done: number, what: string) => void): Promise<void> {
  const options = ["-y", "-qq", "--no-install-recommends", "-o", "APT::Status-Fd=1"];
  // apt reports here how far it is, as dlstatus:… or pmstatus:NAME:PER CENT:WHAT.
  await apt(["install", ...options, ...names], (line) => {
    const [kind, , percent, what] = line.split(":");
    if (kind === "dlstatus") report(Number(percent) / 200, "downloading packages");
    else if (kind === "pmstatus") report(0.5 + Number(percent) / 200, `packages: ${what}`);
  });
}

async function apt(args: string[], onLine: (line: string) => void): Promise<void> {
  const child = new Deno.Command("apt-get", {
    args: ["-o", `DPkg::Lock::Timeout=${LOCK_TIMEOUT}`, ...args],
    env: { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors: string[] = [];
  const [status] = await Promise.all([
    child.status,
    eachLine(child.stdout, onLine),
    eachLine(child.stderr, (line) => errors.push(line)),
  ]);
  if (status.success) return;
  throw new AptFailure(errors.findLast((line) => line.startsWith("E:")) ?? `${args[0]} gave ${status.code}`);
}

async function eachLine(stream: ReadableStream<Uint8Array<ArrayBuffer>>, take: (line: string) => void): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    lines.forEach(take);
  }
}
