/**
 * RTP and RTCP without I/O: packets into access units with times, and back.
 *
 * @module
 */
export * from "./decode_times.ts";
export * from "./h264/mod.ts";
export { RTP_HEADER_BYTES, type RtpFault, type RtpHeader, RtpPacketView, writeRtpHeader } from "./packet.ts";
export * from "./receiver_stats.ts";
export * from "./reorder.ts";
export * from "./rtcp.ts";
export * from "./timeline.ts";
export * from "./video_receiver.ts";
