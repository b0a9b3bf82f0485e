// Pure: no I/O.
import { RtspError } from "../media/mod.ts";
import { HeldBytes } from "./held_bytes.ts";
import { contentLength, parseHead, type RtspRequest, type RtspResponse } from "./message.ts";

/** Takes what a parser finds, while `receive()` runs. */
export interface RtspParserSink {
  request(request: RtspRequest): void;
  response(response: RtspResponse): void;
  /** One interleaved packet, `data[start..end)`, borrowed until this returns. */
  interleaved(channel: number, data: Uint8Array, start: number, end: number): void;
  /** What comes cannot be followed any more. Nothing else is called after it. */
  fault(error: RtspError): void;
}

/** Limits of what a peer may make a parser hold. */
export interface RtspParserLimits {
  /** @default {64 KiB} */
  maxHeadBytes?: number;
  /** @default {1 MiB} */
  maxBodyBytes?: number;
  /** Bytes passed over in search of a message or a frame before it is given up. @default {1 MiB} */
  maxGarbageBytes?: number;
}

const DOLLAR = 0x24, CR = 13, LF = 10, SPACE = 32, SLASH = 0x2f, UNDERSCORE = 0x5f;
const MAX_METHOD = 32;
/** What `#step()` answers where it needs more bytes. */
const MORE = -1;

/**
 * Reads a connection of RTSP: responses, requests and interleaved packets, in chunks cut anywhere.
 *
 * A packet that lies whole in a chunk is handed on as a part of that chunk. Bytes that belong to nothing (Canon and Axis
 * send some between frames) are passed over until the next frame of a known channel, or the next message.
 */
export class RtspParser {
  /** Which channels may occur; asked only where frames are searched for in garbage. @default {any} */
  isKnownChannel: (channel: number) => boolean = () => true;

  readonly #sink: RtspParserSink;
  readonly #limits: Required<RtspParserLimits>;
  readonly #held = new HeldBytes((data, at, end) => this.#run(data, at, end));
  /** How far the held bytes were searched for the end of a head. */
  #searched = 0;
  /** The message whose body is awaited. */
  #message: RtspRequest | RtspResponse | null = null;
  #bodyBytes = 0;
  #synchronous = true;
  #garbageRun = 0;
  #garbage = 0;
  #dead = false;

  constructor(sink: RtspParserSink, limits: RtspParserLimits = {}) {
    this.#sink = sink;
    const { maxHeadBytes = 65_536, maxBodyBytes = 1_048_576, maxGarbageBytes = 1_048_576 } = limits;
    this.#limits = { maxHeadBytes, maxBodyBytes, maxGarbageBytes };
  }

  /** Bytes passed over so far. */
  get garbageBytes(): number {
    return this.#garbage;
  }

  /** Bytes held back until more come. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** Takes the next bytes of the connection. They are not kept; what is not whole is copied. */
  receive(bytes: Uint8Array): void {
    this.#held.receive(bytes);
  }

