// Pure: no I/O.
import { RtspError } from "../media/mod.ts";
import { HeldBytes } from "../rtsp/held_bytes.ts";

const HEADER_BYTES = 9;
const TAG_HEADER_BYTES = 11;
/** Behind each tag, and behind the header: how long it was, which nobody needs who reads forwards. */
const LENGTH_BYTES = 4;

/** What a tag is of. */
export type FlvTag = "audio" | "video" | "script";
const TAGS: Readonly<Record<number, FlvTag>> = { 8: "audio", 9: "video", 18: "script" };

/** Takes what a parser finds, while `receive()` runs. */
export interface FlvParserSink {
  /** One tag's body, `data[start..end)`, borrowed until this returns, and its time in milliseconds, which wraps at 2^32. */
  tag(kind: FlvTag, data: Uint8Array, start: number, end: number, timestamp: number): void;
  /** What comes is no FLV, or none any more. Nothing else is called after it. */
  fault(error: RtspError): void;
}

/** Reads a stream of FLV, in chunks cut anywhere. */
export class FlvParser {
  readonly #sink: FlvParserSink;
  readonly #maxTagBytes: number;
  readonly #held = new HeldBytes((data, at, end) => this.#run(data, at, end));
  #headed = false;
  #dead = false;

  /** @param options.maxTagBytes The largest tag that is taken: a picture. @default {8 MiB} */
  constructor(sink: FlvParserSink, options: { maxTagBytes?: number } = {}) {
    this.#sink = sink;
    this.#maxTagBytes = options.maxTagBytes ?? 8 << 20;
  }

  /** Bytes held back until more come. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** Takes the next bytes of the stream. They are not kept; what is not whole is copied. */
  receive(bytes: Uint8Array): void {
    this.#held.receive(bytes);
  }

  /** Reads what is whole in `data[at..end)`; answers where the rest begins. */
  #run(data: Uint8Array, at: number, end: number): number {
    while (at < end && !this.#dead) {
      const need = this.#held.need = this.#need(data, at, end);
      if (this.#dead) return end;
      if (need > end - at) return at;
      if (this.#headed) this.#tag(data, at, at + need - LENGTH_BYTES);
      this.#headed = true;
      at += need;
    }
    return this.#dead ? end : at;
  }

  /** How many bytes there are to what begins at `at`, as far as it can be told. */
  #need(data: Uint8Array, at: number, end: number): number {
    if (!this.#headed) {
      for (let i = 0; i < 3 && at + i < end; i++) {
        if (data[at + i] !== "FLV".charCodeAt(i)) this.#fault(`it begins with "${printable(data.subarray(at, end))}"`);
      }
      if (end - at < HEADER_BYTES) return HEADER_BYTES;
      const header = (data[at + 5] << 24 | data[at + 6] << 16 | data[at + 7] << 8 | data[at + 8]) >>> 0;
      if (header < HEADER_BYTES || header > 4096) this.#fault(`its header has ${header} bytes`);
      return header + LENGTH_BYTES;
    }
    // The bit above the type says that the body is encrypted: nothing that can be read.
    if (TAGS[data[at] & 0x3f] === undefined) this.#fault(`a tag is of type ${data[at]}`);
    if (end - at < TAG_HEADER_BYTES) return TAG_HEADER_BYTES;
    const body = data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3];
    if (body > this.#maxTagBytes) this.#fault(`a tag has ${body} bytes, ${this.#maxTagBytes} are taken`);
    return TAG_HEADER_BYTES + body + LENGTH_BYTES;
  }

  #tag(data: Uint8Array, at: number, end: number): void {
    const timestamp = (data[at + 7] << 24 | data[at + 4] << 16 | data[at + 5] << 8 | data[at + 6]) >>> 0;
    this.#sink.tag(TAGS[data[at] & 0x3f], data, at + TAG_HEADER_BYTES, end, timestamp);
  }

  #fault(what: string): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#sink.fault(new RtspError("protocol", `Cannot read what the other side sends: it is no FLV, ${what}`));
  }
}

/** The begin of bytes as a message may show it: cameras say there what they do not like. */
function printable(data: Uint8Array): string {
  return String.fromCharCode(...data.subarray(0, 80)).replace(/[^\x20-\x7e]+/g, " ").trim();
}
