// Pure: no I/O.
import { createHash } from "node:crypto";

/** Digest algorithms that are used, from the weaker to the stronger. */
export type DigestAlgorithm = "MD5" | "SHA-256";

/** What a Digest response is computed from. @see RFC 7616, 3.4; RFC 2069 where there is no qop */
export interface DigestInput {
  algorithm: DigestAlgorithm;
  /** Whether the algorithm's name ended with `-sess`. */
  session: boolean;
  username: string;
  realm: string;
  password: string;
  method: string;
  uri: string;
  nonce: string;
  /** Null for the old form without. */
  qop: "auth" | null;
  nonceCount: string;
  cnonce: string;
}

/** The response to a challenge, in hex. */
export function digestResponse(input: DigestInput): string {
  const hash = (text: string) => createHash(input.algorithm === "MD5" ? "md5" : "sha256").update(text).digest("hex");
  let secret = hash(`${input.username}:${input.realm}:${input.password}`);
  if (input.session) secret = hash(`${secret}:${input.nonce}:${input.cnonce}`);
  const what = hash(`${input.method}:${input.uri}`);
  if (input.qop === null) return hash(`${secret}:${input.nonce}:${what}`);
  return hash(`${secret}:${input.nonce}:${input.nonceCount}:${input.cnonce}:${input.qop}:${what}`);
}

/** A header longer than this is read up to here. */
const MAX_HEADER = 8192;

/** One challenge, or one set of credentials. */
export interface AuthScheme {
  /** Lower case. */
  scheme: string;
  /** Names in lower case, values without quotes. */
  parameters: Map<string, string>;
  /** What follows the scheme where that is no list of parameters (Basic's credentials). */
  token: string;
}

/**
 * Reads a WWW-Authenticate or Authorization header, in which several schemes may follow one another.
 *
 * @see RFC 7235, 2.1
 */
export function parseAuthHeader(header: string): AuthScheme[] {
  // Basic's credentials are base64, whose padding would look like a parameter.
  const basic = /^\s*Basic\s+([A-Za-z0-9+/_-]+=*)\s*$/i.exec(header);
  if (basic !== null) return [{ scheme: "basic", parameters: new Map(), token: basic[1] }];
  const schemes: AuthScheme[] = [];
  // A parameter with or without quotes, or a word; anything else is a separator.
  const pattern = /([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^\s,"]*))|([^\s,="]+)/g;
  for (const [, name, quoted, bare, word] of header.slice(0, MAX_HEADER).matchAll(pattern)) {
    if (name === undefined) {
      // Other words are parts of values that should have been in quotes.
      if (/^(basic|digest)$/i.test(word)) {
        schemes.push({ scheme: word.toLowerCase(), parameters: new Map(), token: "" });
      }
      continue;
    }
    const value = quoted === undefined ? bare : quoted.replace(/\\(.)/g, "$1");
    const parameters = schemes.at(-1)?.parameters;
    if (parameters !== undefined && !parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
  }
  return schemes;
}

/** The algorithm that a challenge asks for; null where it is none of those used. */
export function digestAlgorithm(name: string | undefined): { algorithm: DigestAlgorithm; session: boolean } | null {
  const parts = /^(md5|sha-?256)(-sess)?$/i.exec(name === undefined || name === "" ? "MD5" : name);
  if (parts === null) return null;
  return { algorithm: parts[1].toLowerCase() === "md5" ? "MD5" : "SHA-256", session: parts[2] !== undefined };
}

/** A parameter's value in quotes. */
export function quote(value: string): string {
  return `"${value.replace(/["\\]/g, "\\$&").replace(/[\r\n\0]/g, "")}"`;
}

/** Random bytes as hex. */
export function randomHex(random: (into: Uint8Array<ArrayBuffer>) => void, bytes: number): string {
  const into = new Uint8Array(bytes);
  random(into);
  return Array.from(into, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
