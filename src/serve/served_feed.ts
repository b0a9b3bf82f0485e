import type { AccessUnit, AudioUnit, BranchStats, EncodedFeed, UnitFeed } from "../media/mod.ts";
import { EncodedRingFeed, onEnd, UnitRingFeed } from "../feed/mod.ts";
import {
  type JoinAt,
  readCounters,
  STREAM_COUNTERS,
  type StreamCounters,
  type StreamSettings,
} from "../../workers/serve_protocol.ts";
import { FeedRing } from "./feed_ring.ts";
import { isSendable } from "./send_format.ts";
import type { ServeWorker } from "./serve_worker.ts";

/** Access units that a server may be behind a sequence of the program's own. */
const CAPACITY = 64;

/** What a server offers: a camera's video, a branch of it, or any sequence of access units as they come. */
export type Servable = EncodedFeed | AsyncIterable<AccessUnit>;

/** How a feed is served. */
export interface ServeFeedOptions {
  /**
   * A camera's `audio`, to be heard beside its pictures. It is served as it is known to be by now: where the camera gives none,
   * or what it is only shows in packets to come, the pictures are served alone. Where it becomes another later, it is left
   * out, counted as `soundUnsendable`, until it is again what it was.
   */
  sound?: UnitFeed<AudioUnit>;
}

/** A feed that a server passes on; ends with the feed, with the server, and when it is disposed of. */
export class ServedFeed implements AsyncDisposable {
  /** Without slashes at its ends. */
  readonly path: string;
  /** Where clients find it, without credentials. */
  readonly url: string;
  /** Whether there is sound beside its pictures. */
  readonly hasSound: boolean;
  readonly #worker: ServeWorker;
  readonly #counters = new SharedArrayBuffer(STREAM_COUNTERS.length * Float64Array.BYTES_PER_ELEMENT);
  readonly #ended = Promise.withResolvers<Error | undefined>();
  readonly #stream: number;
  /** Undone in the end. */
  readonly #ties: (() => void)[] = [];
  #error: Error | undefined;

  /** Use {@linkcode RtspServer.add}. */
  constructor(
    worker: ServeWorker,
    feed: Servable,
    options: { path: string; url: string; joinAt: JoinAt; sound?: UnitFeed<AudioUnit> },
  ) {
    const sound = options.sound ? soundOf(options.sound) : null;
    this.hasSound = sound !== null;
    this.path = options.path;
    this.url = options.url;
    this.#worker = worker;
    const own = feed instanceof EncodedRingFeed ? null : new FeedRing(feed, worker.bell.buffer);
    this.#stream = worker.add({
      path: options.path,
      joinAt: options.joinAt,
      counters: this.#counters,
      sound,
      ...(own
        ? { ring: own.ring, capacity: CAPACITY, corrupt: "skip", info: null }
        : this.#read(feed as EncodedRingFeed)),
    }, (error) => this.#over(error));
    if (!own) return;
    this.#ties.push(() => own.stop());
    void own.run().then((error) => this.#sourceEnded(error));
  }

  /** Settles when it is not served any more: with the feed's error, or with undefined. Never rejects. */
  get ended(): Promise<Error | undefined> {
    return this.#ended.promise;
  }

  /**
   * Counters, which only rise, but for `viewers`. What listeners did not get of its sound: `soundDropped`, of which the server
   * was late; `soundSkipped`, of which they were behind; `soundUnsendable`, of another format than they were told, or larger
   * than RTP takes.
   */
  stats(): StreamCounters {
    return readCounters(STREAM_COUNTERS, this.#counters);
  }

  /** Says goodbye to its clients and reads the feed no more; the feed stays whose it is. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.drop(this.#stream);
    await this.#ended.promise;
  }

  /** The ring of a camera is read where it is: nothing of it passes through this thread. */
  #read(feed: EncodedRingFeed): Pick<StreamSettings, "ring" | "capacity" | "corrupt" | "info"> {
    const { source, capacity } = feed;
    const stats = (): BranchStats => {
      const { accessUnits, dropped } = this.stats();
      return { received: accessUnits + dropped, delivered: accessUnits, dropped };
    };
    this.#ties.push(
      feed.adopt({ stats, stop: () => this.#worker.drop(this.#stream) }),
      source.attachDoorbell(this.#worker.bell.buffer),
      onEnd(source, (error) => this.#sourceEnded(error)),
    );
    const { ring, corrupt = "skip", info } = source;
    return { ring, capacity, corrupt, info };
  }

  #sourceEnded(error: Error | undefined): void {
    this.#error = error;
    this.#worker.endStream(this.#stream);
  }

  #over(error: Error | undefined): void {
    for (const undo of this.#ties.splice(0)) undo();
    this.#ended.resolve(error ?? this.#error);
  }
}

/** @throws {TypeError} where it is no camera's sound, or the camera was opened without. */
function soundOf(feed: UnitFeed<AudioUnit>): StreamSettings["sound"] {
  if (!(feed instanceof UnitRingFeed)) throw new TypeError("Cannot serve sound: it is no camera's audio");
  const { ring, sound } = feed.source;
  return sound && isSendable(sound) ? { ring, info: sound } : null;
}
