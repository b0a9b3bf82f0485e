import { isHttpUrl } from "../rtsp/mod.ts";
import { openFlv } from "./open_flv.ts";
import { openRtsp, type OpenRtspOptions } from "./open_rtsp.ts";
import type { RtspCamera } from "./rtsp_camera.ts";

/** Opens a camera as its address says: FLV where that is one of HTTP, else RTSP. @throws as `openFlv` and `openRtsp` do. */
export function openByAddress(url: string, options: OpenRtspOptions): Promise<RtspCamera> {
  return isHttpUrl(url) ? openFlv(url, options) : openRtsp(url, options);
}
