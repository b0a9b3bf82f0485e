import type { AccessUnit } from "../media/mod.ts";
import { createRing, ringBytes, type RingWriter, SharedRingMemory } from "../ring/mod.ts";
import { Doorbell } from "../../workers/doorbell.ts";

const CODECS = new Set(["h264", "hevc", "mjpeg"]);
const RING = { kind: "access-units", policy: "variable", slots: 256, arenaBytes: 8 << 20 } as const;

/** A sequence of access units that is read on this thread and written into a ring, for another one. */
export class FeedRing {
  readonly ring = new SharedArrayBuffer(ringBytes(RING));
  readonly #writer: RingWriter;
  readonly #iterator: AsyncIterator<AccessUnit>;
  readonly #bell: Doorbell;
  #stopped = false;

  constructor(units: AsyncIterable<AccessUnit>, bell: SharedArrayBuffer) {
    this.#writer = createRing(new SharedRingMemory(this.ring), RING);
    this.#iterator = units[Symbol.asyncIterator]();
    this.#bell = new Doorbell(bell);
  }

  /** Reads until the sequence ends; settles with its error, or undefined. Never rejects. */
  async run(): Promise<Error | undefined> {
    try {
      let gap = false;
      for (let next = await this.#iterator.next(); !next.done; next = await this.#iterator.next()) {
        if (this.#stopped) return;
        check(next.value);
        // What does not fit is lost, and so is what builds on it.
        const fits = next.value.data.length <= this.#writer.maxBytes;
        if (fits) this.#writer.writeAccessUnit(next.value, { discontinuity: gap });
        gap = !fits;
        this.#bell.ring();
      }
    } catch (cause) {
      return cause instanceof Error ? cause : new Error(String(cause));
    } finally {
      this.#writer.close();
      this.#bell.ring();
    }
  }

  /** Reads no more; does not wait for a sequence that is silent. */
  stop(): void {
    this.#stopped = true;
    this.#iterator.return?.().catch(() => {});
  }
}

function check(unit: AccessUnit): void {
  if (!CODECS.has(unit?.codec)) {
    throw new TypeError(`Cannot serve a feed: an access unit's codec is ${unit?.codec}, expected h264, hevc or mjpeg`);
  }
  if (!(unit.data instanceof Uint8Array)) throw new TypeError("Cannot serve a feed: an access unit has no bytes");
  if (!Number.isSafeInteger(unit.pts)) {
    throw new TypeError(`Cannot serve a feed: an access unit's pts is ${unit.pts}, expected integer microseconds`);
  }
}
