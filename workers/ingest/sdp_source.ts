import { now, RtspError } from "../../src/media/mod.ts";
import { CAMERA_COUNTER as COUNTER, type CameraSettings, type CameraState, recordOf } from "../ingest_protocol.ts";
import type { CameraEvents } from "./camera_events.ts";
import { brokenError, listenError } from "./connect_error.ts";
import { MediaPaths } from "./media_paths.ts";
import type { NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";
import { silenceError } from "./silence_error.ts";
import { isMulticast } from "./udp_listeners.ts";
import { WarningLimiter } from "./warning_limiter.ts";

/** How often counters are copied, in milliseconds. */
const COUNT_INTERVAL = 200;

/**
 * Packets that come without a session, to where a description says. There is nobody to connect to or to ask: the sockets
 * stay open, and whoever begins to send again is taken for the camera.
 */
export class SdpSource {
  closed = false;
  readonly #settings: CameraSettings;
  readonly #sdp: NonNullable<CameraSettings["sdp"]>;
  readonly #events: CameraEvents;
  readonly #media: MediaPaths;
  readonly #counters: Float64Array;
  readonly #warnings: WarningLimiter;
  #state: CameraState = "connecting";
  #since = 0;
  #countAt = 0;
  #playedOnce = false;

  constructor(
    sockets: { library: NativeLibrary; poller: Poller },
    settings: CameraSettings,
    sdp: NonNullable<CameraSettings["sdp"]>,
    events: CameraEvents,
  ) {
    this.#settings = settings;
    this.#sdp = sdp;
    this.#events = events;
    this.#counters = new Float64Array(settings.counters);
    this.#counters[COUNTER.clockOffset] = NaN;
    this.#warnings = new WarningLimiter((warning) => events.warning(warning));
    this.#media = new MediaPaths(sockets, settings, {
      ...{ info: events.info, beside: events.beside },
      heard: () => {},
      // Nothing is sent to whoever sends without being asked.
      sendInterleaved: () => {},
      warning: (warning, at) => this.#warnings.push(warning, at),
      broken: (error) => this.broken(error),
    });
    events.described(sdp.tracks, sdp.selected[0]);
    this.#listen();
  }

  /** Whether it needs no look at the clock within a moment: it plays and no packet is missing. */
  get rests(): boolean {
    return this.#state === "live" && !this.#media.waits;
  }

  setBell(number: number, bell: SharedArrayBuffer | null, wish?: SharedArrayBuffer): void {
    if (bell) this.#media.video.attach(number, bell, wish);
    else this.#media.video.detach(number);
  }

  close(): void {
    if (this.closed) return;
    this.#count(now());
    this.closed = true;
    this.#media.close();
    this.#events.closed();
  }

  /** Closes all sockets at once; the thread is about to end. */
  abandon(): void {
    this.#media.close();
  }

  broken(error: unknown): void {
    if (!this.closed) this.#end(brokenError(this.#settings.url, error));
  }

  tick(at: number): void {
    if (this.closed) return;
    this.#media.tick(at);
    if (at >= this.#countAt) this.#count(at);
    this.#look(at);
  }

  #listen(): void {
    const at = now();
    try {
      this.#media.listen(this.#sdp.selected, this.#sdp.source, at);
    } catch (error) {
      return this.#end(listenError(this.#settings.url, error));
    }
    this.#since = at;
    this.#counters[COUNTER.connections]++;
  }

  #look(at: number): void {
    const { staleAfter } = this.#settings;
    const { lastUnitAt } = this.#media.video;
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
    this.#listen();
  }

  #end(error: RtspError): void {
    this.#events.failed(recordOf(error), null);
    this.#setState("offline", error.message, now());
    this.close();
  }

  #count(at: number): void {
    this.#countAt = at + COUNT_INTERVAL;
    this.#media.count(at);
  }

  #setState(state: CameraState, reason: string, since: number): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#events.state(state, reason, since, isMulticast(this.#sdp.selected[0].connection) ? "multicast" : "udp");
  }
}
