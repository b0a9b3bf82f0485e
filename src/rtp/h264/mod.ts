/**
 * H.264 over RTP: depacketizer, packetizer, and what they must know of the bitstream.
 *
 * @see RFC 6184
 * @module
 */
export * from "./depacketizer.ts";
export { isPictureNal, Nal, nalType } from "./nal.ts";
export * from "./packetizer.ts";
export { PictureOrder, type PicturePlace } from "./picture_order.ts";
export { ParameterSets } from "./parameter_sets.ts";
export { readSliceHead, recoveryFrames } from "./slice.ts";
export { type H264Parameters, h264Parameters, parsePpsIds, parseSps, type SpsInfo } from "./sps.ts";
