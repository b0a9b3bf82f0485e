// Pure: no I/O.
import type { RtspTimeout } from "../media/mod.ts";

/** The longest time between two keep-alives, in milliseconds. */
const MAX_KEEP_ALIVE = 25_000;

/** What is due in a session that plays. */
export type Due =
  | { kind: "keep-alive" }
  /** Another transport is to be tried. */
  | { kind: "udp-silent"; reason: string }
  /** It is dead. */
  | { kind: "dead"; reason: string; timeout: RtspTimeout };

/** Time-outs of a session that plays, all in milliseconds. */
export interface LivenessOptions {
  firstPacketTimeout: number;
  idleTimeout: number;
  /** After how long without a packet over UDP another transport is to be tried; null where there is none. */
  udpTimeout: number | null;
  /** Whether packets come over UDP. */
  usesUdp: boolean;
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
    const silent = this.#mediaAt < 0 ? this.#neverHeard(now) : this.#unheard(now);
    if (silent !== null || now - this.#keptAt < this.#keepAlive) return silent;
    this.#keptAt = now;
    return { kind: "keep-alive" };
  }

  #neverHeard(now: number): Due | null {
    const { firstPacketTimeout, udpTimeout, usesUdp } = this.#options;
    const silent = now - this.#since;
    if (udpTimeout !== null && silent >= udpTimeout) {
      return { kind: "udp-silent", reason: `no packet came over UDP in ${udpTimeout / 1000} s` };
    }
    if (silent < firstPacketTimeout) return null;
    const hint = usesUdp ? "; a firewall may keep UDP away, try TCP" : "";
    const reason = `the camera plays, but no packet came in ${firstPacketTimeout / 1000} s${hint}`;
    return { kind: "dead", reason, timeout: "first-packet" };
  }

  #unheard(now: number): Due | null {
    const { idleTimeout } = this.#options;
    if (now - Math.max(this.#mediaAt, this.#since) < idleTimeout) return null;
    return { kind: "dead", reason: `no packet came for ${idleTimeout / 1000} s`, timeout: "idle" };
  }
}
