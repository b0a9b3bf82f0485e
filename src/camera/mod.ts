/** A virtual camera: an RTSP server that plays files. @module */
export { CAMERA_CLIP, CLIP_PACKAGES, type ClipOptions, makeClip, readMark } from "./clip.ts";
export type { Faults } from "./faults.ts";
export { VirtualCamera, type VirtualCameraOptions, type VirtualCameraStats } from "./virtual_camera.ts";
