import { type Codec, Decoder } from "./decoder.ts";
import type { BridgeExports } from "./exports.ts";
import { Scaler, type ScalerOptions } from "./scaler.ts";

const PAGE = 65_536;
/** What the linker was told an instance begins with, in pages: 32 MiB. */
export const INITIAL_PAGES = 512;
/** What the linker was told an instance may grow to at most, in pages: 2 GiB. */
export const MAXIMUM_PAGES = 32_768;

/** The instance trapped, or ran out of memory beyond repair: every pointer into it is void. Make another one. */
export class InstanceDeadError extends Error {
  override readonly name = "InstanceDeadError";
}

/** Severity of a line of FFmpeg's log; the numbers are FFmpeg's. */
export type LogLevel = "quiet" | "error" | "warning" | "info";
const LOG_LEVELS: Record<LogLevel, number> = { quiet: -8, error: 16, warning: 24, info: 32 };

/** How to make an instance. */
export interface InstanceOptions {
  /** Bytes that its memory may grow to. @default {1 GiB} */
  maximumBytes?: number;
  /** Gets FFmpeg's log lines; what it throws is reported as an uncaught error. */
  onLog?: (level: number, line: string) => void;
  /** @default {"quiet"} */
  logLevel?: LogLevel;
}

/**
 * One sandbox with FFmpeg in it: any number of decoders and scalers, one thread, and a helper for
 * large pictures where it is given one. Its memory is shared, so that other
 * threads can read the pictures where they lie; its imports are that memory and a line of log, and nothing else.
 *
 * @example
 * ```ts ignore
 * const instance = await FfmpegInstance.create(module);
 * using decoder = instance.decoder("h264");
 * if (decoder.send(accessUnit, 0) === "ok") {
 *   for (let frame = decoder.receive(); frame; frame = decoder.receive()) frame.release();
 * }
 * ```
 */
export class FfmpegInstance {
  readonly memory: WebAssembly.Memory;
  readonly #exports: BridgeExports;
  #dead: Error | null = null;
  #bytes: Uint8Array<ArrayBufferLike>;
  #view: DataView<ArrayBufferLike>;

  private constructor(memory: WebAssembly.Memory, exports: BridgeExports) {
    this.memory = memory;
    this.#exports = exports;
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
  }

  /** Makes an instance of the compiled module; its memory lives as long as anyone holds it. */
  static async create(module: WebAssembly.Module, options: InstanceOptions = {}): Promise<FfmpegInstance> {
    const maximum = Math.min(MAXIMUM_PAGES, Math.floor((options.maximumBytes ?? 1 << 30) / PAGE));
    if (!(maximum >= INITIAL_PAGES)) {
      throw new RangeError(
        `Cannot make an instance of ${options.maximumBytes} bytes: it needs ${INITIAL_PAGES * PAGE}`,
      );
    }
    // The module states 2 GiB, and an engine takes no memory whose maximum is another; growth is refused in `memory`.
    const memory = new WebAssembly.Memory({ initial: INITIAL_PAGES, maximum, shared: true });
    const { onLog } = options;
    const log = (level: number, line: number, bytes: number) => {
      if (!onLog) return;
      // TextDecoder takes no shared memory: the line is copied out first.
      const text = new TextDecoder().decode(new Uint8Array(memory.buffer, line, bytes).slice()).trimEnd();
      try {
        onLog(level, text);
      } catch (error) {
        // Thrown through FFmpeg's stack it would leave the instance half way through a picture.
        reportError(error);
      }
    };
    const instance = await WebAssembly.instantiate(module, { env: { memory }, millrace: { log } });
    const exports = instance.exports as unknown as BridgeExports;
    exports.__wasm_call_ctors();
    exports.mr_init(LOG_LEVELS[options.logLevel ?? "quiet"]);
    return new FfmpegInstance(memory, exports);
  }

  /** All of its memory. Read anew after every call: growing replaces it. */
  get bytes(): Uint8Array<ArrayBufferLike> {
    if (this.#bytes.length !== this.memory.buffer.byteLength) this.#refresh();
    return this.#bytes;
  }

  get view(): DataView<ArrayBufferLike> {
    if (this.#view.byteLength !== this.memory.buffer.byteLength) this.#refresh();
    return this.#view;
  }

  /** Whether it can still be used. */
  get dead(): boolean {
    return this.#dead !== null;
  }

  /**
   * Calls into the sandbox.
   *
   * @throws {InstanceDeadError} where the call traps, or one before it did.
   */
  call<Result>(run: (exports: BridgeExports) => Result): Result {
    if (this.#dead) throw new InstanceDeadError(`The decoder's sandbox is dead: ${this.#dead.message}`);
    try {
      return run(this.#exports);
    } catch (cause) {
      this.#dead = cause instanceof Error ? cause : new Error(String(cause));
      throw new InstanceDeadError(`The decoder's sandbox trapped: ${this.#dead.message}`, { cause });
    }
  }

  /** @throws {Error} where FFmpeg has no memory for it. */
  decoder(codec: Codec, options: { parameterSets?: Uint8Array; maxPixels?: number; lowDelay?: boolean } = {}): Decoder {
    return new Decoder(this, codec, options);
  }

  /** @throws {Error} where FFmpeg cannot convert between the two. */
  scaler(options: ScalerOptions): Scaler {
    return new Scaler(this, options);
  }

  /** Memory of the caller's, aligned to 64 bytes; 0 where there is none. */
  alloc(bytes: number): number {
    return this.call((exports) => exports.mr_alloc(bytes));
  }

  free(pointer: number): void {
    if (!this.#dead) this.call((exports) => exports.mr_release(pointer));
  }

  /**
   * Makes what a second thread needs that is to help with pictures of so many samples or more (`InstanceHelper`); where it
   * is to be found, or 0 where there is no memory. Of HEVC alone.
   */
  prepareHelper(samples: number): number {
    return this.call((exports) => exports.mr_helper_prepare(samples));
  }

  /** FFmpeg's words for one of its errors. */
  errorText(error: number): string {
    const room = this.alloc(128);
    if (room === 0) return `error ${error}`;
    this.call((exports) => exports.mr_error_text(error, room, 128));
    const text = this.#text(room);
    this.free(room);
    return text;
  }

  /** FFmpeg's version. */
  get version(): string {
    return this.#text(this.call((exports) => exports.mr_version()));
  }

  #text(pointer: number): string {
    const end = this.bytes.indexOf(0, pointer);
    return new TextDecoder().decode(this.bytes.slice(pointer, end));
  }

  #refresh(): void {
    this.#bytes = new Uint8Array(this.memory.buffer);
    this.#view = new DataView(this.memory.buffer);
  }
}
