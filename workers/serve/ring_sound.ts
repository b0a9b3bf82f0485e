import type { AudioTrackInfo, AudioUnit } from "../../src/media/mod.ts";
import { audioUnitOf, RingReader, SharedRingMemory } from "../../src/ring/mod.ts";
import type { Viewer } from "../../src/serve/viewer.ts";

/** Units that are sent at one go. */
const AT_ONE_GO = 128;
/** Units that it may be behind: older sound is of no use to who listens. */
const CAPACITY = 128;

/** The sound that is served beside a feed: one reader of its ring for all who listen. */
export class RingSound {
  readonly info: AudioTrackInfo;
  readonly #reader: RingReader;
  #buffer = new Uint8Array(4096);

  constructor(ring: SharedArrayBuffer, info: AudioTrackInfo) {
    this.info = info;
    this.#reader = new RingReader(new SharedRingMemory(ring), { start: "new" });
  }

  /**
   * Sends what is new.
   *
   * @param cameraClock by how many milliseconds the pictures' clock is ahead of this host's; null where they go by this host's.
   */
  pump(listeners: ReadonlySet<Viewer>, cameraClock: number | null): void {
    const reader = this.#reader;
    if (listeners.size === 0 || reader.behind > CAPACITY) {
      reader.skipTo(Math.max(reader.cursor, reader.head - (listeners.size === 0 ? 0 : CAPACITY)));
    }
    for (let i = 0; i < AT_ONE_GO; i++) {
      const meta = reader.next("every", (bytes) => {
        if (bytes > this.#buffer.length) this.#buffer = new Uint8Array(2 * bytes);
        return this.#buffer;
      });
      if (!meta) return;
      const unit = audioUnitOf(meta, this.#buffer.subarray(0, meta.bytes));
      // A camera that sends other sound than before would be heard as noise.
      if (unit && this.#isSame(unit)) this.#send(unit, listeners, cameraClock);
    }
  }

  #isSame({ codec, sampleRate, channels }: AudioUnit): boolean {
    return codec === this.info.codec && sampleRate === this.info.sampleRate && channels === this.info.channels;
  }

  #send(
    { data, pts, wallTime, receivedAt }: AudioUnit,
    listeners: ReadonlySet<Viewer>,
    cameraClock: number | null,
  ): void {
    // By the same clock as the pictures: players put the two together by what their reports say.
    const unixMs = cameraClock === null ? receivedAt : wallTime ?? receivedAt + cameraClock;
    for (const viewer of listeners) viewer.send({ data, keyframe: true, pts }, { now: performance.now(), unixMs, pts });
  }
}
