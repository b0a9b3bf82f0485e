/** Decoding and scaling: in the pool of decode workers where a plan allows it, else on this thread. @module */
export { decode } from "./decode_filter.ts";
export { letterbox, type Place } from "./letterbox.ts";
export { scale, type ScaleOptions } from "./scale_filter.ts";
export { decoderModule } from "./module.ts";
