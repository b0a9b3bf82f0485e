import { FlvClientSession, WebCredentials } from "../../src/flv/mod.ts";
import { isHttpUrl, type MediaHandler, RtspClientSession, type RtspSessionOptions } from "../../src/rtsp/mod.ts";
import type { CameraSettings } from "../ingest_protocol.ts";
import type { Route } from "./route.ts";

/** How long UDP may stay silent where TCP can be tried, in milliseconds. */
const UDP_PATIENCE = 2_000;

/** What a camera that is asked in whichever way says and wants. */
export interface CameraSession extends
  Pick<
    RtspClientSession,
    "start" | "receive" | "midway" | "tick" | "outgoing" | "events" | "disconnected" | "close"
  > {
  readonly stats: { readonly garbageBytes: number };
}

/** Makes the sessions of one camera, one after the other. */
export class CameraSessions {
  readonly #settings: CameraSettings;
  readonly #onMedia: MediaHandler;
  /** A web server's challenge is answered over the next connection. */
  #credentials: WebCredentials | null = null;
  #isAway = false;

  constructor(settings: CameraSettings, onMedia: MediaHandler) {
    this.#settings = settings;
    this.#onMedia = onMedia;
  }

  /** The session for the next connection: RTSP's where that is what it is, as it may have been asked for UDP. */
  open(
    route: Route,
    wanted: { policy: CameraSettings["transport"]; beside: RtspSessionOptions["beside"] },
  ): { session: CameraSession; rtsp: RtspClientSession | null } {
    const { policy, beside } = wanted;
    const { username, password, responseTimeout, firstPacketTimeout, idleTimeout } = this.#settings;
    // A password in the clear is for the host that it was given for.
    const basic = route.isAway ? "refuse" : "answer";
    const random = (into: Uint8Array<ArrayBuffer>) => void crypto.getRandomValues(into);
    const times = { responseTimeout, firstPacketTimeout, idleTimeout, onMedia: this.#onMedia };
    if (isHttpUrl(route.url)) {
      if (this.#isAway !== route.isAway) this.#credentials = null;
      this.#isAway = route.isAway;
      const credentials = this.#credentials ??= new WebCredentials({ username, password, random, basic });
      return { session: new FlvClientSession(route.url, { ...times, credentials, beside }), rtsp: null };
    }
    const rtsp = new RtspClientSession(route.url, {
      ...{ ...times, username, password, random, basic, beside },
      transport: policy === "http-tunnel" ? "tcp" : policy,
      udpTimeout: Math.min(UDP_PATIENCE, firstPacketTimeout),
    });
    return { session: rtsp, rtsp };
  }
}
