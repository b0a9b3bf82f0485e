/** FFmpeg in a sandbox: decoders and scalers in WebAssembly. @module */
export type { Rectangle } from "./border.ts";
export * from "./decoder.ts";
export { BRIDGE_FORMATS, type BridgeFormat } from "./exports.ts";
export { InstanceHelper } from "./helper.ts";
export * from "./instance.ts";
export * from "./scaler.ts";
