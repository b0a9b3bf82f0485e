import { RtspError } from "../media/mod.ts";
import { libraryPath } from "../../ffi/load.ts";
import { requestNet } from "../../ffi/net_permission.ts";
import { chooseTracks, parseSdp, type RtspUrl, type SideKind, tracksOf } from "../rtsp/mod.ts";
import { loadWorkers } from "../../workers/spawn.ts";
import { Deadline } from "./deadline.ts";
import { openCamera, settingsOf, totalTimeoutOf } from "./open_camera.ts";
import type { OpenRtspOptions } from "./open_rtsp.ts";
import type { RtspCamera } from "./rtsp_camera.ts";

const CODECS = ["h264", "hevc", "mjpeg"] as const;

/** How to open a stream of which there is a description: as a camera, without what is about connecting. */
export type OpenSdpOptions = Omit<
  OpenRtspOptions,
  "username" | "password" | "transport" | "tls" | "connectTimeout" | "responseTimeout"
>;

/**
 * Takes a stream that somebody sends without being asked, to a multicast group or to a port of this machine, as a session
 * description says: libValkka's `LiveConnectionType::sdp`. Resolves with the first picture. Nothing is sent. The first sender is taken
 * for the camera, or the one that `a=source-filter` names; after a silence of `idleTimeout` it may be another.
 *
 * Needs `--allow-net=<group or 0.0.0.0>:<port>` for each track, `--allow-ffi=<library>`, and to read the file.
 *
 * @param source The description itself, which begins with `v=`; or the path or file URL of one.
 * @throws {SyntaxError} where it describes no video that comes by RTP to a port.
 * @throws {RtspError} with a `code` that says why it cannot be opened.
 * @throws {SetupError} where the C library is not built, or may not be loaded.
 * @throws `signal.reason`
 *
 * @example
 * ```ts ignore
 * await using camera = await openSdp("v=0\nc=IN IP4 239.1.2.3/15\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n");
 * for await (const unit of camera.video.branch()) console.log(unit.pts, unit.data.length, unit.keyframe);
 * ```
 */
export async function openSdp(source: string | URL, options: OpenSdpOptions = {}): Promise<RtspCamera> {
  const { signal } = options;
  signal?.throwIfAborted();
  const isText = typeof source === "string" && /^\s*v=/.test(source);
  const name = isText ? "the description" : String(source).split("/").at(-1)!;
  const text = isText ? source : await Deno.readTextFile(source);
  const settings = settingsOf(options);
  const sdp = described(text, name, options.beside ?? []);
  const [{ connection, port }] = sdp.selected;
  const host = connection || "0.0.0.0";
  const address: RtspUrl = { secure: false, host, port, username: "", password: "", href: `rtp://${host}:${port}` };
  try {
    for (const track of sdp.selected) await requestNet(track.connection || "0.0.0.0", track.port);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new RtspError("permission", `Cannot open ${name}: ${cause.message}`, { cause });
  }
  const path = await libraryPath();
  await loadWorkers();
  using deadline = new Deadline(address.href, totalTimeoutOf(options), signal);
  const secrets = { username: "", password: "", addresses: new Uint8Array(0) };
  return await openCamera(address, { ...settings, ...secrets, url: address.href, sdp }, { ...options, path, deadline });
}

function described(text: string, name: string, beside: readonly SideKind[]) {
  const description = parseSdp(text);
  const nowhere: RtspUrl = { secure: false, host: "", port: 0, username: "", password: "", href: "" };
  const tracks = tracksOf(description, { base: "", asked: nowhere, codecs: CODECS });
  const selected = chooseTracks(tracks.filter((track) => track.port > 0), { codecs: CODECS, beside });
  if (selected === null) {
    throw new SyntaxError(`Cannot open ${name}: it describes no video of ${CODECS.join(", ")} that comes to a port`);
  }
  const source = /^a=source-filter:\s*incl\s+IN\s+IP[46]\s+\S+\s+([\d.]+|[\da-f:]+)\s*$/im.exec(text)?.[1] ?? "";
  return { tracks, selected, source };
}
