import { type AccessUnit, type EncodedFeed, now, type VideoTrackInfo } from "../media/mod.ts";
import { encodedFeed, type EncodedSource } from "../feed/mod.ts";
import { readVideoFile, type VideoFile } from "../file/mod.ts";
import { createRing, ringBytes, type RingWriter, SharedRingMemory } from "../ring/mod.ts";
import { Doorbell } from "../../workers/doorbell.ts";

/** How to play a file. */
export interface OpenVideoFileOptions {
  /** How many times as fast as it was taken. @default {1} */
  speed?: number;
  /** What happens at its end: the feeds end, or it begins again, with times that go on. @default {"end"} */
  atEnd?: "end" | "again";
  /** A number of the program's own that travels with every frame. @default {0} */
  streamId?: number;
  /** Access units that are kept for branches that are behind: a branch's `capacity` above this is this. @default {256} */
  slots?: number;
  /** Closes it. */
  signal?: AbortSignal;
}

/** A file that plays as a camera would send. */
export class PlayedFile implements AsyncDisposable {
  /** The encoded video; branch it as often as wanted. */
  readonly video: EncodedFeed;
  readonly info: VideoTrackInfo;
  readonly #units: VideoFile["units"];
  readonly #duration: number;
  readonly #speed: number;
  readonly #again: boolean;
  readonly #writer: RingWriter;
  readonly #bells = new Set<Doorbell>();
  readonly #ended = Promise.withResolvers<Error | undefined>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #beganAt = 0;
  #next = 0;
  #round = 0;
  #over = false;

  /** Use {@linkcode openVideoFile}. */
  constructor(file: VideoFile, options: OpenVideoFileOptions) {
    const { codec, width, height, frameRate, parameterSets, units } = file;
    this.info = {
      ...{ codec, width, height, frameRate, codecString: "", clockRate: 90_000 },
      parameterSets: Uint8Array.from(parameterSets),
    };
    this.#units = units;
    this.#duration = Math.round(units[units.length - 1].dts - units[0].dts + 1e6 / frameRate);
    this.#speed = options.speed ?? 1;
    this.#again = options.atEnd === "again";
    const largest = units.reduce((most, { data }) => Math.max(most, data.length), 0);
    const ringOptions = {
      kind: "access-units",
      policy: "variable",
      slots: options.slots ?? 256,
      arenaBytes: Math.max(8 << 20, 4 * largest),
    } as const;
    const ring = new SharedArrayBuffer(ringBytes(ringOptions));
    this.#writer = createRing(new SharedRingMemory(ring), ringOptions);
    const begin = () => this.#begin();
    const source: EncodedSource = {
      // Whoever asks for it is about to read.
      get ring() {
        begin();
        return ring;
      },
      info: this.info,
      streamId: options.streamId ?? 0,
      ended: this.#ended.promise,
      attachDoorbell: (buffer) => this.#attach(new Doorbell(buffer)),
      close: () => this[Symbol.asyncDispose](),
    };
    this.video = encodedFeed(source);
    options.signal?.addEventListener("abort", () => void this[Symbol.asyncDispose](), { once: true });
  }

  /** Settles when it has been played, or was closed. Never rejects. */
  get ended(): Promise<Error | undefined> {
    return this.#ended.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#over) {
      this.#over = true;
      clearTimeout(this.#timer);
      this.#ended.resolve(undefined);
      this.#writer.close();
      this.#ring();
    }
    return Promise.resolve();
  }

  #attach(bell: Doorbell): () => void {
    this.#bells.add(bell);
    return () => this.#bells.delete(bell);
  }

  /** With its first reader, and not before that has come back from asking. */
  #begin(): void {
    if (this.#beganAt > 0 || this.#over) return;
    this.#beganAt = performance.now();
    this.#timer = setTimeout(() => this.#play(), 0);
  }

  /** Microseconds of playing at which the next access unit is due. */
  get #due(): number {
    return this.#round * this.#duration + this.#units[this.#next].dts - this.#units[0].dts;
  }

  #play(): void {
    const elapsed = (performance.now() - this.#beganAt) * 1000 * this.#speed;
    let written = false;
    while (!this.#over && this.#due <= elapsed) {
      this.#write();
      written = true;
      if (++this.#next < this.#units.length) continue;
      this.#next = 0;
      this.#round++;
      if (!this.#again) return void this[Symbol.asyncDispose]();
    }
    if (written) this.#ring();
    if (!this.#over) this.#timer = setTimeout(() => this.#play(), (this.#due - elapsed) / 1000 / this.#speed);
  }

  #write(): void {
    const { data, keyframe, pts, dts } = this.#units[this.#next];
    const shift = this.#round * this.#duration;
    const { codec, width, height } = this.info;
    this.#writer.writeAccessUnit(
      {
        ...{ codec, data, keyframe, corrupt: false, generation: 0, wallTime: null },
        ...{ pts: pts + shift, dts: dts + shift, receivedAt: now() },
      },
      { width, height },
    );
  }

  #ring(): void {
    for (const bell of this.#bells) bell.ring();
  }
}

/**
 * Plays a video file as a camera would send it: `.mp4`, `.mov`, or a raw H.264 or H.265 stream. It begins with its first reader; who
 * comes later, or does not keep up, is given the newest keyframe and what follows, as with a camera. For every picture, as fast as it can
 * be taken, see {@linkcode accessUnitsOfFile}.
 *
 * Needs to read the file.
 *
 * @throws {TypeError} where it is no video file.
 * @throws {RangeError} where the speed is none.
 * @throws {Deno.errors.NotFound}
 *
 * @example
 * ```ts ignore
 * await using file = await openVideoFile("street.mp4", { atEnd: "again" });
 * for await (using frame of file.video.branch().pipe(decode())) console.log(frame.pts);
 * ```
 */
export async function openVideoFile(path: string | URL, options: OpenVideoFileOptions = {}): Promise<PlayedFile> {
  const { signal, speed = 1 } = options;
  signal?.throwIfAborted();
  if (!(speed > 0 && speed <= 1_000)) {
    throw new RangeError(`Cannot play a file: speed is ${speed}, expected above 0 and up to 1000`);
  }
  const file = await readVideoFile(path);
  signal?.throwIfAborted();
  return new PlayedFile(file, options);
}

/**
 * The access units of a video file, each as soon as the one before was taken: nothing is skipped, and nothing waits.
 *
 * @throws {TypeError} where it is no video file.
 * @throws {Deno.errors.NotFound}
 *
 * @example
 * ```ts ignore
 * for await (using frame of decode()(accessUnitsOfFile("street.mp4"))) console.log(frame.pts);
 * ```
 */
export async function* accessUnitsOfFile(path: string | URL): AsyncGenerator<AccessUnit, void> {
  const { codec, units } = await readVideoFile(path);
  for (const [sequence, unit] of units.entries()) {
    const { data, keyframe, pts, dts } = unit;
    yield {
      ...{ codec, data, keyframe, pts, dts, sequence },
      ...{ corrupt: false, generation: 0, receivedAt: now(), wallTime: null },
    };
  }
}
