/** Cameras: opening them, and what is known of them while they are open. @module */
export { openFlv, type OpenFlvOptions } from "./open_flv.ts";
export { openRtsp, type OpenRtspOptions } from "./open_rtsp.ts";
export { openSdp, type OpenSdpOptions } from "./open_sdp.ts";
export { accessUnitsOfFile, openVideoFile, type OpenVideoFileOptions, PlayedFile } from "./open_video_file.ts";
export { type ProbeReport, probeRtsp } from "./probe.ts";
export type { ProbedTrack } from "./probed_tracks.ts";
export { RtspCamera, type RtspCameraStats } from "./rtsp_camera.ts";
export type { SideTrackStats } from "./side_feed.ts";
export type { SideKind } from "../rtsp/mod.ts";
export type { SideCounters, SideState } from "../../workers/ingest_protocol.ts";
export type { TlsOptions } from "./tls_options.ts";
export type { CameraCounters, CameraState, CameraTransport, TransportKind } from "../../workers/ingest_protocol.ts";
export type { StateRecord } from "./state_log.ts";
