import { now, RtspError, type Warning } from "../../src/media/mod.ts";
import { CAMERA_COUNTER as COUNTER, type CameraSettings, type CameraState, recordOf } from "../ingest_protocol.ts";
import type { CameraEvents } from "./camera_events.ts";
import { brokenError, listenError } from "./connect_error.ts";
import type { NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";
import { silenceError } from "./silence_error.ts";
import { Track } from "./track.ts";
import { isMulticast, UdpListeners } from "./udp_listeners.ts";
import { WarningLimiter } from "./warning_limiter.ts";

/** How often counters are copied, in milliseconds. */
const COUNT_INTERVAL = 200;

/**
 * Packets that come without a session, to where a description says. There is nobody to connect to or to ask: the sockets
 * stay open, and whoever begins to send again is taken for the camera.
 */
export class SdpSource {
  closed = false;
  readonly #sockets: { library: NativeLibrary; poller: Poller };
  readonly #settings: CameraSettings;
  readonly #sdp: NonNullable<CameraSettings["sdp"]>;
  readonly #events: CameraEvents;
  readonly #track: Track;
  readonly #counters: Float64Array;
  readonly #warnings: WarningLimiter;
  #listeners: UdpListeners | null = null;
  #state: CameraState = "connecting";
  #since = 0;
  #countAt = 0;
  #playedOnce = false;
  /** Counts of the sockets before these. */
  #foreign = 0;
  #drops = 0;

  constructor(
    sockets: { library: NativeLibrary; poller: Poller },
    settings: CameraSettings,
    sdp: NonNullable<CameraSettings["sdp"]>,
    events: CameraEvents,
  ) {
    this.#sockets = sockets;
    this.#settings = settings;
    this.#sdp = sdp;
    this.#events = events;
    this.#counters = new Float64Array(settings.counters);
    this.#counters[COUNTER.clockOffset] = NaN;
    this.#warnings = new WarningLimiter((warning) => events.warning(warning));
    const warning = (warning: Warning, at: number) => this.#warnings.push(warning, at);
    this.#track = new Track(settings, { info: (info) => events.info(info), warning });
    events.described(sdp.tracks, sdp.selected);
    this.#listen();
  }

  /** There is always something that may come. */
  get rests(): boolean {
    return false;
  }

  setBell(number: number, bell: SharedArrayBuffer | null): void {
    if (bell) this.#track.attach(number, bell);
    else this.#track.detach(number);
  }

  close(): void {
    if (this.closed) return;
    this.#count(now());
    this.closed = true;
    this.#listeners?.close();
    this.#events.closed();
  }

  /** Closes all sockets at once; the thread is about to end. */
  abandon(): void {
    this.#listeners?.close();
  }

  broken(error: unknown): void {
    if (!this.closed) this.#end(brokenError(this.#settings.url, error));
  }

  tick(at: number): void {
    if (this.closed) return;
    this.#track.tick(at);
    if (at >= this.#countAt) this.#count(at);
    this.#look(at);
  }

  #listen(): void {
    const { connection, port } = this.#sdp.selected;
    const group = isMulticast(connection);
    try {
      this.#listeners = new UdpListeners(this.#sockets, {
        address: group ? connection : connection.includes(":") ? "::" : "",
        rtpPort: port,
        rtcpPort: port + 1,
        source: this.#sdp.source,
        receiveBuffer: this.#settings.receiveBuffer,
        rtp: (data, start, end, at) => this.#track.packet(data, start, end, at),
        rtcp: (data, start, end, at) => this.#track.control(data, start, end, at),
        broken: (error) => this.broken(error),
      });
    } catch (error) {
      return this.#end(listenError(this.#settings.url, error));
    }
    this.#since = now();
    this.#counters[COUNTER.connections]++;
    this.#counters[COUNTER.receiveBuffer] = this.#listeners.receiveBuffer;
    this.#track.begin(this.#sdp.selected, false);
  }

  #look(at: number): void {
    const { staleAfter } = this.#settings;
    const lastUnitAt = this.#track.lastUnitAt;
    const silence = silenceError(this.#settings, {
      ...{ at, connectingSince: this.#since, playingSince: this.#since },
      ...{ lastPacketAt: this.#counters[COUNTER.lastPacketAt], lastUnitAt },
    });
    if (silence) return this.#lost(silence, at);
    if (lastUnitAt < this.#since) return;
    if (at - lastUnitAt > staleAfter) this.#setState("stale", `no picture for ${staleAfter / 1000} s`, lastUnitAt);
    else if (this.#state !== "live") {
      this.#playedOnce = true;
      this.#count(at);
      this.#setState("live", "pictures come", at);
    }
  }

  /** Listens anew, for the next sender may be another. */
  #lost(error: RtspError, at: number): void {
    const { reconnect, retry } = this.#settings;
    if (!reconnect || !this.#playedOnce && retry === "once-live") return this.#end(error);
    if (this.#state !== "offline") {
      this.#events.failed(recordOf(error), at);
      this.#setState("offline", error.message, at);
    }
    this.#foreign += this.#listeners?.foreign ?? 0;
    this.#drops += this.#listeners?.socketDrops ?? 0;
    this.#listeners?.close();
    this.#listen();
  }

  #end(error: RtspError): void {
    this.#events.failed(recordOf(error), null);
    this.#setState("offline", error.message, now());
    this.close();
  }

  #count(at: number): void {
    this.#countAt = at + COUNT_INTERVAL;
    this.#track.count();
    this.#counters[COUNTER.foreign] = this.#foreign + (this.#listeners?.foreign ?? 0);
    this.#counters[COUNTER.socketDrops] = this.#drops + (this.#listeners?.socketDrops ?? 0);
  }

  #setState(state: CameraState, reason: string, since: number): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#events.state(state, reason, since, isMulticast(this.#sdp.selected.connection) ? "multicast" : "udp");
  }
}
