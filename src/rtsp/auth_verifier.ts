// Pure: no I/O.
import { createHash, timingSafeEqual } from "node:crypto";
import { digestAlgorithm, digestResponse, parseAuthHeader, quote, randomHex } from "./digest.ts";

/** How a server may ask for credentials. */
export type ServerScheme = "SHA-256" | "MD5" | "Basic";

/** What a verifier is made of. */
export interface AuthVerifierOptions {
  realm: string;
  /** The password of a user; null where there is no such user. */
  password: (username: string) => string | null;
  /** @default {["SHA-256", "MD5"]} */
  schemes?: readonly ServerScheme[];
  random: (into: Uint8Array<ArrayBuffer>) => void;
  /** For how many milliseconds a nonce is good. @default {300_000} */
  nonceLifetime?: number;
}

/** What came of a request's credentials: `missing` and `stale` are answered with a challenge, `denied` as well. */
export type AuthVerdict = "ok" | "missing" | "stale" | "denied";

/** Nonces that are remembered; the oldest goes first. */
const MAX_NONCES = 256;

/**
 * The server's side of Basic and Digest: nonces of its own making that expire, and counts that may not be used twice.
 *
 * @see RFC 7616, 3.3 and 5.5
 */
export class AuthVerifier {
  readonly #options: Required<AuthVerifierOptions>;
  /** When each nonce was made, and the highest count that came with it. */
  readonly #nonces = new Map<string, { madeAt: number; count: number }>();

  constructor(options: AuthVerifierOptions) {
    const { schemes = ["SHA-256", "MD5"], nonceLifetime = 300_000 } = options;
    this.#options = { ...options, schemes, nonceLifetime };
  }

  /** The values of the WWW-Authenticate headers of a 401, one for each scheme, all with one new nonce. */
  challenges(now: number, stale = false): string[] {
    const nonce = randomHex(this.#options.random, 16);
    if (this.#nonces.size >= MAX_NONCES) this.#nonces.delete(this.#nonces.keys().next().value!);
    this.#nonces.set(nonce, { madeAt: now, count: 0 });
    const realm = quote(this.#options.realm);
    return this.#options.schemes.map((scheme) =>
      scheme === "Basic"
        ? `Basic realm=${realm}`
        : `Digest realm=${realm}, nonce="${nonce}", algorithm=${scheme}, qop="auth"${stale ? ", stale=true" : ""}`
    );
  }

  /** Checks a request's Authorization header; null where it has none. */
  verify(request: { method: string; authorization: string | null }, now: number): AuthVerdict {
    if (request.authorization === null) return "missing";
    const [credentials] = parseAuthHeader(request.authorization);
    if (credentials === undefined) return "denied";
    if (credentials.scheme === "basic") return this.#basic(credentials.token);
    if (credentials.scheme !== "digest") return "denied";
    return this.#digest(request.method, credentials.parameters, now);
  }

  #basic(token: string): AuthVerdict {
    if (!this.#options.schemes.includes("Basic")) return "denied";
    let text: string;
    try {
      text = new TextDecoder().decode(Uint8Array.from(atob(token), (char) => char.charCodeAt(0)));
    } catch {
      return "denied";
    }
    const colon = text.indexOf(":");
    const expected = colon < 0 ? null : this.#options.password(text.slice(0, colon));
    return expected !== null && same(expected, text.slice(colon + 1)) ? "ok" : "denied";
  }

  #digest(method: string, parameters: Map<string, string>, now: number): AuthVerdict {
    const named = digestAlgorithm(parameters.get("algorithm"));
    const username = parameters.get("username") ?? "", nonce = parameters.get("nonce") ?? "";
    if (named === null || !this.#options.schemes.includes(named.algorithm)) return "denied";
    const password = this.#options.password(username);
    const qop = parameters.get("qop");
    if (password === null || parameters.get("realm") !== this.#options.realm || (qop !== undefined && qop !== "auth")) {
      return "denied";
    }
    const expected = digestResponse({
      ...named,
      username,
      realm: this.#options.realm,
      password,
      method,
      uri: parameters.get("uri") ?? "",
      nonce,
      qop: qop === undefined ? null : "auth",
      nonceCount: parameters.get("nc") ?? "",
      cnonce: parameters.get("cnonce") ?? "",
    });
    if (!same(expected, (parameters.get("response") ?? "").toLowerCase())) return "denied";
    const known = this.#nonces.get(nonce);
    if (known === undefined || now - known.madeAt > this.#options.nonceLifetime) return "stale";
    if (qop !== undefined) {
      const count = parseInt(parameters.get("nc") ?? "", 16);
      if (!(count > known.count)) return "stale";
      known.count = count;
    }
    return "ok";
  }
}

/** Compares in a time that does not depend on where the two differ, nor on their lengths. */
function same(a: string, b: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(a), hash(b));
}
