// Pure: no I/O.
import { Authenticator } from "../rtsp/mod.ts";

/** The first challenge, and one new nonce; cameras lock a user out after a few wrong answers. */
const MAX_RETRIES = 2;

/** A user's credentials at a web server that closes the connection after each answer: what it asked for is answered over the next. */
export class WebCredentials {
  readonly #authenticator: Authenticator;
  #retries = 0;

  constructor(options: ConstructorParameters<typeof Authenticator>[0]) {
    this.#authenticator = new Authenticator(options);
  }

  /** Whether there is anything to answer with. */
  get given(): boolean {
    return this.#authenticator.hasCredentials;
  }

  /** The Authorization header for a path; null before a challenge. */
  authorize(path: string): string | null {
    return this.#authenticator.authorize("GET", path);
  }

  /** Takes the WWW-Authenticate headers of a 401; whether it is worth trying again. */
  challenged(headers: readonly string[]): boolean {
    return this.#retries++ < MAX_RETRIES && this.#authenticator.challenge(headers);
  }

  /** What was answered with was right, or is to be tried anew. */
  settled(): void {
    this.#retries = 0;
  }
}
