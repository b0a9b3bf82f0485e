// Pure: no I/O.
import { RtspError } from "../media/mod.ts";
import type { Authenticator } from "./auth.ts";
import { randomHex } from "./digest.ts";
import { headEnd, parseHead } from "./message.ts";
import { pathOf, type RtspUrl } from "./url.ts";

/** Bytes of an answer's head that are read. */
const MAX_HEAD = 16_384;
/** Answers to 401: the first challenge, and one new nonce. */
const MAX_RETRIES = 2;
/** So long a body nobody sends; it only must not end. Servers that count have the request sent again. */
const ENDLESS = 32_767;

/** What came of bytes on the connection that packets come by. */
export type TunnelProgress =
  | { state: "more" }
  /** What follows is RTSP, `rest` the begin of it. */
  | { state: "open"; rest: Uint8Array }
  /** The server wants credentials: `getRequest()` is to be sent anew, over a new connection. */
  | { state: "again" }
  | { state: "failed"; error: RtspError };

/**
 * RTSP inside of HTTP, which firewalls let through: a GET whose answer never ends carries what the camera says, and a POST
 * whose body never ends, in base64, what the client says. A cookie tells the camera that they belong together.
 *
 * @see "Tunnelling RTSP and RTP through HTTP", Apple, 1999
 */
export class HttpTunnel {
  readonly #url: RtspUrl;
  /** With the stream's path: Axis hangs without. */
  readonly #path: string;
  readonly #cookie: string;
  readonly #authenticator: Authenticator;
  readonly #userAgent: string;
  #head = new Uint8Array(0);
  #retries = 0;

  constructor(url: RtspUrl, options: {
    authenticator: Authenticator;
    userAgent: string;
    random: (into: Uint8Array<ArrayBuffer>) => void;
  }) {
    this.#url = url;
    this.#path = pathOf(url.href) || "/";
    this.#authenticator = options.authenticator;
    this.#userAgent = options.userAgent;
    this.#cookie = randomHex(options.random, 11);
  }

  /** Opens the camera's direction. */
  getRequest(): Uint8Array<ArrayBuffer> {
    this.#head = new Uint8Array(0);
    return this.#request("GET", ["Accept: application/x-rtsp-tunnelled"]);
  }

  /** Opens the client's direction; `encode()` follows it. */
  postRequest(): Uint8Array<ArrayBuffer> {
    return this.#request("POST", [
      "Content-Type: application/x-rtsp-tunnelled",
      `Content-Length: ${ENDLESS}`,
      "Expires: Sun, 9 Jan 1972 00:00:00 GMT",
    ]);
  }

  /** Bytes in the form that the client's direction takes. */
  encode(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode(bytes.toBase64());
  }

  /** Takes the next bytes of the answer to GET, until the state is another than `more`. */
  receive(bytes: Uint8Array): TunnelProgress {
    const head = new Uint8Array(this.#head.length + bytes.length);
    head.set(this.#head);
    head.set(bytes, this.#head.length);
    this.#head = head;
    const end = headEnd(head);
    if (end < 0) return head.length > MAX_HEAD ? this.#failed("its answer to GET does not end") : { state: "more" };
    const response = parseHead(head.subarray(0, end));
    if (response?.kind !== "response") return this.#failed("what it answers to GET is not HTTP");
    const { status, headers } = response;
    if (response.protocol === "HTTP" && status === 200) return { state: "open", rest: head.subarray(end) };
    if (status === 401) {
      const again = this.#retries++ < MAX_RETRIES && this.#authenticator.challenge(headers.getAll("WWW-Authenticate"));
      if (again) return { state: "again" };
      const reason = this.#authenticator.hasCredentials
        ? "the camera refuses this user name and password"
        : "the camera asks for a user name and password, and none were given";
      return { state: "failed", error: this.#error("unauthorized", reason, status) };
    }
    return this.#failed(`it answers GET with ${status}`, status);
  }

  #request(method: string, fields: string[]): Uint8Array<ArrayBuffer> {
    const authorization = this.#authenticator.authorize(method, this.#path);
    const lines = [
      `${method} ${this.#path} HTTP/1.0`,
      `Host: ${this.#url.href.replace(/^rtsps?:\/\//i, "").split(/[/?]/)[0]}`,
      `User-Agent: ${this.#userAgent}`,
      `x-sessioncookie: ${this.#cookie}`,
      ...fields,
      "Pragma: no-cache",
      "Cache-Control: no-cache",
      ...authorization === null ? [] : [`Authorization: ${authorization}`],
    ];
    return new TextEncoder().encode(lines.join("\r\n") + "\r\n\r\n");
  }

  #failed(reason: string, status = 0): TunnelProgress {
    return {
      state: "failed",
      error: this.#error("transport", `the camera has no RTSP over HTTP there: ${reason}`, status),
    };
  }

  #error(code: "transport" | "unauthorized", reason: string, status: number): RtspError {
    return new RtspError(code, `Cannot open ${this.#url.href}: ${reason}`, { status, method: "GET" });
  }
}
