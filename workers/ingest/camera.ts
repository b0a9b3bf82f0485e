import { now, RtspError, type Warning } from "../../src/media/mod.ts";
import {
  type NegotiatedTransport,
  RtspClientSession,
  type RtspSessionEvent,
  type RtspTrack,
} from "../../src/rtsp/mod.ts";
import {
  CAMERA_COUNTER as COUNTER,
  type CameraSettings,
  type CameraState,
  type ErrorRecord,
} from "../ingest_protocol.ts";
import { Connection } from "./connection.ts";
import { connectError, redirected } from "./connect_error.ts";
import { ADDRESS_BYTES, type NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";
import { Retry } from "./retry.ts";
import { Track } from "./track.ts";
import { UdpPair } from "./udp_pair.ts";

/** Between two receiver reports, in milliseconds. @see RFC 3550, 6.2 */
const REPORT_INTERVAL = 5_000;
/** How often counters are copied and warnings about the socket looked for, in milliseconds. */
const COUNT_INTERVAL = 200;
/** How long an orderly end may take, in milliseconds. */
const CLOSE_PATIENCE = 200;

/** What a camera tells the main thread. */
export interface CameraEvents {
  described(tracks: RtspTrack[], selected: RtspTrack): void;
  state(state: CameraState, reason: string, since: number, transport: "udp" | "tcp" | null): void;
  failed(error: ErrorRecord, retryAt: number | null): void;
  closed(): void;
  warning(warning: Warning): void;
}

/** One camera of the ingest worker: a connection after the other, one track through all of them. */
export class Camera {
  readonly #library: NativeLibrary;
  readonly #poller: Poller;
  readonly #settings: CameraSettings;
  readonly #events: CameraEvents;
  readonly #track: Track;
  readonly #counters: Float64Array;
  readonly #retry: Retry;
  #addresses: Uint8Array<ArrayBuffer>;
  #address = 0;
  #connection: Connection | null = null;
  #session: RtspClientSession | null = null;
  #udp: UdpPair | null = null;
  #transport: NegotiatedTransport | null = null;
  /** What worked, or must be: after UDP stayed silent the next session asks for TCP. */
  #policy: CameraSettings["transport"];
  #url: string;
  #redirects = 0;
  #state: CameraState = "connecting";
  #connectingSince = 0;
  #reportAt = 0;
  #countAt = 0;
  #socketDropsBefore = 0;
  #closingAt = 0;
  #playedOnce = false;
  #closed = false;

  constructor(library: NativeLibrary, poller: Poller, settings: CameraSettings, events: CameraEvents) {
    this.#library = library;
    this.#poller = poller;
    this.#settings = settings;
    this.#events = events;
    this.#addresses = settings.addresses;
    this.#policy = settings.transport;
    this.#url = settings.url;
    this.#counters = new Float64Array(settings.counters);
    this.#track = new Track(settings, (warning) => events.warning(warning));
    this.#retry = new Retry(settings.reconnect);
    this.#connect(now());
  }

  /** Whether nothing is left of it. */
  get closed(): boolean {
    return this.#closed;
  }

  setAddresses(addresses: Uint8Array<ArrayBuffer>): void {
    this.#addresses = addresses;
    this.#address = 0;
  }

  attach(bell: SharedArrayBuffer, attached: boolean): void {
    if (attached) this.#track.attach(bell);
    else this.#track.detach(bell);
  }

  /** Begins an orderly end; `closed` follows, at the latest after a fifth of a second. */
  close(): void {
    if (this.#closed || this.#closingAt > 0) return;
    const at = now();
    this.#closingAt = at;
    this.#session?.close(at);
    if (this.#session) this.#pump(at);
    else this.#finish();
  }

  tick(at: number): void {
    if (this.#closed) return;
    if (this.#closingAt > 0 && at - this.#closingAt >= CLOSE_PATIENCE) return this.#finish();
    if (this.#retry.due(at)) return this.#connect(at);
    if (this.#connection && !this.#session && at - this.#connectingSince >= this.#settings.connectTimeout) {
      const seconds = this.#settings.connectTimeout / 1000;
      return this.#fail(
        new RtspError("timeout", `Cannot open ${this.#settings.url}: nothing answers at that address in ${seconds} s`),
      );
    }
    if (!this.#session) return;
    this.#session.tick(at);
    this.#track.tick(at);
    this.#report(at);
    this.#count(at);
    this.#checkStale(at);
    this.#pump(at);
  }

  #connect(at: number): void {
    this.#drop();
    this.#retry.started();
    this.#connectingSince = at;
    this.#setState("connecting", "connecting", at);
    const start = (this.#address % (this.#addresses.length / ADDRESS_BYTES)) * ADDRESS_BYTES;
    const address = this.#addresses.slice(start, start + ADDRESS_BYTES);
    const connection = new Connection(this.#library, this.#poller, address, {
      connected: () => this.#begin(),
      received: (bytes) => {
        const when = now();
        this.#session?.receive(bytes, when);
        this.#pump(when);
      },
      over: (errno) => this.#over(errno),
    });
    this.#connection = connection;
    if (connection.failure !== 0) this.#fail(connectError(this.#settings.url, connection.failure));
  }

  #begin(): void {
    const at = now();
    const { username, password, responseTimeout, firstPacketTimeout, idleTimeout } = this.#settings;
    const session = new RtspClientSession(this.#url, {
      username,
      password,
      transport: this.#policy,
      random: (into) => crypto.getRandomValues(into),
      onMedia: (channel, data, start, end) => this.#interleaved(channel, data, start, end),
      responseTimeout,
      firstPacketTimeout,
      idleTimeout,
    });
    this.#session = session;
    session.start(at);
    this.#pump(at);
  }

  #interleaved(channel: number, data: Uint8Array, start: number, end: number): void {
    const transport = this.#transport;
    if (transport?.kind !== "tcp") return;
    if (channel === transport.rtpChannel) this.#track.packet(data, start, end);
    else if (channel === transport.rtcpChannel) this.#track.control(data, start, end);
  }

  /** Sends what the session has to send, and does what it asks for. */
  #pump(at: number): void {
    const session = this.#session;
    if (!session) return;
    for (;;) {
      for (let bytes = session.outgoing(); bytes; bytes = session.outgoing()) this.#connection?.send(bytes);
      const events = session.events();
      if (events.length === 0) return;
      for (const event of events) {
        this.#take(event, at);
        if (this.#session !== session) return;
      }
    }
  }

  #take(event: RtspSessionEvent, at: number): void {
    switch (event.type) {
      case "described":
        this.#events.described(event.tracks, event.selected[0]);
        for (const message of event.warnings) {
          this.#events.warning({ code: "sdp", message, at: { url: this.#settings.url }, count: 1 });
        }
        break;
      case "udp-ports":
        this.#openPorts(event.track, at);
        break;
      case "setup":
        this.#setUp(event.track, event.transport);
        break;
      case "playing":
        this.#counters[COUNTER.connections]++;
        this.#reportAt = at + REPORT_INTERVAL;
        break;
      case "reconnect":
        this.#policy = event.transport;
        this.#events.warning({ code: "udp-silent", message: event.reason, at: { url: this.#settings.url }, count: 1 });
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

  #redirect(url: string, at: number): void {
    const next = redirected(this.#settings, this.#url, url, ++this.#redirects);
    if (next instanceof RtspError) return this.#fail(next);
    this.#url = next;
    this.#connect(at);
  }

  #openPorts(track: RtspTrack, at: number): void {
    const heard =
      (handle: (data: Uint8Array, start: number, end: number) => void) =>
      (data: Uint8Array, start: number, end: number) => {
        this.#session?.mediaReceived(now());
        handle(data, start, end);
      };
    try {
      this.#udp?.close();
      this.#udp = new UdpPair(this.#library, this.#poller, {
        family: this.#addresses[this.#address * ADDRESS_BYTES] === 6 ? 6 : 4,
        receiveBuffer: this.#settings.receiveBuffer,
        rtp: heard((data, start, end) => this.#track.packet(data, start, end)),
        rtcp: heard((data, start, end) => this.#track.control(data, start, end)),
      });
      this.#session!.udpPorts(track, this.#udp.rtpPort, this.#udp.rtcpPort, at);
    } catch (error) {
      this.#session!.udpUnavailable(track, (error as Error).message, at);
    }
  }

  #setUp(track: RtspTrack, transport: NegotiatedTransport): void {
    this.#transport = transport;
    this.#track.begin(track, transport.kind === "tcp");
    this.#counters[COUNTER.receiveBuffer] = 0;
    if (transport.kind === "tcp" || !this.#udp) return;
    const start = this.#address * ADDRESS_BYTES;
    this.#udp.setPeer(this.#addresses.slice(start, start + ADDRESS_BYTES), transport.serverRtcpPort);
    const got = this.#counters[COUNTER.receiveBuffer] = this.#udp.receiveBuffer;
    const asked = this.#settings.receiveBuffer;
    // Linux reports twice what it grants.
    if (got >= asked) return;
    const message =
      `The system gave a UDP receive buffer of ${got} bytes, ${asked} were asked for: bursts may be lost; ` +
      `to allow it: sysctl -w net.core.rmem_max=${asked}`;
    this.#events.warning({ code: "receive-buffer", message, at: { url: this.#settings.url }, count: 1 });
  }

  #report(at: number): void {
    if (this.#reportAt === 0 || at < this.#reportAt) return;
    this.#reportAt = at + REPORT_INTERVAL * (0.75 + Math.random() / 2);
    const packet = this.#track.report(at);
    if (!packet || !this.#transport) return;
    if (this.#transport.kind === "tcp") this.#session!.sendInterleaved(this.#transport.rtcpChannel, packet);
    else this.#udp?.sendControl(packet);
  }

  #count(at: number): void {
    if (at < this.#countAt) return;
    this.#countAt = at + COUNT_INTERVAL;
    this.#track.count();
    if (!this.#udp) return;
    const drops = this.#socketDropsBefore + this.#udp.socketDrops;
    const fresh = drops - this.#counters[COUNTER.socketDrops];
    this.#counters[COUNTER.socketDrops] = drops;
    if (fresh > 0) {
      const message = `The system dropped ${fresh} datagrams because the receive buffer was full`;
      this.#events.warning({ code: "socket-drops", message, at: { url: this.#settings.url }, count: fresh });
    }
  }

  #checkStale(at: number): void {
    const last = this.#track.lastUnitAt;
    if (last < this.#connectingSince) return;
    if (at - last > this.#settings.staleAfter) {
      this.#setState("stale", `no picture for ${this.#settings.staleAfter / 1000} s`, last);
    } else if (this.#state !== "live") {
      this.#playedOnce = true;
      this.#retry.succeeded();
      this.#redirects = 0;
      this.#setState("live", "pictures come", at);
    }
  }

  #over(errno: number): void {
    if (this.#closingAt > 0) return this.#finish();
    const at = now();
    if (!this.#session) {
      // The next address is tried before the camera counts as unreachable.
      const count = this.#addresses.length / ADDRESS_BYTES;
      if (this.#address + 1 < count) {
        this.#address++;
        return this.#connect(at);
      }
      this.#address = 0;
      return this.#fail(connectError(this.#settings.url, errno));
    }
    this.#session.disconnected(at);
    this.#pump(at);
  }

  #fail(error: RtspError): void {
    const at = now();
    this.#session?.close(at);
    for (let bytes = this.#session?.outgoing(); bytes; bytes = this.#session?.outgoing()) this.#connection?.send(bytes);
    this.#drop();
    // A camera that never came up is its opener's to judge: it may be the wrong address.
    const retryAt = this.#playedOnce ? this.#retry.failed(at) : null;
    this.#setState("offline", error.message, at);
    const { code, message, status, method } = error;
    this.#events.failed({ code, message, status, method }, retryAt);
    if (retryAt === null) this.#finish();
  }

  #drop(): void {
    this.#connection?.close();
    if (this.#udp) this.#socketDropsBefore += this.#udp.socketDrops;
    this.#udp?.close();
    this.#connection = null;
    this.#session = null;
    this.#udp = null;
    this.#transport = null;
    this.#reportAt = 0;
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#drop();
    this.#track.close();
    this.#events.closed();
  }

  #setState(state: CameraState, reason: string, since: number): void {
    if (state === this.#state && state !== "offline") return;
    this.#state = state;
    this.#events.state(state, reason, since, this.#transport?.kind ?? null);
  }
}
