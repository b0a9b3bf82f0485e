/** The words that every room shares: access units, frames, pixel formats, feeds, clocks and errors. @module */
export * from "./access_unit.ts";
export * from "./audio_unit.ts";
export * from "./clock.ts";
export * from "./decode_stats.ts";
export * from "./egress_target.ts";
export * from "./errors.ts";
export * from "./feed.ts";
export * from "./frame.ts";
export * from "./pixel_format.ts";
