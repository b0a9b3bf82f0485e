import type { OpenRtspOptions, RtspCamera } from "../ingest/mod.ts";
import { cameraAddress, isAddress } from "./arguments.ts";

/*
 * What the command line takes for a camera wherever it takes one.
 */

/** In the words of `--help`. */
export const CAMERA_SOURCE = "an rtsp:// address, an http:// address of FLV, or an .sdp file that describes a stream";

/** Whether a word is meant as a camera, and not as a video file. */
export function isCamera(text: string): boolean {
  return isAddress(text) || isDescription(text);
}

/** Reads what was typed for a camera. @throws {UsageError} where it is none. */
export function cameraSource(text: string): string {
  return isDescription(text) ? text : cameraAddress(text);
}

/** Opens a camera as its kind is opened. @throws what `openRtsp`, `openFlv` and `openSdp` throw. */
export async function openSource(source: string, options: OpenRtspOptions): Promise<RtspCamera> {
  if (isDescription(source)) return await (await import("../ingest/mod.ts")).openSdp(source, options);
  return await (await import("../ingest/open_by_address.ts")).openByAddress(source, options);
}

function isDescription(text: string): boolean {
  return !isAddress(text) && /\.sdp$/i.test(text);
}
