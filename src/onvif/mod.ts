/** ONVIF: cameras of the local network, and the addresses of their streams. @module */
export { discoverCameras, type DiscoverOptions } from "./discover_cameras.ts";
export { type OnvifDevice, type OnvifOptions, onvifStreams } from "./onvif_streams.ts";
export type { DiscoveredCamera } from "./probe_messages.ts";
export type { OnvifStream } from "./streams.ts";
