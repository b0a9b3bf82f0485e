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
  headEnd,
  type OutgoingRequest,
  type OutgoingResponse,
  parseHead,
  reasonOf,
  type RtspRequest,
  type RtspResponse,
  serializeRequest,
  serializeResponse,
} from "./message.ts";
export * from "./parser.ts";
export * from "./sdp.ts";
export * from "./session.ts";
export { statusError } from "./session_errors.ts";
export type * from "./session_events.ts";
export type { MediaHandler, RtspSessionOptions, TransportPolicy } from "./session_options.ts";
export { parseRtpInfo, parseSessionHeader } from "./session_headers.ts";
export { spropSets, tracksOf } from "./tracks.ts";
export { chooseTracks, type SideKind, sideKindOf } from "./track_choice.ts";
export * from "./transport_header.ts";
export {
  isHttpUrl,
  parseCameraUrl,
  parseHttpUrl,
  parseRtspUrl,
  pathOf,
  redactUrl,
  resolveLocation,
  type RtspUrl,
} from "./url.ts";
