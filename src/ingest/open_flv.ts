import { parseHttpUrl } from "../rtsp/mod.ts";
import { openAtHost } from "./open_at_host.ts";
import type { OpenRtspOptions } from "./open_rtsp.ts";
import type { RtspCamera } from "./rtsp_camera.ts";

/** How to open a camera that sends FLV by HTTP. */
export type OpenFlvOptions = Omit<OpenRtspOptions, "transport" | "receiveBuffer">;

/**
 * Opens a camera that sends FLV by HTTP, as those of Reolink do whose RTSP tears pictures: H.264, and H.265 in either of the two ways
 * that there are; beside it, where that is wanted, AAC and G.711. Resolves with the first picture. Connection, states and coming back
 * are as with `openRtsp`. Packets are counted as if it had sent some: FLV has none.
 *
 * Needs `--allow-net=<host:port>` and `--allow-ffi=<library>`.
 *
 * @param url `http:` or `https:`. What it has in its query is sent, and shown nowhere as far as it is a password. User name and password of
 * the options answer a web server that asks for them (Basic, Digest).
 * @throws {SyntaxError} where the URL is no HTTP address.
 * @throws {RtspError} with a `code` that says why it cannot be opened.
 * @throws {SetupError} where the C library is not built, or may not be loaded.
 * @throws `signal.reason`
 *
 * @example
 * ```ts ignore
 * const query = new URLSearchParams({ port: "1935", app: "bcs", stream: "channel0_main.bcs", user, password });
 * await using camera = await openFlv(`http://reolink.local/flv?${query}`);
 * for await (const unit of camera.video.branch()) console.log(unit.pts, unit.data.length, unit.keyframe);
 * ```
 */
export async function openFlv(url: string, options: OpenFlvOptions = {}): Promise<RtspCamera> {
  options.signal?.throwIfAborted();
  return await openAtHost(parseHttpUrl(url), { ...options, transport: "tcp" });
}
