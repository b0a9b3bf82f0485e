// Pure: no I/O.
import { parseCameraUrl } from "../src/rtsp/url.ts";
import type { Want } from "./packages.ts";

/** A program of this project, and the least that it needs. */
export interface Entry {
  /** The file that is run, below the project's folder. */
  file: (args: readonly string[]) => string;
  /** What the file is given of the command line. */
  args: (args: readonly string[]) => readonly string[];
  wants: (args: readonly string[]) => readonly Want[];
  /** Deno's options for it. */
  permissions: (context: EntryContext) => string[];
}

export interface EntryContext {
  /** What the file is given. */
  args: readonly string[];
  /** Path of the C library; empty where none is needed. */
  library: string;
  project: string;
  cache: string;
  deno: string;
}

/** What the reader of the command line asks of the environment, before it decides on colours. */
const ENVIRONMENT = ["NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "NODE_DEBUG", "TERM"];
/** What says where the cache folder is. */
const CACHE_ENVIRONMENT = ["HOME", "XDG_CACHE_HOME"];

function allow(kind: string, values: readonly string[]): string[] {
  return values.length > 0 ? [`--allow-${kind}=${values.join(",")}`] : [];
}

/** `host:port` of each camera's address on a command line. */
export function hostsOf(args: readonly string[]): string[] {
  const hosts: string[] = [];
  for (const arg of args) {
    // Behind an option's name, or a camera's.
    const match = /^(?:[\w.-]+=)?((?:rtsp|http)s?:\/\/.+)$/i.exec(arg);
    if (match) hosts.push(...placesOf(match[1]));
  }
  return [...new Set(hosts)];
}

/** Where a camera is, in one word of Deno's; none where its address cannot be read, which its command says. */
function placesOf(address: string): string[] {
  try {
    const { host, port } = parseCameraUrl(address);
    return host.includes(",") ? [] : [`${host.includes(":") ? `[${host}]` : host}:${port}`];
  } catch {
    return [];
  }
}

/** The descriptions of streams on a command line, those behind a camera's name among them. */
function descriptionsOf(args: readonly string[]): string[] {
  return args.slice(1).flatMap((arg, i) => {
    if (/^--(?:camera-)?(?:user|password)$/.test(args[i])) return [];
    const [, name = "", path = ""] = /^(--camera=|[\w.]+[\w.-]*=)?([^-].*\.sdp)$/i.exec(arg) ?? [];
    return path === "" || /:\/\/|,/.test(path) ? [] : name === "" || name.startsWith("-") ? [path] : [path, arg];
  });
}

/** Words of a command line that may name a file. Deno has no way to write a comma in a list of paths. */
function filesOf(args: readonly string[]): string[] {
  return args.slice(1).filter((arg) => arg !== "" && !/^-|:\/\/|,/.test(arg));
}

/** Whether a word names a file to play: it is no option, and not the value of one, which all but `--debug` have. */
function isFileOfCamera(word: string, i: number, words: readonly string[]): boolean {
  const before = words[i - 1] ?? "";
  return !word.startsWith("-") && !(/^--[\w-]+$/.test(before) && before !== "--debug");
}

/** A command of the command line, or a part of it: what it wants and what it may do. */
interface Rights {
  wants: readonly Want[];
  /** Files beside its own. */
  reads?: readonly string[];
  ffi?: boolean;
  net?: readonly string[] | "any" | "named";
  write?: readonly string[];
  run?: readonly string[];
  env?: readonly string[];
  sys?: readonly string[];
}

/** The files that a command line wants written. */
function outputsOf(args: readonly string[]): string[] {
  const outputs = args.flatMap((arg, i) => {
    if (arg === "--out") return args[i + 1] ?? [];
    return arg.startsWith("--out=") ? arg.slice("--out=".length) : [];
  });
  return outputs.filter((path) => path !== "" && path !== "-" && !path.includes(","));
}

/** The value of an option as it was last given. */
function optionOf(args: readonly string[], name: string): string | undefined {
  const at = args.findLastIndex((arg) => arg === name || arg.startsWith(`${name}=`));
  if (at < 0) return undefined;
  return args[at] === name ? args[at + 1] : args[at].slice(name.length + 1);
}

/** The hosts of ONVIF devices, at any port: their services may be at several. */
function devicesOf(args: readonly string[]): string[] {
  const words = args.slice(1).filter((word, i, all) =>
    !word.startsWith("-") && !/^--(?!json$|debug$)[\w-]+$/.test(all[i - 1] ?? "")
  );
  return words.flatMap((word) => {
    const host = word.replace(/^https?:\/\//i, "").split(/[/?#]/)[0];
    const bare = (host.match(/:/g)?.length ?? 0) > 1 && !host.startsWith("[") ? `[${host}]` : host.replace(/:\d+$/, "");
    return bare === "" || /[,\s@]/.test(bare) ? [] : [bare];
  });
}

/** The cameras, and where it listens; datagrams go to clients wherever they are, and a stream comes where its description says. */
function netOfServer(args: readonly string[]): readonly string[] | "any" {
  const host = optionOf(args, "--host") ?? "127.0.0.1", port = optionOf(args, "--port") ?? "8554";
  if (descriptionsOf(args).length > 0) return "any";
  const place = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  if (place.includes(",") || !/^\d+$/.test(port)) return hostsOf(args);
  if (optionOf(args, "--transport") === "tcp") return [...hostsOf(args), `${place}:${port}`];
  return host === "127.0.0.1" ? [...hostsOf(args), place] : "any";
}

function rightsOf(args: readonly string[], context?: EntryContext): Rights {
  const cache = context?.cache ?? "", deno = context?.deno ?? "";
  switch (args[0]) {
    case "camera": {
      // Without a file it plays a clip, which the set-up makes.
      const clip = !args.slice(1).some(isFileOfCamera);
      const rights: Rights = { wants: clip ? ["clip"] : [], reads: filesOf(args), net: "any", env: CACHE_ENVIRONMENT };
      return clip ? { ...rights, write: [cache], run: ["ffmpeg"] } : rights;
    }
    case "probe":
      return { wants: ["library"], ffi: true, net: "named" };
    case "discover": {
      const hosts = devicesOf(args);
      // Cameras are asked from each of this machine's addresses, which nobody knows here.
      return hosts.length > 0 ? { wants: [], net: hosts } : { wants: [], net: "any", sys: ["networkInterfaces"] };
    }
    case "serve":
      return { wants: ["library"], reads: descriptionsOf(args), ffi: true, net: netOfServer(args) };
    case "decode": {
      const reads = descriptionsOf(args);
      if (reads.length > 0) return { wants: ["library", "wasm"], reads, ffi: true, net: "any" };
      return hostsOf(args).length > 0
        ? { wants: ["library", "wasm"], ffi: true, net: "named" }
        : { wants: ["wasm"], reads: filesOf(args) };
    }
    case "shm":
      return { wants: ["library"], ffi: true, write: outputsOf(args) };
    case "demo": {
      const reads = descriptionsOf(args);
      return {
        wants: ["library", "wasm", "clip"],
        reads,
        ffi: true,
        net: reads.length > 0 ? "any" : ["127.0.0.1", ...hostsOf(args)],
        run: [deno],
        env: CACHE_ENVIRONMENT,
      };
    }
    default:
      return { wants: [] };
  }
}

/** Whether somebody only asks what there is: that needs nothing. */
function asksForHelp(args: readonly string[]): boolean {
  return args.length === 0 || ["help", "-V", "--version"].includes(args[0]) ||
    args.some((arg) => arg === "--help" || arg === "-h");
}

function commandWants(args: readonly string[]): readonly Want[] {
  return asksForHelp(args) ? [] : rightsOf(args).wants;
}

function commandPermissions(context: EntryContext): string[] {
  const { args, project, cache, library } = context;
  if (asksForHelp(args)) return allow("env", ENVIRONMENT);
  const rights = rightsOf(args, context);
  const net = rights.net === "named" ? hostsOf(args) : rights.net ?? [];
  return [
    // Itself, and what was built.
    ...allow("read", [project, cache, ...(rights.reads ?? [])]),
    ...allow("env", [...ENVIRONMENT, ...(rights.env ?? [])]),
    ...(rights.ffi ? allow("ffi", [library]) : []),
    ...(net === "any" ? ["--allow-net"] : allow("net", net)),
    ...allow("write", rights.write ?? []),
    ...allow("run", rights.run ?? []),
    ...allow("sys", rights.sys ?? []),
  ];
}

/** Every program by its task. */
export const ENTRIES: Record<string, Entry> = {
  millrace: {
    file: () => "src/cli/main.ts",
    args: (args) => args,
    wants: commandWants,
    permissions: commandPermissions,
  },
  demo: {
    file: () => "src/cli/main.ts",
    args: (args) => ["demo", ...args],
    wants: (args) => commandWants(["demo", ...args]),
    permissions: commandPermissions,
  },
  bench: {
    file: () => "bench/main.ts",
    args: (args) => args,
    wants: () => ["library", "wasm", "clip", "bench"],
    // A benchmark compiles and runs its rivals.
    permissions: () => ["--allow-all"],
  },
};
