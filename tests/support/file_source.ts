import type { EncodedSource } from "../../src/feed/encoded_source.ts";
import type { VideoFile } from "../../src/file/mod.ts";
import { createRing, ringBytes, type RingWriter, SharedRingMemory } from "../../src/ring/mod.ts";
import { now } from "../../src/media/mod.ts";
import { Doorbell } from "../../workers/doorbell.ts";
import { WakeWish } from "../../workers/wake_wish.ts";

/** A source that a test pushes the access units of a file into, as an ingest worker would. */
export class FileSource implements EncodedSource {
  readonly ring: SharedArrayBuffer;
  readonly info;
  readonly streamId: number;
  readonly ended: Promise<Error | undefined>;
  readonly #file: VideoFile;
  readonly #writer: RingWriter;
  readonly #bells = new Set<{ bell: Doorbell; wish: WakeWish }>();
  readonly #settle: (error: Error | undefined) => void;
  #next = 0;

  constructor(file: VideoFile, slots = 256, streamId = 7) {
    this.streamId = streamId;
    const options = { kind: "access-units", policy: "variable", slots, arenaBytes: 8 << 20 } as const;
    this.ring = new SharedArrayBuffer(ringBytes(options));
    this.#writer = createRing(new SharedRingMemory(this.ring), options);
    this.#file = file;
    const { codec, width, height, frameRate, parameterSets } = file;
    this.info = { codec, clockRate: 90_000, width, height, frameRate, codecString: "", parameterSets };
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.ended = promise;
    this.#settle = resolve;
  }

  /** How many access units were written, or lost. */
  get pushed(): number {
    return this.#next;
  }

  /** Whether it heeds what readers want to be woken for; else it rings at every access unit, as a source may. */
  heedful = false;
  /** How often it rang. */
  rings = 0;

  /** Whether a reader is woken for access units of that kind. */
  wakesFor(kind: "keyframes" | "others"): boolean {
    return [...this.#bells].some(({ wish }) => wish.includes(kind === "keyframes"));
  }

  /** Writes the next access units; false once the file is at its end. */
  push(count = 1, change: { corrupt?: boolean } = {}): boolean {
    for (; count > 0 && this.#next < this.#file.units.length; count--) {
      const unit = this.#file.units[this.#next++];
      this.#writer.writeAccessUnit({
        ...unit,
        codec: this.info.codec,
        corrupt: change.corrupt ?? false,
        generation: 0,
        receivedAt: now(),
        wallTime: null,
      });
      for (const { bell, wish } of this.#bells) {
        if (this.heedful && !wish.includes(unit.keyframe)) continue;
        this.rings++;
        bell.ring();
      }
    }
    return this.#next < this.#file.units.length;
  }

  /** Passes over access units, as if they were lost. */
  lose(count: number): void {
    this.#next += count;
  }

  end(error?: Error): void {
    this.#writer.close();
    this.#settle(error);
  }

  attachDoorbell(buffer: SharedArrayBuffer, wish?: SharedArrayBuffer): () => void {
    const attached = { bell: new Doorbell(buffer), wish: new WakeWish(wish) };
    this.#bells.add(attached);
    return () => this.#bells.delete(attached);
  }

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }
}
