/**
 * Millrace turns IP cameras into frames that code can trust: decoded in a sandbox, filtered, and handed to other
 * processes, to analysis workers without any permission, and to this program.
 *
 * @module
 */
export * from "./src/analysis/mod.ts";
export * from "./src/media/mod.ts";
export * from "./src/decode/mod.ts";
export * from "./src/feed/mod.ts";
export * from "./src/filter/mod.ts";
export * from "./src/ingest/mod.ts";
export * from "./src/onvif/mod.ts";
export * from "./src/shm/mod.ts";
export {
  type JoinAt,
  RtspServer,
  type RtspServerStats,
  type Servable,
  ServedFeed,
  type ServeFeedOptions,
  type ServerCounters,
  serveRtsp,
  type ServeRtspOptions,
  type StreamCounters,
} from "./src/serve/mod.ts";
