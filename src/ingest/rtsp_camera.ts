import {
  type AudioTrackInfo,
  type AudioUnit,
  type DataUnit,
  type EncodedFeed,
  now,
  RtspError,
  type UnitFeed,
  type VideoTrackInfo,
  type Warning,
} from "../media/mod.ts";
import { encodedFeed, type EncodedSource } from "../feed/mod.ts";
import { RingWriter, SharedRingMemory } from "../ring/mod.ts";
import { parseCameraUrl, redactUrl, type RtspTrack, type RtspUrl } from "../rtsp/mod.ts";
import {
  CAMERA_COUNTER,
  CAMERA_COUNTERS,
  type CameraCounters,
  type CameraSettings,
  type CameraState,
  errorOf,
  recordOf,
  type TransportKind,
} from "../../workers/ingest_protocol.ts";
import type { TlsTrust } from "../../workers/tls_protocol.ts";
import { Doorbell } from "../../workers/doorbell.ts";
import type { CameraMessage, IngestWorker } from "./ingest_worker.ts";
import { resolveCamera } from "./resolve.ts";
import { SideFeed, type SideTrackStats } from "./side_feed.ts";
import { StateLog, type StateRecord } from "./state_log.ts";
import { TlsThread } from "./tls_thread.ts";
import { transportMemory } from "./transport_memory.ts";

export type { CameraCounters, CameraState };

/** Between two questions to the name server about a camera that is away, in milliseconds. */
const RESOLVE_INTERVAL = 10_000;

/** What a camera has done so far: counters, which only rise, and a few values; see {@linkcode CAMERA_COUNTERS}. */
export interface RtspCameraStats extends CameraCounters {
  state: CameraState;
  /** Why it is in that state. */
  reason: string;
  /** Since when, in Unix milliseconds. For `stale`: when the last picture came. */
  since: number;
  transport: TransportKind | null;
  /** Connections that came to play, after the first. */
  reconnects: number;
  /** What wall times are made of: nothing, the camera's reports, or reports of a clock that was set while it played. */
  ntpQuality: "none" | "reports" | "stepped";
  lastError: RtspError | null;
  /** Of the tracks beside the video, where they were asked for. */
  audio: SideTrackStats | null;
  data: SideTrackStats | null;
}

/**
 * A camera that was opened. Its connection is held by the ingest worker, and comes back by itself; its access units lie in a
 * ring that every branch of `video` reads at its own pace.
 */
