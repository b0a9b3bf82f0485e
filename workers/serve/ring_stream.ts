import { EncodedCursor } from "../../src/feed/encoded_cursor.ts";
import type { AudioTrackInfo, AudioUnit, VideoCodec, Warning } from "../../src/media/mod.ts";
import type { RecordMeta } from "../../src/ring/mod.ts";
import type { StreamDescription } from "../../src/serve/description.ts";
import { parameterSetsOf } from "../../src/serve/parameter_sets.ts";
import type { ServedStream } from "../../src/serve/served_stream.ts";
import type { Viewer, ViewerStats } from "../../src/serve/viewer.ts";
import { RingSound } from "./ring_sound.ts";
import { STREAM_COUNTERS, type StreamSettings } from "../serve_protocol.ts";

/** Access units that are sent at one go; the sockets want their turn as well. */
const AT_ONE_GO = 32;
/** How long a client that asks what a stream is waits for its first keyframe, in milliseconds. */
const PATIENCE = 4_000;
/** A reader that catches up reads all there is, and is never behind. */
const NO_LIMIT = 2 ** 31;
const NONE = new Uint8Array(0);

/** Hears of what happens to a stream. */
export interface StreamEvents {
  /** Its clients must ask anew what it is. */
  changed(stream: RingStream): void;
  warning(warning: Warning): void;
}

/** What viewers were sent; sound counts as packets and bytes, not as pictures. */
type Sent = ViewerStats & { soundSkipped: number; soundUnsendable: number };

