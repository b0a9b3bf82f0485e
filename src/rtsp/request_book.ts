// Pure: no I/O.
import { Authenticator } from "./auth.ts";
import { RtspHeaders } from "./headers.ts";
import { type RtspResponse, serializeRequest } from "./message.ts";

/** A request that waits for its answer. */
export interface PendingRequest {
  method: string;
  url: string;
  fields: readonly (readonly [string, string])[];
  cseq: number;
  sentAt: number;
  /** How often it was sent again with other credentials. */
  retries: number;
}

/** Requests whose answer nobody waits for, at most. */
const MAX_BACKGROUND = 16;
/**
 * The first challenge, and one new nonce: servers that make one for each refusal could keep a client asking for ever, and
 * cameras lock a user out after a few wrong answers.
 */
const MAX_RETRIES = 2;

/** Numbers and signs a client's requests, and finds the one that a response belongs to. */
export class RequestBook {
  readonly #authenticator: Authenticator;
  readonly #userAgent: string;
  readonly #background = new Map<number, string>();
  #cseq = 0;
  pending: PendingRequest | null = null;

  constructor(options: { authenticator: Authenticator; userAgent: string }) {
    this.#authenticator = options.authenticator;
    this.#userAgent = options.userAgent;
  }

  /** A request whose answer is waited for. */
  send(
    method: string,
    url: string,
    fields: PendingRequest["fields"],
    now: number,
    retries = 0,
  ): Uint8Array<ArrayBuffer> {
    this.pending = { method, url, fields, cseq: ++this.#cseq, sentAt: now, retries };
    return this.#write(method, url, fields);
  }

  /** A request whose answer is not waited for: cameras are late with those, or give none. */
  sendBackground(method: string, url: string, fields: PendingRequest["fields"]): Uint8Array<ArrayBuffer> {
    if (this.#background.size >= MAX_BACKGROUND) this.#background.delete(this.#background.keys().next().value!);
    this.#background.set(++this.#cseq, method);
    return this.#write(method, url, fields);
  }

  /**
   * Which request a response answers. One without a CSeq, or with a number that no request had, answers the one that is
   * waited for.
   */
  match(
    response: RtspResponse,
  ): { kind: "pending"; request: PendingRequest } | { kind: "background"; method: string } | null {
    const text = response.headers.get("CSeq");
    const cseq = text !== null && /^\d{1,10}$/.test(text) ? Number(text) : null;
    if (cseq !== null) {
      const method = this.#background.get(cseq);
      if (method !== undefined) {
        this.#background.delete(cseq);
        return { kind: "background", method };
      }
    }
    const request = this.pending;
    const isOld = cseq !== null && cseq > 0 && cseq < this.#cseq;
    if (request === null || cseq !== request.cseq && isOld) return null;
    this.pending = null;
    return { kind: "pending", request };
  }

  /** Takes the challenges of a 401: whether its request is worth sending again. */
  challenged(response: RtspResponse, retries: number): boolean {
    return retries < MAX_RETRIES && this.#authenticator.challenge(response.headers.getAll("WWW-Authenticate"));
  }

  #write(method: string, url: string, fields: PendingRequest["fields"]): Uint8Array<ArrayBuffer> {
    // User-Agent always: some cameras answer 401 for ever to a client that does not name itself.
    const headers = new RtspHeaders([["CSeq", String(this.#cseq)], ["User-Agent", this.#userAgent], ...fields]);
    const authorization = this.#authenticator.authorize(method, url);
    if (authorization !== null) headers.append("Authorization", authorization);
    return serializeRequest({ method, url, headers });
  }
}