export class RtspCamera implements AsyncDisposable {
  /** The address, without credentials; secrets among its query fields are masked. */
  readonly url: string;
  /** All tracks of the description; `video` is the first that can be decoded. */
  tracks: readonly RtspTrack[] = [];
  /** The encoded video; branch it as often as wanted. */
  readonly video: EncodedFeed;
  readonly #audio: SideFeed<AudioUnit>;
  readonly #data: SideFeed<DataUnit>;
  readonly #worker: IngestWorker;
  readonly #number: number;
  readonly #address: RtspUrl;
  readonly #settings: CameraSettings;
  readonly #counters: Float64Array;
  readonly #log = new StateLog();
  readonly #onWarning: ((warning: Warning) => void) | undefined;
  readonly #live = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<Error | undefined>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #info: VideoTrackInfo = {
    codec: "h264",
    clockRate: 90_000,
    width: 0,
    height: 0,
    frameRate: 0,
    codecString: "",
    parameterSets: new Uint8Array(0),
  };
  readonly #trust: TlsTrust;
  #tls: TlsThread | null = null;
  #transport: TransportKind | null = null;
  #udpWasSilent = false;
  #resolvedAt = 0;
  #lastBell = 0;
  readonly #bells = new Map<number, Doorbell>();
  #lastError: RtspError | null = null;
  #closing = false;

  /** Use {@linkcode openRtsp}, {@linkcode openSdp} or {@linkcode openFlv}. */
  constructor(
    worker: IngestWorker,
    address: RtspUrl,
    settings: CameraSettings,
    options: { onWarning?: (warning: Warning) => void; trust?: TlsTrust } = {},
  ) {
    this.#trust = options.trust ?? { fingerprints: [], ca: null };
    this.url = redactUrl(address.href);
    this.#worker = worker;
    this.#address = address;
    this.#settings = settings;
    this.#counters = new Float64Array(settings.counters);
    this.#onWarning = options.onWarning;
    this.#live.promise.catch(() => {}); // reported by opened()
    this.video = encodedFeed(this.#source());
    this.#audio = SideFeed.audio(settings.beside, this.#ended.promise);
    this.#data = SideFeed.data(settings.beside, this.#ended.promise);
    this.#number = worker.add((message) => this.#take(message));
    worker.post({ type: "open", camera: this.#number, settings });
  }

  /** Resolves with the first picture; rejects with why there is none. */
  opened(): Promise<void> {
    return this.#live.promise;
  }

  /**
   * The encoded sound; branch it as often as wanted. Where the camera gives none, nothing comes: `stats().audio` says why.
   * Reading it throws a `TypeError` where the camera was not opened with `beside: ["audio"]`.
   *
   * @example
   * ```ts ignore
   * await using camera = await openRtsp("rtsp://cam.local/h264", { beside: ["audio"] });
   * for await (const { codec, data, pts, wallTime } of camera.audio.branch()) console.log(codec, pts, data.length, wallTime);
   * ```
   */
  get audio(): UnitFeed<AudioUnit> {
    return this.#audio.feed;
  }

  /** What the camera sends besides, such as ONVIF metadata; for `beside: ["data"]`, else as `audio`. */
  get data(): UnitFeed<DataUnit> {
    return this.#data.feed;
  }

  /** What is known of the sound; null where there is none. */
  get audioInfo(): AudioTrackInfo | null {
    return this.#audio.info;
  }

  get state(): CameraState {
    return this.#log.last.state;
  }

  /** What is known of the video. */
  get info(): VideoTrackInfo {
    const width = this.#counters[CAMERA_COUNTER.width] || this.#info.width;
    const height = this.#counters[CAMERA_COUNTER.height] || this.#info.height;
    return { ...this.#info, width, height };
  }

  /** Every change of state from now on, beginning with the present one; ends with the camera. */
  states(): AsyncIterableIterator<StateRecord> {
    return this.#log.follow();
  }

  stats(): RtspCameraStats {
    const counters = Object.fromEntries(CAMERA_COUNTERS.map((name, i) => [name, this.#counters[i]])) as CameraCounters;
    const { state, reason, since } = this.#log.last;
    return {
      ...counters,
      ...{ state, reason, since, transport: this.#transport, lastError: this.#lastError },
      ...{ audio: this.#audio.stats(), data: this.#data.stats() },
      reconnects: Math.max(0, counters.connections - 1),
      ntpQuality: (["none", "reports", "stepped"] as const)[counters.ntp] ?? "none",
    };
  }

  /** Settles when the camera is over: with its error, or undefined where it was closed. Never rejects. */
  get ended(): Promise<Error | undefined> {
    return this.#ended.promise;
  }

  /** Says goodbye to the camera and closes the sockets; resolves when that is done. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closing) {
      this.#closing = true;
      this.#worker.post({ type: "close", camera: this.#number });
    }
    await this.#gone.promise;
  }

  #source(): EncodedSource {
    // deno-lint-ignore no-this-alias
    const camera = this;
    return {
      ring: this.#settings.ring,
      get info() {
        return camera.info;
      },
      streamId: this.#settings.streamId,
      corrupt: this.#settings.corrupt,
      ended: this.#ended.promise,
      attachDoorbell: (bell, wish) => {
        const number = ++this.#lastBell;
        const camera = this.#number;
        this.#bells.set(number, new Doorbell(bell));
        this.#worker.post({ type: "bell", camera, number, bell, wish });
        return () => {
          this.#bells.delete(number);
          this.#worker.post({ type: "bell", camera, number, bell: null });
        };
      },
      close: () => this[Symbol.asyncDispose](),
    };
  }

  #take(message: CameraMessage): void {
    switch (message.type) {
      case "described":
        this.tracks = message.tracks;
        Object.assign(this.#info, message.selected.video);
        break;
      case "info":
        Object.assign(this.#info, message.info);
        break;
      case "beside":
        (message.kind === "audio" ? this.#audio : this.#data).condition = message.condition;
        break;
      case "state":
        this.#transport = message.transport ?? this.#transport;
        this.#log.add({ state: message.state, reason: message.reason, since: message.since });
        if (message.state !== "live") break;
        if (this.#udpWasSilent && message.transport === "tcp") transportMemory.udpWasSilent(this.#address);
        this.#live.resolve();
        break;
      case "failed":
        this.#failed(message);
        break;
      case "warning":
        if (message.warning.code === "udp-silent") this.#udpWasSilent = true;
        this.#onWarning?.(message.warning);
        break;
      case "moving":
        void this.#move(message.url);
        break;
      case "secure":
        this.#secure(message);
        break;
      case "closed":
        this.#over();
        break;
    }
  }

  /** Without the TLS worker, the end of the stream is all that the ingest worker hears. */
  #secure({ handle, address, host }: Extract<CameraMessage, { type: "secure" }>): void {
    try {
      this.#tls ??= TlsThread.use(this.#worker.library);
      this.#tls.open({ handle, address, host, trust: this.#trust });
    } catch {
      this.#worker.library.symbols.mr_close(handle);
    }
  }

  /** A camera may send its client to another host, but not to one that this program may not reach. */
  async #move(url: string): Promise<void> {
    const camera = this.#number;
    try {
      const addresses = await resolveCamera(this.#worker.library, parseCameraUrl(url));
      this.#worker.post({ type: "moved", camera, to: { url, addresses } });
    } catch (error) {
      const record = recordOf(error instanceof RtspError ? error : new RtspError("protocol", String(error)));
      const message = `${record.message} (where ${this.url} redirects to)`;
      this.#worker.post({ type: "moved", camera, to: { ...record, message } });
    }
  }

  #failed({ error, retryAt }: Extract<CameraMessage, { type: "failed" }>): void {
    this.#udpWasSilent = false;
    transportMemory.forget(this.#address);
    this.#lastError = errorOf(error);
    if (retryAt === null) {
      this.#live.reject(this.#lastError);
      return this.#ended.resolve(this.#lastError);
    }
    // A camera that comes back may have another address by then, unless it is known by its address alone.
    if (isNumeric(this.#address.host) || now() - this.#resolvedAt < RESOLVE_INTERVAL) return;
    this.#resolvedAt = now();
    resolveCamera(this.#worker.library, this.#address)
      .then((addresses) => this.#worker.post({ type: "addresses", camera: this.#number, addresses }))
      .catch(() => {}); // the old ones are tried again
  }

  #over(): void {
    this.#log.end({
      state: "offline",
      reason: this.#closing ? "closed" : this.#lastError?.message ?? "closed",
      since: now(),
    });
    this.#live.reject(this.#lastError ?? new RtspError("closed", `Cannot open ${this.url}: it was closed`));
    this.#ended.resolve(undefined);
    // After `ended`, and so on this thread: whoever sees the ring's end can see why.
    RingWriter.adopt(new SharedRingMemory(this.#settings.ring)).close();
    for (const bell of this.#bells.values()) bell.ring();
    for (const side of [this.#audio, this.#data]) side.close();
    this.#worker.remove(this.#number);
    this.#tls?.leave();
    this.#gone.resolve();
  }
}

/** Whether a host is an address, and no name for one. */
function isNumeric(host: string): boolean {
  return host.includes(":") || /^[\d.]+$/.test(host);
}
