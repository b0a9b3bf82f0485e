/**
 * RTSP without I/O: messages, descriptions, credentials, and the client's session.
 *
 * @module
 */
export * from "./auth.ts";
export * from "./auth_verifier.ts";
export { type DigestAlgorithm, digestResponse, parseAuthHeader } from "./digest.ts";
export * from "./headers.ts";
export * from "./http_tunnel.ts";
export {
  frameInterleaved,
  type OutgoingRequest,
  type OutgoingResponse,
  reasonOf,
  type RtspRequest,
  type RtspResponse,
  serializeRequest,
  serializeResponse,
} from "./message.ts";
export * from "./parser.ts";
export * from "./sdp.ts";
export * from "./session.ts";
export type * from "./session_events.ts";
export type { MediaHandler, RtspSessionOptions, TransportPolicy } from "./session_options.ts";
export { parseRtpInfo, parseSessionHeader } from "./session_headers.ts";
export { spropSets, tracksOf } from "./tracks.ts";
export { chooseTracks, type SideKind, sideKindOf } from "./track_choice.ts";
export * from "./transport_header.ts";
export { parseRtspUrl, redactUrl, type RtspUrl } from "./url.ts";