  #run(data: Uint8Array, at: number, end: number): number {
    while (at < end && !this.#dead) {
      const next = this.#step(data, at, end);
      if (next === MORE) return at;
      at = next;
      this.#searched = this.#held.need = 0;
    }
    // Nothing is read after a fault, and nothing held.
    return this.#dead ? end : at;
  }

  /** Reads one item at `at`; answers where the next begins, or MORE. */
  #step(data: Uint8Array, at: number, end: number): number {
    if (this.#message !== null) return this.#body(data, at, end);
    const first = data[at];
    if (first === DOLLAR) return this.#frame(data, at, end);
    if (first === CR || first === LF) return at + 1;
    return this.#head(data, at, end);
  }

  #frame(data: Uint8Array, at: number, end: number): number {
    // In garbage a dollar sign is one byte in 256: there the channel must be known, and RTP's version must follow.
    const needed = this.#synchronous ? 4 : 5;
    if (end - at < needed) {
      this.#held.need = needed;
      return MORE;
    }
    const channel = data[at + 1];
    const stop = at + 4 + (data[at + 2] << 8 | data[at + 3]);
    if (!this.#synchronous && (!this.isKnownChannel(channel) || data[at + 4] >> 6 !== 2)) return this.#skip(at);
    if (stop > end) {
      this.#held.need = stop - at;
      return MORE;
    }
    this.#inStep();
    this.#sink.interleaved(channel, data, at + 4, stop);
    return stop;
  }

  #head(data: Uint8Array, at: number, end: number): number {
    const begins = beginsMessage(data, at, end);
    if (begins === "no") return this.#skip(at);
    const stop = findHeadEnd(data, Math.max(at, at + this.#searched - 3), end);
    const length = (stop < 0 ? end : stop) - at;
    if (length > this.#limits.maxHeadBytes) {
      return this.#fault(`a message's head has more than ${this.#limits.maxHeadBytes} bytes`, end);
    }
    if (stop < 0) {
      // Garbage may begin like a method: its first line tells.
      if (begins === "yes" && !firstLineFits(data, at, end)) return this.#skip(at);
      this.#searched = length;
      return MORE;
    }
    const message = parseHead(data.subarray(at, stop));
    if (message === null) return this.#skip(at);
    this.#inStep();
    const body = contentLength(message.headers);
    if (body > this.#limits.maxBodyBytes) {
      return this.#fault(`a message's body has ${body} bytes, the limit is ${this.#limits.maxBodyBytes}`, end);
    }
    if (body === 0) {
      this.#hand(message);
      return stop;
    }
    this.#message = message;
    this.#bodyBytes = body;
    return stop;
  }

  #body(data: Uint8Array, at: number, end: number): number {
    if (end - at < this.#bodyBytes) {
      this.#held.need = this.#bodyBytes;
      return MORE;
    }
    const message = this.#message!;
    this.#message = null;
    message.body = data.slice(at, at + this.#bodyBytes) as Uint8Array<ArrayBuffer>;
    this.#hand(message);
    return at + this.#bodyBytes;
  }

  #hand(message: RtspRequest | RtspResponse): void {
    if (message.kind === "request") this.#sink.request(message);
    else this.#sink.response(message);
  }

  #skip(at: number): number {
    this.#synchronous = false;
    this.#garbage++;
    if (++this.#garbageRun > this.#limits.maxGarbageBytes) {
      return this.#fault(`${this.#garbageRun} bytes were neither a message nor a frame`, at + 1);
    }
    return at + 1;
  }

  #inStep(): void {
    this.#synchronous = true;
    this.#garbageRun = 0;
  }

  #fault(what: string, end: number): number {
    this.#dead = true;
    this.#sink.fault(new RtspError("protocol", `Cannot read what the other side sends: ${what}`));
    return end;
  }
}

/** Whether bytes begin like a message: `RTSP/`, `HTTP/`, or a method and a space. */
function beginsMessage(data: Uint8Array, at: number, end: number): "yes" | "no" | "maybe" {
  const stop = Math.min(end, at + MAX_METHOD + 1);
  for (let i = at; i < stop; i++) {
    const byte = data[i];
    if (byte === SPACE) return i - at >= 3 ? "yes" : "no";
    if (byte === SLASH) return i - at === 4 && isProtocol(data, at) ? "yes" : "no";
    if (!(byte >= 65 && byte <= 90 || byte === UNDERSCORE)) return "no";
  }
  return stop === end ? "maybe" : "no";
}

function isProtocol(data: Uint8Array, at: number): boolean {
  const word = String.fromCharCode(data[at], data[at + 1], data[at + 2], data[at + 3]);
  return word === "RTSP" || word === "HTTP";
}

/** Whether the first line, as far as it is there, is text; and where it is whole, whether it names the protocol. */
function firstLineFits(data: Uint8Array, at: number, end: number): boolean {
  for (let i = at; i < end; i++) {
    if (data[i] === CR || data[i] === LF) return parseHead(data.subarray(at, i)) !== null;
    if (data[i] < SPACE && data[i] !== 9) return false;
  }
  return true;
}

/** Where the head ends: after the first empty line; -1 where there is none yet. */
function findHeadEnd(data: Uint8Array, from: number, end: number): number {
  for (let i = data.indexOf(LF, from); i >= 0 && i < end; i = data.indexOf(LF, i + 1)) {
    if (i + 1 < end && data[i + 1] === LF) return i + 2;
    if (i + 2 < end && data[i + 1] === CR && data[i + 2] === LF) return i + 3;
  }
  return -1;
}
