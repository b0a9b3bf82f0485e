// Pure: no I/O.

/** A file of the project: its path below the project's folder, and what is in it. */
export interface SourceFile {
  path: string;
  text: string;
}

/**
 * Who may import whom. A room is a folder, or one file of a folder that is a room by itself (a protocol between threads
 * is known on both sides, their entry file on neither). What is not listed may not be imported.
 */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "src/media": [],
  "src/rtp": ["src/media"],
  "src/rtsp": ["src/media", "src/rtp"],
  "src/flv": ["src/media", "src/rtp", "src/rtsp"],
  "src/mp4": ["src/media"],
  "src/ring": ["src/media"],
  "src/filter": ["src/media"],
  "src/file": ["src/media", "src/rtp"],
  "ffi": ["src/media"],
  "wasm": ["src/media", "ffi"],
  "workers": ["src", "ffi", "wasm"],
  "src/decode": ["src/media", "src/feed", "workers", "ffi", "wasm"],
  "src/feed": ["src/media", "src/ring", "src/filter", "src/decode", "workers", "ffi"],
  "src/shm": ["src/media", "src/ring", "ffi"],
  "src/ingest": ["src/media", "src/ring", "src/rtp", "src/rtsp", "src/file", "src/feed", "workers", "ffi"],
  "src/analysis": ["src/media", "src/ring", "src/feed", "workers"],
  "src/serve": ["src/media", "src/ring", "src/rtp", "src/rtsp", "src/feed", "workers", "ffi"],
  "src/onvif": ["src/media", "src/rtsp"],
  "src/camera": ["src/media", "src/rtp", "src/rtsp", "src/file", "src/serve"],
  "src/cli": ["src", "ffi", "wasm", "mod.ts"],
};

const PURE = /^\/\/ Pure: no I\/O\./;
/** What reaches out of a program. The clock and chance are passed in as well, where they matter; these words are certain. */
const REACHING = [
  // Names of types begin with a capital, as do the few classes that act.
  /\bDeno\.(?!test\b|inspect\b|errors\b)[a-z]\w*/,
  /\bnew Deno\.\w+/,
  /\bfetch\s*\(/,
  /\bnew (?:WebSocket|WebSocketStream|EventSource|XMLHttpRequest|Worker|BroadcastChannel)\b/,
  /\b(?:localStorage|sessionStorage|caches)\s*\./,
];

/** What a file does against its own first line. */
export function impurities({ path, text }: SourceFile): string[] {
  if (!PURE.test(text)) return [];
  const code = withoutComments(text);
  const found: string[] = [];
  for (const pattern of REACHING) {
    const match = pattern.exec(code);
    if (match) found.push(`${path}: says that it does no I/O, and uses ${match[0].trim()}`);
  }
  for (const specifier of importsOf(text)) {
    if (specifier.startsWith("node:") && specifier !== "node:crypto") {
      found.push(`${path}: says that it does no I/O, and imports ${specifier}`);
    }
  }
  return found;
}

/** What a file imports that its room may not. */
export function intruders({ path, text }: SourceFile): string[] {
  const room = roomOf(path);
  if (room === undefined) return [`${path}: is in no room of the table in tools/rooms.ts`];
  const found: string[] = [];
  for (const specifier of importsOf(text)) {
    if (!specifier.startsWith(".")) continue;
    const target = resolve(path, specifier);
    const other = roomOf(target);
    if (other === room) continue;
    const allowed = ROOMS[room].some((name) => target === name || target.startsWith(`${name}/`));
    if (!allowed) found.push(`${path}: may not import ${target}`);
  }
  return found;
}

function roomOf(path: string): string | undefined {
  return Object.keys(ROOMS).filter((room) => path.startsWith(`${room}/`)).sort((a, b) => b.length - a.length)[0];
}

/** The specifiers of everything a file imports or re-exports, types included: a type is knowledge too. */
export function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const patterns = [
    /^\s*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm,
    /^\s*import\s*["']([^"']+)["']/gm,
    /\bimport\s*\(\s*["']([^"']+)["']/g,
  ];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1]));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[\s;{}(,])\/\/.*$/gm, "$1");
}

function resolve(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}
