import type { Warning } from "../media/mod.ts";
import { libraryPath, loadLibrary } from "../../ffi/load.ts";
import { createRing, ringBytes, SharedRingMemory } from "../ring/mod.ts";
import { parseRtspUrl, redactUrl, type TransportPolicy } from "../rtsp/mod.ts";
import { CAMERA_COUNTERS, type CameraSettings, type ReconnectOptions } from "../../workers/ingest_protocol.ts";
import { IngestWorker } from "./ingest_worker.ts";
import { resolveCamera } from "./resolve.ts";
import { RtspCamera } from "./rtsp_camera.ts";
import { transportMemory } from "./transport_memory.ts";
import { loadWorkers } from "../../workers/spawn.ts";

/** How to open a camera. All times are milliseconds. */
export interface OpenRtspOptions {
  /** Beside the URL, so that a password may hold any character; wins over what is in the URL. */
  username?: string;
  password?: string;
  /**
   * `"auto"`: UDP, then TCP where UDP is refused or silent for 3 s (or `firstPacketTimeout`, if less); which of them it was
   * is remembered for the host. @default {"auto"}
   */
  transport?: TransportPolicy;
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
  /** How it comes back once it was live; `"never"` ends its feeds instead. @default {1 s, doubled up to 30 s} */
  reconnect?: Partial<ReconnectOptions> | "never";
  /** Bytes asked for as the UDP socket's receive buffer. @default {2 MiB} */
  receiveBuffer?: number;
  /** What becomes of pictures with something missing, and those that build on them. @default {"skip"} */
  corrupt?: "skip" | "deliver";
  /** A number of the program's own that travels with every frame. @default {0} */
  streamId?: number;
  /** Access units that are kept for branches that are behind. @default {256} */
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
  const { signal } = options;
  signal?.throwIfAborted();
  const address = parseRtspUrl(url);
  if (address.secure) {
    throw new SyntaxError(`Cannot open ${redactUrl(address.href)}: RTSP over TLS is not supported yet`);
  }
  const ringOptions = {
    kind: "access-units",
    policy: "variable",
    slots: options.slots ?? 256,
    arenaBytes: options.bufferBytes ?? 8 << 20,
  } as const;
  const ring = new SharedArrayBuffer(ringBytes(ringOptions));
  createRing(new SharedRingMemory(ring), ringOptions);

  const settings = settingsOf(options);
  const path = await libraryPath();
  await loadWorkers();
  const addresses = await unlessAborted(resolveCamera(loadLibrary(path), address), signal);
  signal?.throwIfAborted();
  const camera = new RtspCamera(
    IngestWorker.withRoom(path),
    address,
    {
      ...settings,
      transport: transportMemory.policyFor(address, settings.transport),
      url: address.href,
      username: options.username ?? address.username,
      password: options.password ?? address.password,
      addresses,
      ring,
      counters: new SharedArrayBuffer(CAMERA_COUNTERS.length * Float64Array.BYTES_PER_ELEMENT),
    },
    options,
  );
  const abort = () => void camera[Symbol.asyncDispose]();
  signal?.addEventListener("abort", abort, { once: true });
  void camera.ended.then(() => signal?.removeEventListener("abort", abort));
  try {
    await camera.opened();
    signal?.throwIfAborted();
    return camera;
  } catch (error) {
    await camera[Symbol.asyncDispose]();
    signal?.throwIfAborted();
    throw error;
  }
}

/** Rejects with the signal's reason at once; what was begun ends by itself. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await promise;
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
    promise.catch(() => {}); // nobody is left to hear of it
  }
}

function settingsOf(
  options: OpenRtspOptions,
): Omit<CameraSettings, "url" | "username" | "password" | "addresses" | "ring" | "counters"> {
  const positive = {
    connectTimeout: options.connectTimeout ?? 5_000,
    responseTimeout: options.responseTimeout ?? 5_000,
    firstPacketTimeout: options.firstPacketTimeout ?? 10_000,
    firstPictureTimeout: options.firstPictureTimeout ?? 40_000,
    idleTimeout: options.idleTimeout ?? 10_000,
    staleAfter: options.staleAfter ?? 2_000,
    receiveBuffer: options.receiveBuffer ?? 2 << 20,
  };
  for (const [name, value] of Object.entries(positive)) {
    if (!Number.isFinite(value) || value <= 0) {
      throw new RangeError(`Cannot open a camera: ${name} is ${value}, expected a positive number`);
    }
  }
  const { reconnect = {} } = options;
  return {
    ...positive,
    transport: options.transport ?? "auto",
    reconnect: reconnect === "never" ? null : { minDelay: 1_000, maxDelay: 30_000, ...reconnect },
    corrupt: options.corrupt ?? "skip",
    streamId: options.streamId ?? 0,
  };
}