/** A feed that a server passes on: one reader of its ring for all its viewers. */
export class RingStream implements ServedStream {
  readonly path: string;
  readonly #settings: StreamSettings;
  readonly #cursor: EncodedCursor;
  readonly #counters: Float64Array;
  readonly #events: StreamEvents;
  readonly #viewers = new Set<Viewer>();
  readonly #listeners = new Set<Viewer>();
  readonly #sound: RingSound | null;
  /** By how many milliseconds the camera's clock is ahead of this host's. */
  #cameraClock: number | null = null;
  /** What the viewers that are gone were sent. */
  readonly #past: Sent = {
    ...{ accessUnits: 0, packets: 0, bytes: 0, skipped: 0, unsendable: 0 },
    ...{ soundSkipped: 0, soundUnsendable: 0 },
  };
  readonly #waiting = new Set<(description: StreamDescription | null) => void>();
  #description: StreamDescription | null = null;
  #generation = -1;
  #lastSequence = -1;
  #joined = 0;
  #warned = false;
  #ending = false;
  #drained = false;

  constructor(settings: StreamSettings, events: StreamEvents) {
    this.path = settings.path;
    this.#settings = settings;
    this.#events = events;
    this.#counters = new Float64Array(settings.counters);
    const { ring, capacity, corrupt, info, sound } = settings;
    this.#sound = sound && new RingSound(sound.ring, sound.info, (unit) => this.#warnOfSound(unit));
    this.#cursor = new EncodedCursor(ring, { capacity, corrupt });
    if (info && (info.parameterSets.length > 0 || info.codec === "mjpeg")) {
      const { codec, parameterSets, frameRate, width, height } = info;
      this.#description = { name: this.path, codec, parameterSets, frameRate, width, height, sound: sound?.info };
    }
  }

  /** Not known: the feed is live. */
  readonly nextKeyframePts = null;

  /** Whether all there was has been sent, and nothing more comes. */
  get over(): boolean {
    return this.#drained;
  }

  /** Whether somebody listens to its sound. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  describe(): StreamDescription | Promise<StreamDescription | null> {
    return this.#description ?? new Promise((resolve) => {
      const tell = (description: StreamDescription | null) => {
        clearTimeout(timer);
        this.#waiting.delete(tell);
        resolve(description);
      };
      const timer = setTimeout(() => tell(null), PATIENCE);
      this.#waiting.add(tell);
    });
  }

  join(viewer: Viewer): void {
    if (viewer.kind === "sound") return void this.#listeners.add(viewer);
    if (this.#viewers.has(viewer)) return;
    this.#viewers.add(viewer);
    this.#joined++;
    if (this.#settings.joinAt === "last-keyframe") this.#catchUp(viewer);
    this.#count();
  }

  leave(viewer: Viewer): void {
    if (!this.#viewers.delete(viewer) && !this.#listeners.delete(viewer)) return;
    add(this.#past, sentTo(viewer));
    this.#count();
  }

  /** The source will write no more; what is in the ring is still sent. */
  end(): void {
    this.#ending = true;
  }

  /** Sends what is new; true where there may be more at once. */
  pump(): boolean {
    const heard = this.#sound?.pump(this.#listeners, this.#cameraClock);
    for (let i = 0; i < AT_ONE_GO; i++) {
      const meta = this.#cursor.next();
      if (!meta) {
        this.#drained = this.#ending;
        if (i > 0 || heard) this.#count();
        return false;
      }
      this.#lastSequence = meta.sequence;
      this.#cameraClock = meta.wallTime === null ? null : meta.wallTime - meta.receivedAt;
      const data = this.#prepare(meta, this.#cursor.data);
      for (const viewer of this.#viewers) send(viewer, meta, data);
    }
    this.#count();
    return true;
  }

  /** Lets go of all who wait. */
  close(): void {
    for (const tell of this.#waiting) tell(null);
  }

  /** Learns from a keyframe what the stream is; gives it back with what a decoder needs to begin with it. */
  #prepare(meta: RecordMeta, data: Uint8Array): Uint8Array {
    if (!meta.keyframe) return data;
    const codec = meta.codec ?? this.#description?.codec ?? "h264";
    const known = this.#description;
    const sets = parameterSetsOf(codec, data);
    if (!known || known.codec !== codec || meta.generation !== this.#generation) {
      this.#generation = meta.generation;
      this.#describeAs(codec, sets, meta);
    }
    // Whose camera says them in its description alone: who joins later has another description.
    if (sets === null && codec !== "mjpeg" && known?.codec === codec && known.parameterSets.length > 0) {
      const whole = new Uint8Array(known.parameterSets.length + data.length);
      whole.set(known.parameterSets);
      whole.set(data, known.parameterSets.length);
      return whole;
    }
    return data;
  }

  #describeAs(codec: VideoCodec, sets: Uint8Array | null, meta: RecordMeta): void {
    const before = this.#description;
    const same = before?.codec === codec;
    this.#description = {
      name: this.path,
      codec,
      parameterSets: sets ?? (same ? before.parameterSets : NONE),
      frameRate: same ? before.frameRate : 0,
      width: meta.width || (same ? before.width : 0),
      height: meta.height || (same ? before.height : 0),
      sound: this.#settings.sound?.info,
    };
    for (const tell of this.#waiting) tell(this.#description);
    // Parameter sets come with each keyframe; another codec has packets that nobody asked for.
    if (before && !same) this.#events.changed(this);
  }

  /** Sends a viewer what the others have had since the newest keyframe. */
  #catchUp(viewer: Viewer): void {
    const { ring, corrupt } = this.#settings;
    const cursor = new EncodedCursor(ring, { capacity: NO_LIMIT, corrupt });
    for (let meta = cursor.next(); meta && meta.sequence <= this.#lastSequence; meta = cursor.next()) {
      send(viewer, meta, this.#prepare(meta, cursor.data));
    }
  }

  /** Who listens was told a format once, and has no way to hear of another. */
  #warnOfSound(unit: AudioUnit): void {
    if (this.#warned) return;
    this.#warned = true;
    const { codec, sampleRate, channels } = unit;
    const message =
      `Cannot pass on the sound of "${this.path}": it is ${formatOf(unit)} by now, and clients were told ` +
      formatOf(this.#sound!.info);
    const at = { path: this.path, codec, sampleRate, channels };
    this.#events.warning({ code: "serve-sound-format", message, at, count: 1 });
  }

  #count(): void {
    const sum = { ...this.#past };
    for (const viewer of [...this.#viewers, ...this.#listeners]) add(sum, sentTo(viewer));
    const { delivered, dropped } = this.#cursor.stats();
    const values: Record<typeof STREAM_COUNTERS[number], number> = {
      viewers: this.#viewers.size,
      joined: this.#joined,
      accessUnits: delivered,
      dropped,
      sent: sum.accessUnits,
      packets: sum.packets,
      bytes: sum.bytes,
      skipped: sum.skipped,
      unsendable: sum.unsendable,
      soundDropped: this.#sound?.dropped ?? 0,
      soundSkipped: sum.soundSkipped,
      soundUnsendable: sum.soundUnsendable,
    };
    STREAM_COUNTERS.forEach((name, i) => this.#counters[i] = values[name]);
  }
}

function send(viewer: Viewer, { keyframe, pts, wallTime, receivedAt }: RecordMeta, data: Uint8Array): void {
  // The camera's own clock where it is known: whoever compares cameras wants theirs.
  viewer.send({ data, keyframe, pts }, { now: performance.now(), unixMs: wallTime ?? receivedAt, pts });
}

function add(sum: Sent, more: Sent): void {
  for (const name of Object.keys(sum) as (keyof Sent)[]) sum[name] += more[name];
}

function sentTo({ kind, stats }: Viewer): Sent {
  if (kind === "video") return { ...stats, soundSkipped: 0, soundUnsendable: 0 };
  const { skipped: soundSkipped, unsendable: soundUnsendable } = stats;
  return { ...stats, accessUnits: 0, skipped: 0, unsendable: 0, soundSkipped, soundUnsendable };
}

function formatOf({ codec, sampleRate, channels }: Pick<AudioTrackInfo, "codec" | "sampleRate" | "channels">): string {
  return `${codec} at ${sampleRate} Hz with ${channels} channel${channels === 1 ? "" : "s"}`;
}
