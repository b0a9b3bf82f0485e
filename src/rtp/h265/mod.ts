/**
 * H.265 over RTP: depacketizer, and what it must know of the bitstream.
 *
 * @see RFC 7798
 * @module
 */
export * from "./depacketizer.ts";
export { HevcNal, hevcNalType, isHevcFirstSlice, isHevcKeyframe, isHevcPicture, isHevcSkipped } from "./nal.ts";
export * from "./packetizer.ts";
export { HevcPictureOrder } from "./picture_order.ts";
export { HevcParameterSets } from "./parameter_sets.ts";
export { type HevcParameters, hevcParameters, type HevcSps, parseHevcSps, parseHevcVps } from "./sps.ts";
