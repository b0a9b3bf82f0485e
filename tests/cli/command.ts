import { cacheFolder, ensureSetup, PROJECT } from "../../tools/setup.ts";
import { ENTRIES } from "../../tools/entries.ts";

/** What a command said, and how it ended. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** Where a test's program is, and what it may do. */
export interface Surroundings {
  /** Of the permissions that a command is given, those that begin so are left out. */
  without?: string;
  /** Options of Deno's beside those. */
  more?: string[];
  /** The project's folder, or a likeness of it. */
  project?: string;
}

/** Colours are to be had: what must not hold escape codes is not spared them. */
const ENVIRONMENT = { NO_COLOR: "", TERM: "xterm" };

/** Runs `millrace …` as a user does, through the launcher. */
export async function millrace(...args: string[]): Promise<Outcome> {
  return await outcomeOf(launcher(["millrace", ...args]));
}

/** The launcher, ready to be spawned. */
export function launcher(args: string[], options: Deno.CommandOptions = {}): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", `${PROJECT}/tools/launch.ts`, ...args],
    env: ENVIRONMENT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...options,
  });
}

/** The program itself with the permissions that the launcher gives it, so that its process is the one that is spawned. */
export async function program(args: string[], where: Surroundings = {}): Promise<Deno.Command> {
  const { project = PROJECT, without, more = [] } = where;
  const entry = ENTRIES.millrace;
  const { library } = await ensureSetup({ wants: ["library", "wasm", "clip"] });
  const deno = Deno.execPath();
  const given = entry.permissions({ args, library, project, cache: cacheFolder(), deno });
  const permissions = given.filter((permission) => without === undefined || !permission.startsWith(without));
  return new Deno.Command(deno, {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-lock", `--config=${PROJECT}/deno.json`],
      ...permissions,
      ...more,
      `${project}/${entry.file(args)}`,
      ...args,
    ],
    env: ENVIRONMENT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

export async function outcomeOf(command: Deno.Command): Promise<Outcome> {
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Reads a stream to its end, and tells when it says something meanwhile. */
export class Listener {
  text = "";
  readonly #reading: Promise<void>;
  readonly #heard: (() => void)[] = [];

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reading = (async () => {
      for await (const part of stream.pipeThrough(new TextDecoderStream())) {
        this.text += part;
        for (const look of this.#heard) look();
      }
    })();
  }

  /** Resolves when what was said so far matches; rejects where the stream ends before. */
  async heard(pattern: RegExp): Promise<RegExpExecArray> {
    const found = Promise.withResolvers<RegExpExecArray>();
    const look = () => {
      const match = pattern.exec(this.text);
      if (match) found.resolve(match);
    };
    this.#heard.push(look);
    look();
    void this.#reading.then(() => found.reject(new Error(`It never said ${pattern}, but: ${this.text}`)));
    return await found.promise;
  }

  /** All that was said, once it is over. */
  async all(): Promise<string> {
    await this.#reading;
    return this.text;
  }
}
