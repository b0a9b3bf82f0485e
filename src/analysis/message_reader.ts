// Pure: no I/O.
import {
  type AnalysisMessage,
  MAX_CONTROL_BYTES,
  MESSAGE_HEADER_BYTES,
  MESSAGE_KIND,
  MESSAGE_MAGIC,
} from "../../workers/analysis_protocol.ts";

/** A result as JSON text, not looked at yet, and how many bytes it had. */
export interface ResultText {
  type: "result";
  text: string;
  bytes: number;
}

/** What came is not what the process's own code writes. */
export class ChannelError extends Error {
  override readonly name = "ChannelError";
  readonly code: "foreign" | "size";

  constructor(code: ChannelError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Takes messages apart that an untrusted process writes. It never holds more bytes than one message may have, and what it gives
 * has the form of a message, whatever was written.
 */
export class MessageReader {
  readonly #maxBytes: number;
  readonly #header = new Uint8Array(MESSAGE_HEADER_BYTES);
  #headerBytes = 0;
  #kind: number = MESSAGE_KIND.control;
  #body: Uint8Array | null = null;
  #bodyBytes = 0;

  /** @param maxBytes Bytes of one result, at most. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * The messages that these bytes complete, one after the other.
   *
   * @throws {ChannelError} `size` where a message is too large, `foreign` where the bytes are none.
   */
  *push(chunk: Uint8Array): Generator<AnalysisMessage | ResultText> {
    for (let at = 0; at < chunk.length;) {
      if (this.#body === null) {
        const part = chunk.subarray(at, at + MESSAGE_HEADER_BYTES - this.#headerBytes);
        this.#header.set(part, this.#headerBytes);
        this.#headerBytes += part.length;
        at += part.length;
        if (this.#headerBytes < MESSAGE_HEADER_BYTES) return;
        this.#body = this.#open();
        this.#bodyBytes = 0;
      }
      const part = chunk.subarray(at, at + this.#body.length - this.#bodyBytes);
      this.#body.set(part, this.#bodyBytes);
      this.#bodyBytes += part.length;
      at += part.length;
      if (this.#bodyBytes < this.#body.length) return;
      const text = decode(this.#body);
      const bytes = this.#body.length;
      this.#body = null;
      this.#headerBytes = 0;
      yield this.#kind === MESSAGE_KIND.result ? { type: "result", text, bytes } : parse(text);
    }
  }

  #open(): Uint8Array {
    const view = new DataView(this.#header.buffer);
    const magic = view.getUint32(0, true), length = view.getUint32(8, true);
    this.#kind = view.getUint32(4, true);
    const isResult = this.#kind === MESSAGE_KIND.result;
    if (magic !== MESSAGE_MAGIC || length === 0 || !isResult && this.#kind !== MESSAGE_KIND.control) throw foreign();
    if (!isResult && length > MAX_CONTROL_BYTES) throw foreign();
    if (length > this.#maxBytes && isResult) {
      throw new ChannelError("size", `it has ${length} bytes, at most ${this.#maxBytes} are taken`);
    }
    return new Uint8Array(length);
  }
}

function foreign(): ChannelError {
  return new ChannelError("foreign", "what it wrote to its standard output is no message");
}

/** @throws {ChannelError} */
function decode(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw foreign();
  }
}

/** A message of the right form. @throws {ChannelError} */
function parse(text: string): AnalysisMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw foreign();
  }
  const message = value as Partial<Record<string, unknown>> | null;
  switch (message?.type) {
    case "ready":
      return { type: "ready" };
    case "done":
      return { type: "done", sequence: Number(message.sequence) };
    case "console":
      return {
        type: "console",
        text: line(message.text, 500),
        count: Math.min(1e9, Math.max(1, Number(message.count) || 1)),
      };
    case "ended": {
      const end = message.end as Partial<Record<string, unknown>> | null | undefined;
      const code = end?.code === "load" ? "load" : "crashed";
      return { type: "ended", end: { code, message: line(end?.message, 1000) } };
    }
    default:
      throw foreign();
  }
}

/** Text of a stranger for one line of a terminal: no control characters, no more than so many. */
export function line(text: unknown, most: number): string {
  // deno-lint-ignore no-control-regex
  return String(text).slice(0, most).replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
}
