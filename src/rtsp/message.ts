// Pure: no I/O.
import { RtspHeaders } from "./headers.ts";

/** A request as it came. */
export interface RtspRequest {
  kind: "request";
  method: string;
  url: string;
  headers: RtspHeaders;
  body: Uint8Array<ArrayBuffer>;
}

/** A response as it came. HTTP is told apart, since a web port is what people reach by mistake. */
export interface RtspResponse {
  kind: "response";
  protocol: "RTSP" | "HTTP";
  status: number;
  reason: string;
  headers: RtspHeaders;
  body: Uint8Array<ArrayBuffer>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const NO_BODY = new Uint8Array(0);
/** More fields than this are no camera's. */
const MAX_FIELDS = 256;

/**
 * Reads the head of a message, all lines up to the empty one; null where its first line is none. Lines may end with
 * LF alone; lines without a colon are passed over; a line that begins with a space goes on with the one before.
 */
export function parseHead(head: Uint8Array): RtspRequest | RtspResponse | null {
  const lines = decoder.decode(head).split(/\r\n|\n|\r/);
  const headers = new RtspHeaders();
  let name = "", value = "";
  const push = () => {
    if (name !== "" && headers.size < MAX_FIELDS) headers.append(name, value);
    name = "";
  };
  for (const line of lines.slice(1)) {
    if ((line.startsWith(" ") || line.startsWith("\t")) && name !== "") {
      value += " " + line.trim();
      continue;
    }
    push();
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    name = line.slice(0, colon).trim();
    value = line.slice(colon + 1).trim();
  }
  push();
  const response = /^(RTSP|HTTP)\/\d+\.\d+ +(\d{3})(?: +(.*))?$/.exec(lines[0].trimEnd());
  if (response !== null) {
    const [, protocol, status, reason] = response;
    return {
      kind: "response",
      protocol: protocol as "RTSP" | "HTTP",
      status: Number(status),
      reason: reason ?? "",
      headers,
      body: NO_BODY,
    };
  }
  const request = /^([A-Z_]{1,32}) +(\S.*?) +RTSP\/\d+\.\d+$/.exec(lines[0].trimEnd());
  if (request === null) return null;
  return { kind: "request", method: request[1], url: request[2], headers, body: NO_BODY };
}

/** Where a head ends: behind its empty line; -1 where there is none. */
export function headEnd(data: Uint8Array): number {
  for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) {
    if (data[at + 1] === 10) return at + 2;
    if (data[at + 1] === 13 && data[at + 2] === 10) return at + 3;
  }
  return -1;
}

/** Bytes of the body that a head announces; what is no number announces none. */
export function contentLength(headers: RtspHeaders): number {
  const text = headers.get("Content-Length") ?? "";
  return /^\d+$/.test(text) ? Number(text) : 0;
}

/** A request to be sent. */
export interface OutgoingRequest {
  method: string;
  url: string;
  headers: RtspHeaders;
  body?: Uint8Array | string;
}

/** A response to be sent. */
export interface OutgoingResponse {
  status: number;
  /** @default {the one that belongs to the status} */
  reason?: string;
  headers: RtspHeaders;
  body?: Uint8Array | string;
}

/**
 * A request as bytes; Content-Length is added where there is a body.
 *
 * @throws {TypeError} where a line break would let one field become two.
 */
export function serializeRequest(request: OutgoingRequest): Uint8Array<ArrayBuffer> {
  return serialize(`${request.method} ${request.url} RTSP/1.0`, request.headers, request.body);
}

/**
 * A response as bytes; Content-Length is added where there is a body.
 *
 * @throws {TypeError} where a line break would let one field become two.
 */
export function serializeResponse(response: OutgoingResponse): Uint8Array<ArrayBuffer> {
  const reason = response.reason ?? reasonOf(response.status);
  return serialize(`RTSP/1.0 ${response.status} ${reason}`, response.headers, response.body);
}

/**
 * One packet framed for the RTSP connection.
 *
 * @see RFC 2326, 10.12
 * @throws {RangeError} where the packet has more than 65535 bytes.
 */
export function frameInterleaved(channel: number, packet: Uint8Array): Uint8Array<ArrayBuffer> {
  if (packet.length > 0xffff) {
    throw new RangeError(`Cannot frame a packet: it has ${packet.length} bytes, a frame takes 65535`);
  }
  const out = new Uint8Array(4 + packet.length);
  out[0] = 0x24;
  out[1] = channel;
  out[2] = packet.length >> 8;
  out[3] = packet.length;
  out.set(packet, 4);
  return out;
}

function serialize(first: string, headers: RtspHeaders, body?: Uint8Array | string): Uint8Array<ArrayBuffer> {
  const payload = typeof body === "string" ? encoder.encode(body) : body ?? NO_BODY;
  const lines = [first];
  for (const [name, value] of headers) {
    if (name.toLowerCase() !== "content-length") lines.push(`${name}: ${value}`);
  }
  if (payload.length > 0) lines.push(`Content-Length: ${payload.length}`);
  const broken = lines.find((line) => /[\r\n\0]/.test(line));
  if (broken !== undefined) {
    throw new TypeError(`Cannot write an RTSP message: a line break is inside "${broken.split(/[:\s]/)[0]}"`);
  }
  const head = encoder.encode(lines.join("\r\n") + "\r\n\r\n");
  const out = new Uint8Array(head.length + payload.length);
  out.set(head);
  out.set(payload, head.length);
  return out;
}

const REASONS: Record<number, string> = {
  200: "OK",
  301: "Moved Permanently",
  302: "Found",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  413: "Request Entity Too Large",
  453: "Not Enough Bandwidth",
  454: "Session Not Found",
  455: "Method Not Valid in This State",
  456: "Header Field Not Valid for Resource",
  457: "Invalid Range",
  459: "Aggregate Operation Not Allowed",
  461: "Unsupported Transport",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  505: "RTSP Version Not Supported",
  551: "Option not supported",
};

/** The words that belong to a status code. */
export function reasonOf(status: number): string {
  return REASONS[status] ?? (status < 300 ? "OK" : "Error");
}
