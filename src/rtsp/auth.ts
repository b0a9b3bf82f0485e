// Pure: no I/O.
import { type AuthScheme, digestAlgorithm, digestResponse, parseAuthHeader, quote, randomHex } from "./digest.ts";

/** How strong a challenge is: 0 Basic, 1 Digest with MD5, 2 Digest with SHA-256; -1 where it cannot be met. */
function strength(challenge: AuthScheme): number {
  if (challenge.scheme === "basic") return 0;
  if (challenge.scheme !== "digest" || !challenge.parameters.has("nonce")) return -1;
  const qop = challenge.parameters.get("qop");
  if (qop !== undefined && qop.trim() !== "" && !offersAuth(qop)) return -1;
  const algorithm = digestAlgorithm(challenge.parameters.get("algorithm"));
  return algorithm === null ? -1 : algorithm.algorithm === "MD5" ? 1 : 2;
}

function offersAuth(qop: string | undefined): boolean {
  return qop !== undefined && qop.split(",").some((option) => option.trim().toLowerCase() === "auth");
}

/** What a client makes of its credentials: answers to the strongest challenge that the server offers. */
export class Authenticator {
  readonly #username: string;
  readonly #password: string;
  readonly #random: (into: Uint8Array<ArrayBuffer>) => void;
  readonly #answersBasic: boolean;
  #challenge: AuthScheme | null = null;
  #nonceCount = 0;
  #sent = false;

  constructor(
    options: {
      username: string;
      password: string;
      random: (into: Uint8Array<ArrayBuffer>) => void;
      /** Whether the password may be sent as it is. @default {"answer"} */
      basic?: "answer" | "refuse";
    },
  ) {
    this.#answersBasic = options.basic !== "refuse";
    this.#username = options.username;
    this.#password = options.password;
    this.#random = options.random;
  }

  /** Whether there is anything to answer with. */
  get hasCredentials(): boolean {
    return this.#username !== "" || this.#password !== "";
  }

  /** Which scheme is in use: `basic`, `digest`, or empty before a challenge. */
  get scheme(): string {
    return this.#challenge?.scheme ?? "";
  }

  /**
   * Takes the WWW-Authenticate headers of a 401. True where it is worth trying again: the first challenge, one with
   * `stale`, or a nonce that was not answered yet, since cameras forget their nonces and do not say so.
   */
  challenge(headers: readonly string[]): boolean {
    let best: AuthScheme | null = null;
    for (const challenge of headers.flatMap(parseAuthHeader)) {
      if (challenge.scheme === "basic" && !this.#answersBasic) continue;
      if (strength(challenge) > (best === null ? -1 : strength(best))) best = challenge;
    }
    if (best === null || !this.hasCredentials) return false;
    const before = this.#challenge;
    const answered = this.#sent;
    this.#challenge = best;
    if (!answered || before === null || best.scheme !== before.scheme) {
      this.#renew();
      return true;
    }
    if (best.scheme === "basic") return false;
    const fresh = best.parameters.get("nonce") !== before.parameters.get("nonce");
    const stale = best.parameters.get("stale")?.toLowerCase() === "true";
    if (fresh || stale) this.#renew();
    return fresh || stale;
  }

  /** The Authorization header for a request; null before a challenge. */
  authorize(method: string, uri: string): string | null {
    const challenge = this.#challenge;
    if (challenge === null) return null;
    this.#sent = true;
    if (challenge.scheme === "basic") {
      const bytes = new TextEncoder().encode(`${this.#username}:${this.#password}`);
      return "Basic " + btoa(String.fromCharCode(...bytes));
    }
    const { parameters } = challenge;
    const { algorithm, session } = digestAlgorithm(parameters.get("algorithm"))!;
    const realm = parameters.get("realm") ?? "", nonce = parameters.get("nonce") ?? "";
    const qop = offersAuth(parameters.get("qop")) ? "auth" as const : null;
    const nonceCount = (++this.#nonceCount).toString(16).padStart(8, "0");
    const cnonce = qop === null && !session ? "" : randomHex(this.#random, 8);
    const username = this.#username;
    const response = digestResponse({
      algorithm,
      session,
      username,
      realm,
      password: this.#password,
      method,
      uri,
      nonce,
      qop,
      nonceCount,
      cnonce,
    });
    const parts = [
      `username=${quote(username)}`,
      `realm=${quote(realm)}`,
      `nonce=${quote(nonce)}`,
      `uri=${quote(uri)}`,
      `response=${quote(response)}`,
    ];
    // Without one in the challenge none is sent: old cameras refuse what they do not know.
    const named = parameters.get("algorithm");
    if (named !== undefined) parts.push(`algorithm=${named.replace(/[^\w-]/g, "")}`);
    if (qop !== null) parts.push("qop=auth", `nc=${nonceCount}`);
    if (cnonce !== "") parts.push(`cnonce=${quote(cnonce)}`);
    const opaque = parameters.get("opaque");
    if (opaque !== undefined) parts.push(`opaque=${quote(opaque)}`);
    return "Digest " + parts.join(", ");
  }

  #renew(): void {
    this.#nonceCount = 0;
    this.#sent = false;
  }
}
