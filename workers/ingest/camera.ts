import { now, RtspError } from "../../src/media/mod.ts";
import {
  type NegotiatedTransport,
  redactUrl,
  type RtspClientSession,
  type RtspSessionEvent,
  type RtspTrack,
} from "../../src/rtsp/mod.ts";
import {
  CAMERA_COUNTER as COUNTER,
  type CameraSettings,
  type CameraState,
  errorOf,
  type ErrorRecord,
  recordOf,
} from "../ingest_protocol.ts";
import type { Link } from "./connection.ts";
import type { CameraEvents } from "./camera_events.ts";
import { openLink, transportOf } from "./link.ts";
import { type CameraSession, CameraSessions } from "./camera_session.ts";
import { brokenError, connectError, connectTimeout, listenError } from "./connect_error.ts";
import { MediaPaths } from "./media_paths.ts";
import type { NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";
import { Retry } from "./retry.ts";
import { Route } from "./route.ts";
import { silenceError } from "./silence_error.ts";
import { WarningLimiter } from "./warning_limiter.ts";

/** How often counters are copied and warnings about the socket looked for, in milliseconds. */
const COUNT_INTERVAL = 200;
/** How long an orderly end may take, in milliseconds. */
const CLOSE_PATIENCE = 200;

/** What trying again does not help against, or does harm to. */
const HOPELESS: readonly string[] = ["unauthorized", "permission", "certificate"];

/** One camera of the ingest worker: a connection after the other, its tracks through all of them. */
export class Camera {
  readonly #sockets: { library: NativeLibrary; poller: Poller };
  readonly #settings: CameraSettings;
  readonly #events: CameraEvents;
  readonly #media: MediaPaths;
  readonly #counters: Float64Array;
  readonly #retry: Retry;
  readonly #warnings: WarningLimiter;
  readonly #route: Route;
  #link: Link | null = null;
  readonly #sessions: CameraSessions;
  #session: CameraSession | null = null;
  /** The same, where it is one of RTSP. */
  #rtsp: RtspClientSession | null = null;
  /** What worked, or must be: after UDP stayed silent the next session asks for TCP. */
  #policy: CameraSettings["transport"];
  #state: CameraState = "connecting";
  #connectingSince = 0;
  #playingSince = 0;
  /** When the bytes that are handled came. */
  #receivedAt = 0;
  #countAt = 0;
  /** Of the sessions before this one. */
  #garbageBytes = 0;
  #closingAt = 0;
  #playedOnce = false;
  #closed = false;

  constructor(
    sockets: { library: NativeLibrary; poller: Poller },
    settings: CameraSettings,
    events: CameraEvents,
  ) {
    this.#sockets = sockets;
    this.#settings = settings;
    this.#events = events;
    this.#route = new Route(settings.url, settings.addresses);
    this.#policy = settings.transport;
    this.#counters = new Float64Array(settings.counters);
    this.#counters[COUNTER.clockOffset] = NaN;
    this.#warnings = new WarningLimiter((warning) => events.warning(warning));
    this.#media = new MediaPaths(sockets, settings, {
      ...{ info: events.info, beside: events.beside },
      heard: (at) => this.#rtsp?.mediaReceived(at),
      sendInterleaved: (channel, packet) => this.#rtsp?.sendInterleaved(channel, packet),
      warning: (warning, at) => this.#warnings.push(warning, at),
      broken: (error) => this.broken(error),
    });
    this.#retry = new Retry(settings.reconnect);
    this.#sessions = new CameraSessions(
      settings,
      (channel, data, start, end) => this.#media.interleaved(channel, data, start, end, this.#receivedAt),
    );
    this.#connect(now());
  }

  /** Whether nothing is left of it. */
  get closed(): boolean {
    return this.#closed;
  }

  /** Whether it needs no look at the clock within a moment: it waits for its next attempt, or plays and no packet is missing. */
  get rests(): boolean {
    if (this.#closingAt > 0) return false;
    return this.#session === null || this.#state === "live" && !this.#media.waits;
  }

  setAddresses(addresses: Uint8Array<ArrayBuffer>): void {
    this.#route.setHome(addresses);
  }

  /** The other host that the camera redirects to may be reached, or may not. */
  moved(to: { url: string; addresses: Uint8Array<ArrayBuffer> } | ErrorRecord): void {
    if (this.#closed || this.#closingAt > 0 || this.#link || this.#retry.waiting) return;
    if ("code" in to) return this.#fail(errorOf(to));
    this.#route.arrive(to.url, to.addresses);
    this.#connect(now());
  }

  /** Has a bell rung after each access unit, or, with null, no longer. */
  setBell(number: number, bell: SharedArrayBuffer | null, wish?: SharedArrayBuffer): void {
    if (bell) this.#media.video.attach(number, bell, wish);
    else this.#media.video.detach(number);
    this.#gather();
  }

  /** Begins an orderly end; `closed` follows, at the latest after a fifth of a second. */
  close(): void {
    if (this.#closed || this.#closingAt > 0) return;
    const at = now();
    this.#closingAt = at;
    this.#sockets.poller.hurried = true;
    this.#session?.close(at);
    if (this.#session) this.#pump(at);
    else this.#finish();
  }

  /** Closes all sockets at once; the thread is about to end. */
  abandon(): void {
    this.#link?.close();
    this.#media.close();
  }

  /** Ends the connection because this program failed, and not the camera; the other cameras do not notice. */
  broken(error: unknown): void {
    if (this.#closed) return;
    try {
      this.#fail(brokenError(this.#settings.url, error));
    } catch {
      this.#finish();
    }
  }

  tick(at: number): void {
    if (this.#closed) return;
    try {
      this.#tick(at);
    } catch (error) {
      this.broken(error);
    }
  }

  #tick(at: number): void {
    this.#link?.receive?.();
    if (this.#closingAt > 0 && at - this.#closingAt >= CLOSE_PATIENCE) return this.#finish();
    if (this.#retry.due(at)) return this.#connect(at);
    if (!this.#session) {
      if (this.#link && at - this.#connectingSince >= this.#settings.connectTimeout) {
        this.#unreachable(connectTimeout(this.#settings));
      }
      return;
    }
    const session = this.#session;
    session.tick(at);
    this.#media.tick(at);
    this.#pump(at);
    if (this.#session !== session) return;
    if (at >= this.#countAt) this.#count(at);
    this.#look(at);
  }

  #connect(at: number): void {
    this.#drop();
    this.#retry.started();
    this.#connectingSince = at;
    this.#setState("connecting", "connecting", at);
    const { secure } = this.#events;
    this.#link = openLink(this.#sockets, { settings: this.#settings, route: this.#route, secure }, {
      connected: () => this.#begin(),
      received: (bytes) => {
        this.#receivedAt = now();
        this.#session?.receive(bytes, this.#receivedAt);
        this.#pump(this.#receivedAt);
      },
      over: (errno) => this.#over(errno),
      refused: (error) => this.#fail(error),
      broken: (error) => this.broken(error),
    });
    if (this.#link.failure !== 0) this.#unreachable(connectError(this.#settings.url, this.#link.failure));
  }

  #begin(): void {
    const at = now();
    const { session, rtsp } = this.#sessions.open(this.#route, { policy: this.#policy, beside: this.#media.wanted });
    this.#rtsp = rtsp;
    this.#session = session;
    this.#retry.reached();
    session.start(at);
    this.#pump(at);
  }

  /** Sends what the session has to send, and does what it asks for. */
  #pump(at: number): void {
    const session = this.#session;
    if (!session) return;
    for (;;) {
      this.#send(session);
      const events = session.events();
      if (events.length === 0) return this.#gather();
      for (const event of events) {
        this.#take(event, at);
        if (this.#session !== session) return;
      }
    }
  }

  /** Has the socket tell of what comes at once, or only where there is more to do than is worth waking for. */
  #gather(): void {
    const may = this.#state === "live" && this.#closingAt === 0 && !this.#session?.midway;
    this.#link?.gather?.(this.#media.gathering(may));
  }

  /** What a peer that does not read is not sent stays with the session, which has a bound for it. */
  #send(session: CameraSession): void {
    while (this.#link && !this.#link.full) {
      const bytes = session.outgoing();
      if (!bytes) return;
      this.#link.send(bytes);
    }
  }

  #take(event: RtspSessionEvent, at: number): void {
    switch (event.type) {
      case "described":
        this.#events.described(event.tracks, event.selected[0]);
        this.#media.described(event.selected);
        if (event.warnings.length > 0) this.#warn("sdp", event.warnings.join("; "), at);
        break;
      case "udp-ports":
        this.#openPorts(event.track, at);
        break;
      case "setup":
        this.#setUp(event.track, event.transport, at);
        break;
      case "left-out":
        this.#media.leftOut(event.track, event.error);
        break;
      case "playing":
        this.#counters[COUNTER.connections]++;
        this.#playingSince = at;
        break;
      case "reconnect":
        if (event.instead === "tcp") {
          this.#policy = event.instead;
          this.#warn("udp-silent", `${event.reason}: going on over TCP`, at);
        } else this.#media.giveUp(event.reason);
        this.#connect(at);
        break;
      case "redirect":
        this.#redirect(event.url, at);
        break;
      case "failed":
        this.#fail(event.error);
        break;
      case "ended":
        this.#finish();
        break;
    }
  }

  #setUp(track: RtspTrack, transport: NegotiatedTransport, at: number): void {
    try {
      this.#media.setUp(track, transport, at);
    } catch (error) {
      this.#fail(listenError(this.#settings.url, error));
    }
  }

  #redirect(url: string, at: number): void {
    const leads = this.#route.redirect(url);
    if (leads === "here") return this.#connect(at);
    if (leads !== "elsewhere") return this.#fail(leads);
    this.#drop();
    this.#events.moving(url);
  }

  #openPorts(track: RtspTrack, at: number): void {
    const session = this.#rtsp!;
    let ports;
    try {
      ports = this.#media.openPorts(track, this.#route.address);
    } catch (error) {
      return session.udpUnavailable(track, (error as Error).message, at);
    }
    session.udpPorts(track, ports.rtpPort, ports.rtcpPort, at);
  }

  #count(at: number): void {
    this.#countAt = at + COUNT_INTERVAL;
    this.#media.count(at);
    this.#counters[COUNTER.garbageBytes] = this.#garbageBytes + (this.#session?.stats.garbageBytes ?? 0);
  }

  /** Whether packets and pictures come. */
  #look(at: number): void {
    if (this.#playingSince === 0) return;
    // The session knows of packets as well, but takes a camera's reports of nothing for media.
    const silence = silenceError(this.#settings, {
      ...{ at, connectingSince: this.#connectingSince, playingSince: this.#playingSince },
      ...{ lastPacketAt: this.#counters[COUNTER.lastPacketAt], lastUnitAt: this.#media.video.lastUnitAt },
    });
    if (silence) return this.#fail(silence);
    const last = this.#media.video.lastUnitAt;
    if (last < this.#connectingSince) return;
    const { staleAfter } = this.#settings;
    if (at - last > staleAfter) {
      this.#setState("stale", `no picture for ${staleAfter / 1000} s`, last);
    } else if (this.#state !== "live") {
      this.#playedOnce = true;
      this.#retry.succeeded();
      this.#route.succeeded();
      this.#count(at);
      this.#setState("live", "pictures come", at);
    }
  }

  #over(errno: number): void {
    if (this.#closingAt > 0) return this.#finish();
    if (!this.#session) return this.#unreachable(connectError(this.#settings.url, errno));
    const at = now();
    this.#session.disconnected(at);
    this.#pump(at);
  }

  /** No connection came about: the next address is tried before the camera counts as unreachable. */
  #unreachable(error: RtspError): void {
    if (this.#route.advance()) this.#connect(now());
    else this.#fail(error);
  }

  /** A camera that never came up is its opener's to judge, who may have the wrong address; a wrong password always is. */
  #isRetried({ code }: RtspError): boolean {
    if (this.#closingAt > 0) return false;
    return this.#playedOnce || this.#settings.retry === "from-start" && !HOPELESS.includes(code);
  }

  #fail(error: RtspError): void {
    const at = now();
    const failure = error.code === "unauthorized" ? error.code : this.#session ? "session" : "unreachable";
    if (this.#session) this.#send(this.#session); // a good-bye, where one is due
    // What TCP could not do either may have been a camera that was still starting: both are tried again.
    if (this.#media.video.lastUnitAt < this.#connectingSince) this.#policy = this.#settings.transport;
    // A camera that is still starting, after what it failed with, is not asked for that again.
    else this.#media.askAgain();
    this.#route.goHome();
    this.#drop();
    const retryAt = this.#isRetried(error) ? this.#retry.failed(at, failure) : null;
    // Who never saw a picture lost nothing.
    const message = redactUrl(this.#playedOnce ? error.message : error.message.replace(/^Lost /, "Cannot open "));
    // In this order: whoever sees the state can ask for the error.
    this.#events.failed({ ...recordOf(error), message }, retryAt);
    this.#setState("offline", message, at);
    if (retryAt === null) this.#finish();
  }

  #drop(): void {
    this.#count(now());
    this.#garbageBytes = this.#counters[COUNTER.garbageBytes];
    this.#link?.close();
    this.#media.close();
    this.#link = null;
    this.#session = this.#rtsp = null;
    this.#playingSince = 0;
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#drop();
    this.#events.closed();
  }

  #warn(code: string, message: string, at: number): void {
    this.#warnings.push({ code, message, at: { url: redactUrl(this.#settings.url) }, count: 1 }, at);
  }

  #setState(state: CameraState, reason: string, since: number): void {
    if (state === this.#state && state !== "offline") return;
    this.#state = state;
    this.#events.state(state, reason, since, transportOf(this.#media.kind, this.#settings, this.#route));
  }
}
