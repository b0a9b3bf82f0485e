import type { AudioTrackInfo, AudioUnit, DataUnit, UnitFeed } from "../media/mod.ts";
import { UnitRingFeed } from "../feed/mod.ts";
import {
  audioUnitOf,
  createRing,
  dataUnitOf,
  type RecordMeta,
  ringBytes,
  RingWriter,
  SharedRingMemory,
} from "../ring/mod.ts";
import type { SideKind } from "../rtsp/mod.ts";
import {
  SIDE_COUNTERS,
  type SideCondition,
  type SideCounters,
  type SideSettings,
  type SideState,
} from "../../workers/ingest_protocol.ts";

/** Some ten seconds of sound at 64 kb/s and fifty packets a second; documents of up to 1 MiB. */
const ROOM: Readonly<Record<SideKind, { slots: number; arenaBytes: number }>> = {
  audio: { slots: 512, arenaBytes: 512 << 10 },
  data: { slots: 256, arenaBytes: 4 << 20 },
};

/** What a track beside the video has done so far: counters, which only rise, and a few values. */
export interface SideTrackStats extends SideCounters {
  state: SideState;
  /** Why it is not open; empty where it is. */
  reason: string;
  /** Encoding name of the description, such as `MPEG4-GENERIC`; empty where there is none. */
  encoding: string;
}

/** What the ingest worker is given for the tracks that are wanted beside the video. */
export function sideSettings(beside: readonly SideKind[]): SideSettings[] {
  return [...new Set(beside)].map((kind) => {
    const room = ROOM[kind];
    if (room === undefined) {
      throw new TypeError(`Cannot open a camera: "${kind}" is nothing that can be had beside the video`);
    }
    const options = { kind: "bytes", policy: "variable", ...room } as const;
    const ring = new SharedArrayBuffer(ringBytes(options));
    createRing(new SharedRingMemory(ring), options);
    const counters = new SharedArrayBuffer(SIDE_COUNTERS.length * Float64Array.BYTES_PER_ELEMENT);
    return { kind, ring, counters };
  });
}

/** A track beside the video, on the main thread: its feed, and what is known of it. */
export class SideFeed<T> {
  readonly feed: UnitFeed<T>;
  condition: SideCondition = { state: "waiting", reason: "the camera was not asked yet", encoding: "", info: null };
  readonly #ring: SharedArrayBuffer | null;
  readonly #counters: Float64Array;

  private constructor(
    settings: SideSettings | undefined,
    ended: Promise<Error | undefined>,
    unitOf: (meta: RecordMeta, data: Uint8Array<ArrayBuffer>, encoding: string) => T | undefined,
    kind: SideKind,
  ) {
    this.#ring = settings?.ring ?? null;
    this.#counters = new Float64Array(settings?.counters ?? new ArrayBuffer(0));
    const ring = () => {
      if (this.#ring) return this.#ring;
      throw new TypeError(`Cannot read a camera's ${kind}: open it with beside: ["${kind}"]`);
    };
    const info = () => this.condition.info;
    this.feed = new UnitRingFeed<T>({
      get ring() {
        return ring();
      },
      get sound() {
        return info();
      },
      unitOf: (meta, data) => unitOf(meta, data, this.condition.encoding),
      ended,
    });
  }

  /** A camera's sound. */
  static audio(beside: readonly SideSettings[], ended: Promise<Error | undefined>): SideFeed<AudioUnit> {
    return new SideFeed(beside.find(({ kind }) => kind === "audio"), ended, audioUnitOf, "audio");
  }

  /** What a camera sends beside video and sound. */
  static data(beside: readonly SideSettings[], ended: Promise<Error | undefined>): SideFeed<DataUnit> {
    return new SideFeed(beside.find(({ kind }) => kind === "data"), ended, dataUnitOf, "data");
  }

  /** Of sound; null until it is known. */
  get info(): AudioTrackInfo | null {
    return this.condition.info;
  }

  /** Null where it was not asked for. */
  stats(): SideTrackStats | null {
    if (!this.#ring) return null;
    const counters = Object.fromEntries(SIDE_COUNTERS.map((name, i) => [name, this.#counters[i]])) as SideCounters;
    const { state, reason, encoding } = this.condition;
    return { ...counters, state, reason, encoding };
  }

  /** Nothing comes any more. */
  close(): void {
    if (this.#ring) RingWriter.adopt(new SharedRingMemory(this.#ring)).close();
  }
}
