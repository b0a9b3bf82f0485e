/**
 * RTP and RTCP without I/O: packets into access units and frames of sound with times, and back.
 *
 * @module
 */
export * from "./audio/mod.ts";
export * from "./audio_receiver.ts";
export * from "./data_receiver.ts";
export {
  DataDepacketizer,
  type DataDepacketizerOptions,
  type DataDepacketizerStats,
  type DataFrame,
} from "./data/data_depacketizer.ts";
export { findStartCode, joinAnnexB, splitAnnexB, startCodeBytes } from "./annex_b.ts";
export * from "./decode_times.ts";
export * from "./h264/mod.ts";
export * from "./h265/mod.ts";
export * from "./keyframe_gate.ts";
export * from "./mjpeg/mod.ts";
export { avcConfiguration, hevcConfiguration, type NalConfiguration, splitLengths } from "./nal_configuration.ts";
export type { NalDepacketizerStats } from "./nal_depacketizer.ts";
export type { NalPacketizerOptions } from "./nal_packetizer.ts";
export type { PacketizerOptions } from "./packetizer.ts";
export { RTP_HEADER_BYTES, type RtpFault, type RtpHeader, RtpPacketView, writeRtpHeader } from "./packet.ts";
export * from "./receiver_stats.ts";
export * from "./reorder.ts";
export * from "./rtcp.ts";
export * from "./timeline.ts";
export type {
  VideoDepacketizer,
  VideoDepacketizerOptions,
  VideoDepacketizerStats,
  VideoParameters,
  VideoUnit,
} from "./video_depacketizer.ts";
export {
  audioCodecOf,
  audioDepacketizer,
  videoCodecOf,
  videoDepacketizer,
  type VideoFormat,
} from "./payload_formats.ts";
export { type VideoPacketizer, videoPacketizer } from "./video_packetizer.ts";
export type { UnitReceiverStats } from "./unit_receiver.ts";
export * from "./video_receiver.ts";
export type { PacketReceiverOptions, PacketReceiverStats } from "./packet_receiver.ts";
