import { SetupError } from "../src/media/errors.ts";
import { WASM_BUILD_PACKAGES } from "./configuration.ts";

/** Lines of a tool's output that an error shows. */
const SHOWN_LINES = 12;

export interface ToolOptions {
  cwd?: string;
  env?: Record<string, string>;
  signal?: AbortSignal;
  /** Gets each line of the output as it comes. */
  onLine?: (line: string) => void;
}

/**
 * Runs a program of the build and gives what it printed.
 *
 * @throws {SetupError} `module` where it is missing or fails: with its last lines.
 */
export async function runTool(name: string, args: readonly string[], options: ToolOptions = {}): Promise<string> {
  const { onLine, ...rest } = options;
  let child: Deno.ChildProcess;
  try {
    const command = new Deno.Command(name, {
      args: [...args],
      ...rest,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    child = command.spawn();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    const packages = WASM_BUILD_PACKAGES.map((entry) => entry.name).join(" ");
    const message = `Cannot build the decoder: ${name} is missing; run: apt-get install ${packages}`;
    throw new SetupError("module", message, { cause });
  }
  const lines: string[] = [];
  const read = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>) => {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split("\n");
      rest = parts.pop()!;
      for (const line of parts) {
        lines.push(line);
        onLine?.(line);
      }
    }
    if (rest) lines.push(rest);
  };
  const [status] = await Promise.all([child.status, read(child.stdout), read(child.stderr)]);
  options.signal?.throwIfAborted();
  if (status.success) return lines.join("\n");
  const shown = lines.slice(-SHOWN_LINES).join("\n");
  throw new SetupError("module", `Cannot build the decoder: ${name} gave ${status.code}:\n${shown}`);
}
