import type { DecodeStats, DecodeStepOptions } from "../media/mod.ts";
import { PooledDecoder } from "../decode/pool.ts";
import type { EncodedSource } from "./encoded_source.ts";

/** A decoder that any number of branches share: it begins with the first one that is read, and ends with its owner. */
export class Decoding {
  readonly source: EncodedSource;
  readonly #options: { capacity: number; step: DecodeStepOptions };
  #decoder: Promise<PooledDecoder> | null = null;
  #attached: PooledDecoder | null = null;
  #closed: Promise<void> | null = null;

  constructor(source: EncodedSource, options: { capacity: number; step: DecodeStepOptions }) {
    this.source = source;
    this.#options = options;
  }

  /**
   * The decoder, started if it was not.
   *
   * @throws {TypeError} once the feed was disposed of.
   * @throws {SetupError} where the decoder's module is not built.
   */
  attach(): Promise<PooledDecoder> {
    if (this.#closed) return Promise.reject(new TypeError("Cannot read a feed that was disposed of"));
    return this.#decoder ??= PooledDecoder.attach(this.source, this.#options).then((decoder) =>
      this.#attached = decoder
    );
  }

  /** The decoder's counters; null before it was started. */
  stats(): DecodeStats | null {
    return this.#attached?.stats() ?? null;
  }

  /** Whether it was closed, or is about to be. */
  get closed(): boolean {
    return this.#closed !== null;
  }

  /** The decoder, where it was started. */
  get attached(): Promise<PooledDecoder> | null {
    return this.#decoder;
  }

  /** Idempotent. */
  close(): Promise<void> {
    return this.#closed ??= (async () => {
      const decoder = await this.#decoder?.catch(() => null);
      await decoder?.close();
    })();
  }
}
