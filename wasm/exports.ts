// Pure: no I/O.

/** The functions of bridge.h, as WebAssembly shows them: pointers and integers are numbers. A test compares. */
export interface BridgeExports {
  __wasm_call_ctors(): void;
  mr_init(logLevel: number): void;
  mr_decoder_new(codec: number, extradata: number, bytes: number, maxPixels: number, lowDelay: number): number;
  mr_decoder_free(decoder: number): void;
  mr_decoder_room(decoder: number, bytes: number): number;
  mr_decoder_send(decoder: number, bytes: number, pts: number): number;
  mr_decoder_drain(decoder: number): number;
  mr_decoder_receive(decoder: number, frame: number): number;
  mr_decoder_flush(decoder: number): void;
  mr_decoder_skip(decoder: number, skip: number): void;
  mr_frame_release(reference: number): void;
  mr_scaler_new(
    sourceWidth: number,
    sourceHeight: number,
    sourceFormat: number,
    sourceFull: number,
    matrix: number,
    targetWidth: number,
    targetHeight: number,
    targetFormat: number,
    targetFull: number,
    algorithm: number,
  ): number;
  mr_scaler_run(
    scaler: number,
    source: number,
    sourceStrides: number,
    target: number,
    targetStrides: number,
  ): number;
  mr_scaler_free(scaler: number): void;
  mr_scaler_normalize(scaler: number, factors: number, starts: number): void;
  mr_alloc(bytes: number): number;
  mr_release(memory: number): void;
  mr_error_text(error: number, into: number, bytes: number): void;
  mr_version(): number;
  mr_helper_prepare(samples: number): number;
  mr_helper_run(): void;
}

/** Every one of them by name, in the order of bridge.h. */
export const BRIDGE_FUNCTIONS = [
  "mr_decoder_new",
  "mr_decoder_free",
  "mr_decoder_room",
  "mr_decoder_send",
  "mr_decoder_drain",
  "mr_decoder_receive",
  "mr_decoder_flush",
  "mr_decoder_skip",
  "mr_frame_release",
  "mr_scaler_new",
  "mr_scaler_run",
  "mr_scaler_free",
  "mr_scaler_normalize",
  "mr_alloc",
  "mr_release",
  "mr_error_text",
  "mr_version",
  "mr_helper_prepare",
  "mr_helper_run",
  "mr_init",
] as const satisfies readonly (keyof BridgeExports)[];

/** The same as `src/media`'s pixel formats, in the order of bridge.h's numbers, which begin at 1. */
export const BRIDGE_FORMATS = [
  "I420",
  "I422",
  "I444",
  "NV12",
  "I420P10",
  "RGB24",
  "BGR24",
  "RGBA",
  "BGRA",
  "GRAY8",
  "RGBPF32",
] as const;

/** A pixel format of the bridge. */
export type BridgeFormat = typeof BRIDGE_FORMATS[number];

/** The bridge's number of a pixel format. */
export function bridgeFormat(format: BridgeFormat): number {
  return BRIDGE_FORMATS.indexOf(format) + 1;
}
