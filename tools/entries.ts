import type { Want } from "./packages.ts";
import type { SetUp } from "./setup.ts";

/** A program of this project, and the least that it needs. */
export interface Entry {
  file: string;
  wants: (args: readonly string[]) => Want[];
  /** Deno's options for it. */
  permissions: (context: EntryContext) => string[];
}

export interface EntryContext {
  args: readonly string[];
  setUp: SetUp;
  project: string;
  cache: string;
  deno: string;
}

/** What the reader of the command line asks of the environment, before it decides on colours. */
const ENVIRONMENT = "NO_COLOR,FORCE_COLOR,CLICOLOR_FORCE,NODE_DEBUG,TERM";

/** What every program reads: itself, and what was built. */
const reading = ({ project, cache }: EntryContext, ...more: string[]) =>
  `--allow-read=${[project, cache, ...more].join(",")}`;
const calling = ({ setUp }: EntryContext) => `--allow-ffi=${setUp.library}`;

/** Hosts of the RTSP addresses on a command line. */
export function hostsOf(args: readonly string[]): string[] {
  return args.filter((arg) => /^rtsps?:\/\//i.test(arg)).map((arg) => {
    const location = arg.slice(arg.indexOf("://") + 3);
    const authority = location.slice(location.lastIndexOf("@") + 1).split(/[/?#]/)[0];
    return /:\d+$/.test(authority) ? authority : `${authority}:554`;
  });
}

/** Words of a command line that may be files. */
function filesOf(args: readonly string[]): string[] {
  return args.slice(1).filter((arg) => !arg.startsWith("-") && !arg.includes("://") && !arg.includes(","));
}

function network(args: readonly string[]): string[] {
  const hosts = hostsOf(args);
  return hosts.length > 0 ? [`--allow-net=${hosts.join(",")}`] : [];
}

/** What `millrace COMMAND` may do. */
function commandPermissions(context: EntryContext): string[] {
  const { args, cache, deno } = context;
  switch (args[0]) {
    case "camera":
      return [
        reading(context, ...filesOf(args)),
        "--allow-net",
        `--allow-write=${cache}`,
        "--allow-run=ffmpeg",
        `--allow-env=HOME,XDG_CACHE_HOME,${ENVIRONMENT}`,
      ];
    case "probe":
      return [reading(context), calling(context), environment, ...network(args)];
    case "decode":
      return [reading(context, ...filesOf(args)), calling(context), environment, ...network(args)];
    case "shm":
      return [reading(context), calling(context), environment];
    case "demo":
      return [
        reading(context),
        calling(context),
        "--allow-net=127.0.0.1" + network(args).map((net) => "," + net.slice(12)).join(""),
        `--allow-run=${deno}`,
      ];
    default:
      return [environment];
  }
}

const environment = `--allow-env=${ENVIRONMENT}`;

/** Every program by its task. */
export const ENTRIES: Record<string, Entry> = {
  millrace: {
    file: "src/cli/main.ts",
    wants: (args) => args[0] === "camera" || args[0] === "demo" ? ["library", "wasm", "clip"] : ["library", "wasm"],
    permissions: (context) => {
      const asksForHelp = context.args.some((arg) => arg === "--help" || arg === "-h");
      return [environment, ...(asksForHelp ? [] : commandPermissions(context))];
    },
  },
  demo: {
    file: "src/cli/main.ts",
    wants: () => ["library", "wasm", "clip"],
    permissions: commandPermissions,
  },
  bench: {
    file: "bench/main.ts",
    wants: () => ["library", "wasm", "clip", "bench"],
    // A benchmark compiles and runs its rivals.
    permissions: () => ["--allow-all"],
  },
};
