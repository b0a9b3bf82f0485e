/**
 * FLV by HTTP without I/O, as cameras send it: a stream's bytes into its tags, and the client's session.
 *
 * @see "Adobe Flash Video File Format Specification", 10.1; "Enhanced RTMP", v2, of the Veovera Software Organization
 * @module
 */
export { FlvParser, type FlvParserSink, type FlvTag } from "./parser.ts";
export { FlvClientSession, type FlvSessionOptions } from "./session.ts";
export { readVideoTag, type VideoTag } from "./video_tag.ts";
export { WebCredentials } from "./web_credentials.ts";
