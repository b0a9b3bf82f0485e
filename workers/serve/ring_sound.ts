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
  readonly #onOther: (unit: AudioUnit) => void;
  #passedOver = 0;
  #buffer = new Uint8Array(4096);

  /** @param onOther hears of each unit of another format than `info` says: nobody is sent it. */
  constructor(ring: SharedArrayBuffer, info: AudioTrackInfo, onOther: (unit: AudioUnit) => void) {
    this.info = info;
    this.#onOther = onOther;
    this.#reader = new RingReader(new SharedRingMemory(ring), { start: "new" });
  }

  /** Units that came too late for who listens. */
  get dropped(): number {
    return this.#passedOver + this.#reader.missed;
  }

  /**
   * Sends what is new; true where there was any.
   *
   * @param cameraClock by how many milliseconds the pictures' clock is ahead of this host's; null where they go by this host's.
   */
  pump(listeners: ReadonlySet<Viewer>, cameraClock: number | null): boolean {
    const reader = this.#reader;
    const late = reader.behind - (listeners.size === 0 ? 0 : CAPACITY);
    if (late > 0) {
      if (listeners.size > 0) this.#passedOver += late;
      reader.skipTo(reader.cursor + late);
    }
    for (let i = 0; i < AT_ONE_GO; i++) {
      const meta = reader.next("every", (bytes) => {
        if (bytes > this.#buffer.length) this.#buffer = new Uint8Array(2 * bytes);
        return this.#buffer;
      });
      if (!meta) return i > 0;
      const unit = audioUnitOf(meta, this.#buffer.subarray(0, meta.bytes));
      if (!unit) continue;
      if (this.#isSame(unit)) this.#send(unit, listeners, cameraClock);
      else this.#refuse(unit, listeners);
    }
    return true;
  }

  #isSame({ codec, sampleRate, channels }: AudioUnit): boolean {
    return codec === this.info.codec && sampleRate === this.info.sampleRate && channels === this.info.channels;
  }

  /** A camera that sends other sound than before would be heard as noise. */
  #refuse(unit: AudioUnit, listeners: ReadonlySet<Viewer>): void {
    for (const viewer of listeners) viewer.stats.unsendable++;
    this.#onOther(unit);
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
