import type { Warning } from "../media/mod.ts";
import { createRing, ringBytes, SharedRingMemory } from "../ring/mod.ts";
import type { RtspUrl } from "../rtsp/mod.ts";
import { CAMERA_COUNTERS, type CameraSettings, type ReconnectOptions } from "../../workers/ingest_protocol.ts";
import type { TlsTrust } from "../../workers/tls_protocol.ts";
import type { Deadline } from "./deadline.ts";
import { IngestWorker } from "./ingest_worker.ts";
import type { OpenRtspOptions } from "./open_rtsp.ts";
import { RtspCamera } from "./rtsp_camera.ts";
import { sideSettings } from "./side_feed.ts";

const RECONNECT: ReconnectOptions = { minDelay: 1_000, maxDelay: 30_000, maxConnectDelay: 2_000 };

/** What a camera is opened with, whichever way it sends. */
type CommonSettings = Omit<
  CameraSettings,
  "url" | "username" | "password" | "addresses" | "sdp" | "ring" | "counters" | "beside"
>;

/** Starts a camera, and resolves with its first picture. */
export async function openCamera(
  address: RtspUrl,
  settings: Omit<CameraSettings, "ring" | "counters" | "beside">,
  options: Pick<OpenRtspOptions, "slots" | "bufferBytes" | "beside" | "signal"> & {
    /** Of the C library. */
    path: string;
    deadline: Deadline;
    trust?: TlsTrust;
    onWarning?: (warning: Warning) => void;
  },
): Promise<RtspCamera> {
  const { signal, deadline, path, trust, onWarning } = options;
  const ringOptions = {
    kind: "access-units",
    policy: "variable",
    slots: options.slots ?? 256,
    arenaBytes: options.bufferBytes ?? 8 << 20,
  } as const;
  const ring = new SharedArrayBuffer(ringBytes(ringOptions));
  createRing(new SharedRingMemory(ring), ringOptions);
  const counters = new SharedArrayBuffer(CAMERA_COUNTERS.length * Float64Array.BYTES_PER_ELEMENT);
  const made = { ...settings, ring, counters, beside: sideSettings(options.beside ?? []) };
  const camera = new RtspCamera(IngestWorker.withRoom(path), address, made, { onWarning, trust });
  const abort = () => void camera[Symbol.asyncDispose]();
  signal?.addEventListener("abort", abort, { once: true });
  void camera.ended.then(() => signal?.removeEventListener("abort", abort));
  try {
    await deadline.unlessOver(camera.opened());
    deadline.signal.throwIfAborted();
    return camera;
  } catch (error) {
    await camera[Symbol.asyncDispose]();
    deadline.signal.throwIfAborted();
    throw error;
  }
}

/** @default {90_000}, or none for who waits as long as it takes */
export function totalTimeoutOf({ totalTimeout, retry }: Pick<OpenRtspOptions, "totalTimeout" | "retry">): number {
  return totalTimeout ?? (retry === "from-start" ? Infinity : 90_000);
}

/** @throws {RangeError} where a value makes no sense. */
export function settingsOf(options: OpenRtspOptions): CommonSettings {
  const positive = {
    connectTimeout: options.connectTimeout ?? 5_000,
    responseTimeout: options.responseTimeout ?? 5_000,
    firstPacketTimeout: options.firstPacketTimeout ?? 10_000,
    firstPictureTimeout: options.firstPictureTimeout ?? 40_000,
    idleTimeout: options.idleTimeout ?? 10_000,
    staleAfter: options.staleAfter ?? 2_000,
    receiveBuffer: options.receiveBuffer ?? 2 << 20,
  };
  const totalTimeout = totalTimeoutOf(options);
  for (const [name, value] of Object.entries({ ...positive, totalTimeout })) {
    if (!(value > 0) || value === Infinity && name !== "totalTimeout") {
      throw new RangeError(`Cannot open a camera: ${name} is ${value}, expected a positive number`);
    }
  }
  const { reconnect = {} } = options;
  return {
    ...positive,
    transport: options.transport ?? "auto",
    reconnect: reconnect === "never" ? null : { ...RECONNECT, ...reconnect },
    retry: options.retry ?? "once-live",
    corrupt: options.corrupt ?? "skip",
    streamId: options.streamId ?? 0,
  };
}
