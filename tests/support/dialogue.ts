import type { RtspRequest } from "../../src/rtsp/mod.ts";

/** What a device of `tests/testdata` says to one kind of request. */
interface Answer {
  method: string;
  /** The how many-th request of that method it answers, from 1; 0: any. */
  count: number;
  /** Path and query that the request must have; empty: any. */
  path: string;
  /** A header that the request must have, or must not have. */
  header: { name: string; pattern: RegExp; wanted: boolean } | null;
  /** As it stands in the file, with placeholders; empty: no answer at all. */
  text: string;
}

/** A device of `tests/testdata`: what it says, and how it behaves beside that. */
export interface Dialogue {
  title: string;
  answers: Answer[];
  /** `! name value`. */
  traits: Map<string, string>;
  /** Whether what no answer fits is answered as an ordinary camera would. */
  partial: boolean;
}

/** Which requests a file that holds one message alone answers, by the last word of its name. */
const MESSAGES: Record<string, string> = {
  options: "> OPTIONS",
  describe: "> DESCRIBE",
  setup: "> SETUP",
  play: "> PLAY",
  unauthorized: "> DESCRIBE !Authorization: .",
};

/**
 * Reads a file of `tests/testdata`: one message; or a dialogue, whose lines begin with `#` (what is odd about the device),
 * `!` (how it behaves) and `>` (which requests the message below answers). The first answer that fits is given.
 */
export async function readDialogue(name: string): Promise<Dialogue> {
  const text = await Deno.readTextFile(new URL(`../testdata/${name}.txt`, import.meta.url));
  return parseDialogue(text, MESSAGES[name.split("_").at(-1)!]);
}

/** As `readDialogue`, from the text itself; `message` says what a message that stands alone answers. */
export function parseDialogue(text: string, message = ""): Dialogue {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const partial = /^(RTSP|HTTP)\//.test(lines[0]);
  if (partial) lines.unshift(message);
  const dialogue: Dialogue = { title: "", answers: [], traits: new Map(), partial };
  for (const line of lines) {
    const last = dialogue.answers.at(-1);
    if (line.startsWith("> ")) dialogue.answers.push(parseAnswer(line.slice(2)));
    else if (last) last.text += line + "\n";
    else if (line.startsWith("# ")) dialogue.title ||= line.slice(2);
    else if (line.startsWith("! ")) {
      const [, trait, value = ""] = /^! (\S+)(?: (.*))?$/.exec(line)!;
      dialogue.traits.set(trait, value);
    }
  }
  return dialogue;
}

function parseAnswer(line: string): Answer {
  const [, method, count = "0", path = "", not = "", name, value = "."] =
    /^([A-Z_]+)(?: #(\d+))?(?: (\/\S*))?(?: (!?)([\w-]+): (.+))?$/.exec(line) ?? fail(line);
  const header = name === undefined ? null : { name, pattern: new RegExp(value), wanted: not === "" };
  return { method, count: Number(count), path, header, text: "" };
}

function fail(line: string): never {
  throw new SyntaxError(`Cannot read a dialogue: "${line}" names no request`);
}

/** The answer to a request, the `count`-th of its method; undefined where the device says nothing of the method. */
export function answerOf(dialogue: Dialogue, request: RtspRequest, count: number): string | undefined {
  const of = dialogue.answers.filter(({ method }) => method === request.method);
  if (of.length === 0) return undefined;
  const path = request.url.replace(/^rtsps?:\/\/[^/?]*/, "");
  const fits = of.find((answer) => {
    if (answer.count !== 0 && answer.count !== count || answer.path !== "" && answer.path !== path) return false;
    if (answer.header === null) return true;
    const { name, pattern, wanted } = answer.header;
    return request.headers.getAll(name).some((value) => pattern.test(value)) === wanted;
  });
  return fits?.text ?? (dialogue.partial ? undefined : "RTSP/1.0 400 Bad Request\nCSeq: *\n\n");
}

/** A message as it goes out: line ends, the request's number, the length of what follows, placeholders. */
export function toWire(
  text: string,
  options: { cseq: string; lineEnd: string; values: Record<string, string> },
): string {
  const { cseq, lineEnd, values } = options;
  const filled = text.replace(/\{([\w-]+)\}/g, (all, name: string) => values[name] ?? all);
  const [head, ...rest] = filled.replace(/^\n*|\n*$/g, "").split("\n\n");
  const body = rest.length === 0 ? "" : rest.join("\n\n").replace(/\n*$/, "\n").replaceAll("\n", lineEnd);
  const lines = head.split("\n").map((line) =>
    line.replace(/^(cseq: *)(\d+|\*)$/i, `$1${cseq}`).replace(/^(content-length: *)(\d+|\*)$/i, `$1${body.length}`)
  );
  return lines.join(lineEnd) + lineEnd + lineEnd + body;
}
