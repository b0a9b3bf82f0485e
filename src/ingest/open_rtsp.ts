import type { Warning } from "../media/mod.ts";
import { parseRtspUrl, type RtspUrl, type SideKind } from "../rtsp/mod.ts";
import type { CameraTransport, ReconnectOptions } from "../../workers/ingest_protocol.ts";
import { openAtHost } from "./open_at_host.ts";
import type { RtspCamera } from "./rtsp_camera.ts";
import type { TlsOptions } from "./tls_options.ts";
import { transportMemory } from "./transport_memory.ts";

/** How to open a camera. All times are milliseconds. */
export interface OpenRtspOptions {
  /** Beside the URL, so that a password may hold any character; wins over what is in the URL. */
  username?: string;
  password?: string;
  /**
   * `"auto"`: UDP, then TCP where UDP is refused or silent for 2 s (or `firstPacketTimeout`, if less); which of them it was
   * is remembered for the host. `"multicast"`: from a group. `"http-tunnel"`: all inside of HTTP, to port 80 where the URL
   * names none, or 443 with `rtsps:`. Over TLS `"auto"` is `"tcp"`, for packets of UDP would be in the clear: SRTP is not
   * supported. @default {"auto"}
   */
  transport?: CameraTransport;
  /** Whom an `rtsps:` address is believed to be. @default {who has a certificate of the host's name, by a known authority} */
  tls?: TlsOptions;
  /** Until the TCP connection stands. @default {5_000} */
  connectTimeout?: number;
  /** For each answer of the camera. @default {5_000} */
  responseTimeout?: number;
  /** From the start of playing to the first packet. @default {10_000} */
  firstPacketTimeout?: number;
  /** From the start of playing to the first picture: a camera begins it with a keyframe. @default {40_000} */
  firstPictureTimeout?: number;
  /** Without any packet of the video, while it plays. @default {10_000} */
  idleTimeout?: number;
  /** Without a picture, after which the camera's state is `stale`. @default {2_000} */
  staleAfter?: number;
  /** From the call to the first picture, all attempts and transports together. @default {90_000, or none with "from-start"} */
  totalTimeout?: number;
  /**
   * How it comes back; `"never"` ends its feeds instead. @default {1 s, doubled up to 30 s, or up to 2 s where the camera was
   * not even reached}
   */
  reconnect?: Partial<ReconnectOptions> | "never";
  /**
   * Whether a camera that cannot be opened is an error, or tried again until it can be. A refused password and a host that
   * this program may not reach are errors either way. @default {"once-live"}
   */
  retry?: "once-live" | "from-start";
  /** Bytes asked for as the UDP socket's receive buffer. @default {2 MiB} */
  receiveBuffer?: number;
  /** What becomes of pictures with something missing, and those that build on them. @default {"skip"} */
  corrupt?: "skip" | "deliver";
  /**
   * What is set up beside the video: its sound, for `camera.audio`; or what else it sends, such as ONVIF metadata, for
   * `camera.data`. A camera that does not have it, refuses it, or fails with it gives its video all the same; `stats()` says
   * why the rest does not come. What nobody asks for is not set up, and costs nothing. @default {[]}
   */
  beside?: readonly SideKind[];
  /** A number of the program's own that travels with every frame. @default {0} */
  streamId?: number;
  /** Access units that are kept for branches that are behind: a branch's `capacity` above this is this. @default {256} */
  slots?: number;
  /** Bytes of access units that are kept; also the largest access unit that can be taken. @default {8 MiB} */
  bufferBytes?: number;
  /** Rejects while the camera is being opened; closes it afterwards. */
  signal?: AbortSignal;
  /** Hears of what is odd, at most once a second and kind. */
  onWarning?: (warning: Warning) => void;
}

/**
 * Opens a camera: resolves with the first picture. The connection lives in a worker that may do nothing but call Millrace's C
 * library, and comes back by itself until the camera is disposed of.
 *
 * Needs `--allow-net=<host:port>` and `--allow-ffi=<library>`.
 *
 * @throws {SyntaxError} where the URL is no RTSP address.
 * @throws {RtspError} with a `code` that says why it cannot be opened.
 * @throws {SetupError} where the C library is not built, or may not be loaded.
 * @throws `signal.reason`
 *
 * @example
 * ```ts ignore
 * await using camera = await openRtsp("rtsp://cam.local/h264", { username, password });
 * for await (const unit of camera.video.branch()) console.log(unit.pts, unit.data.length, unit.keyframe);
 * ```
 */
export async function openRtsp(url: string, options: OpenRtspOptions = {}): Promise<RtspCamera> {
  options.signal?.throwIfAborted();
  const address = parseRtspUrl(url);
  if (options.transport === "http-tunnel" && !namesPort(address)) address.port = address.secure ? 443 : 80;
  return await openAtHost(address, options, (asked) => transportMemory.policyFor(address, asked));
}

/** Whether an address says its port. */
function namesPort({ href }: RtspUrl): boolean {
  return /^rtsps?:\/\/[^/?]*:\d+(?:[/?]|$)/.test(href);
}
