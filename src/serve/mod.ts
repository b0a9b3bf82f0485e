/** RTSP out: feeds of access units, passed on to any number of clients. @module */
export type { StreamDescription } from "./description.ts";
export type { ServedStream } from "./served_stream.ts";
export { StreamServer, type StreamServerOptions } from "./stream_server.ts";
export { type Disturbance, type SendTime, type SentUnit, Viewer, type ViewerSink, type ViewerStats } from "./viewer.ts";
export { RtspServer, type RtspServerStats, serveRtsp, type ServeRtspOptions } from "./serve_rtsp.ts";
export { type Servable, ServedFeed, type ServeFeedOptions } from "./served_feed.ts";
export type { JoinAt, ServerCounters, StreamCounters } from "../../workers/serve_protocol.ts";
