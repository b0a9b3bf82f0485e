/**
 * Sound over RTP, taken apart and never decoded: AAC, G.711, Opus, L16.
 *
 * @see RFC 3640, RFC 6416, RFC 3551, RFC 7587
 * @module
 */
export { type AacConfig, makeAacConfig, parseAacConfig } from "./aac_config.ts";
export { AacDepacketizer } from "./aac_depacketizer.ts";
export {
  AudioDepacketizer,
  type AudioDepacketizerOptions,
  type AudioDepacketizerStats,
  type AudioFormat,
  type AudioFrame,
  type AudioParameters,
} from "./audio_depacketizer.ts";
export { LatmDepacketizer } from "./latm_depacketizer.ts";
export { OpusDepacketizer, opusSamples } from "./opus_depacketizer.ts";
export { PcmDepacketizer } from "./pcm_depacketizer.ts";
export { AudioPacketizer } from "./audio_packetizer.ts";
