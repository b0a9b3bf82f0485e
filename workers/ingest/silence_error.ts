// Pure: no I/O.
import { RtspError } from "../../src/media/mod.ts";

/** A camera that plays, and sends no packet at all. */
export function packetTimeout({ url, firstPacketTimeout }: { url: string; firstPacketTimeout: number }): RtspError {
  const seconds = firstPacketTimeout / 1000;
  return new RtspError(
    "timeout",
    `Lost ${url}: the camera plays, but no packet came in ${seconds} s; restart the camera, or try the other transport`,
    { timeout: "first-packet" },
  );
}

/** A camera that no longer sends. */
export function idleError({ url, idleTimeout }: { url: string; idleTimeout: number }): RtspError {
  const message = `Lost ${url}: no packet of the video came for ${idleTimeout / 1000} s`;
  return new RtspError("timeout", message, { timeout: "idle" });
}

/** A camera whose packets make no picture. */
export function pictureTimeout({ url, firstPictureTimeout }: { url: string; firstPictureTimeout: number }): RtspError {
  const seconds = firstPictureTimeout / 1000;
  return new RtspError(
    "timeout",
    `Lost ${url}: packets come, but no keyframe in ${seconds} s; set the keyframe interval in the camera to 1 or 2 s`,
    { timeout: "first-picture" },
  );
}
