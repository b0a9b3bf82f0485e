/**
 * MJPEG over RTP: depacketizer and packetizer.
 *
 * @see RFC 2435
 * @module
 */
export * from "./depacketizer.ts";
export { type JpegSegments, readSegments as readJpegSegments } from "./file_head.ts";
export * from "./packetizer.ts";
export { quantisationTables } from "./tables.ts";
