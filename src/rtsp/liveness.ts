// Pure: no I/O.

/** The longest time between two keep-alives, in milliseconds. */
const MAX_KEEP_ALIVE = 25_000;

/** What is due in a session that plays. */
export type Due = "keep-alive" | "udp-silent" | "no-first-packet" | "idle";

/** Time-outs of a session that plays, all in milliseconds. */
export interface LivenessOptions {
  firstPacketTimeout: number;
  idleTimeout: number;
  /** After how long without a packet over UDP another transport is to be tried; null where there is none. */
  udpTimeout: number | null;
}

/** Watches over a session that plays: when to keep it alive, and when it is dead. */
export class Liveness {
  readonly #options: LivenessOptions;
  readonly #keepAlive: number;
  readonly #since: number;
  #keptAt: number;
  #mediaAt: number;

  /** @param mediaAt when the last packet came, -1 where none has come yet */
  constructor(options: LivenessOptions, start: { now: number; mediaAt: number; sessionTimeoutSeconds: number }) {
    this.#options = options;
    this.#since = this.#keptAt = start.now;
    this.#mediaAt = start.mediaAt;
    // Two tries within the server's time-out, with a margin.
    this.#keepAlive = Math.min(MAX_KEEP_ALIVE, start.sessionTimeoutSeconds * 450);
  }

  media(now: number): void {
    this.#mediaAt = now;
  }

  /** What is due; a keep-alive is due once, until the next one. */
  check(now: number): Due | null {
    const { firstPacketTimeout, idleTimeout, udpTimeout } = this.#options;
    if (this.#mediaAt >= 0) {
      if (now - Math.max(this.#mediaAt, this.#since) >= idleTimeout) return "idle";
    } else {
      const silent = now - this.#since;
      if (udpTimeout !== null && silent >= udpTimeout) return "udp-silent";
      if (silent >= firstPacketTimeout) return "no-first-packet";
    }
    if (now - this.#keptAt < this.#keepAlive) return null;
    this.#keptAt = now;
    return "keep-alive";
  }
}
