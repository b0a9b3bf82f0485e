// Pure: no I/O.
import {
  RtspError,
  type RtspErrorCode,
  type RtspTimeout,
  type VideoTrackInfo,
  type Warning,
} from "../src/media/mod.ts";
import type { RtspTrack, SideKind, TransportPolicy } from "../src/rtsp/mod.ts";
import type { AudioTrackInfo } from "../src/media/mod.ts";

/** How a camera comes back after its connection was lost; null: it does not. */
export interface ReconnectOptions {
  /** Milliseconds before the first attempt; each further one waits twice as long, give or take a quarter. */
  minDelay: number;
  /** Milliseconds between attempts at most. */
  maxDelay: number;
  /** Milliseconds at most after an attempt that did not even reach the camera. */
  maxConnectDelay: number;
}

/** How a camera is asked to send: RTSP's transports, or all of it inside of HTTP, which firewalls let through. */
export type CameraTransport = TransportPolicy | "http-tunnel";

/** How it sends. */
export type TransportKind = "udp" | "tcp" | "multicast" | "http-tunnel" | "http-flv";

/** A track that is wanted beside the video. */
export interface SideSettings {
  kind: SideKind;
  /** A variable ring of bytes, made by the main thread. */
  ring: SharedArrayBuffer;
  counters: SharedArrayBuffer;
}

/**
 * Where a track beside the video is. `waiting`: the camera was not asked yet; `missing`: it has none; `left-out`: it does not
 * give it, or fails with it; `broken`: given up until the next connection.
 */
export type SideState = "waiting" | "missing" | "left-out" | "broken" | "open";

/** What is known of a track beside the video. */
export interface SideCondition {
  state: SideState;
  /** Why it is not open; empty where it is. */
  reason: string;
  /** Encoding name of the description; empty where there is none. */
  encoding: string;
  /** Of sound. */
  info: AudioTrackInfo | null;
}

/** What the ingest worker needs to know of a camera. */
export interface CameraSettings {
  /** Without credentials. */
  url: string;
  username: string;
  password: string;
  /** Resolved addresses, 24 bytes each, best first. */
  addresses: Uint8Array<ArrayBuffer>;
  transport: CameraTransport;
  /** Where packets come without a session, as a description says; null with RTSP. */
  sdp: { tracks: RtspTrack[]; selected: RtspTrack[]; source: string } | null;
  connectTimeout: number;
  responseTimeout: number;
  firstPacketTimeout: number;
  firstPictureTimeout: number;
  idleTimeout: number;
  /** Milliseconds without an access unit after which the camera counts as stale. */
  staleAfter: number;
  /** Bytes asked for as the receive buffer of a UDP socket. */
  receiveBuffer: number;
  reconnect: ReconnectOptions | null;
  /** From when on it is tried again: once it was live, or from the first attempt on. */
  retry: "once-live" | "from-start";
  corrupt: "skip" | "deliver";
  streamId: number;
  /** A variable ring of access units, made by the main thread. */
  ring: SharedArrayBuffer;
  counters: SharedArrayBuffer;
  beside: readonly SideSettings[];
}

/** What the main thread tells the ingest worker. The first message is `init`; closing the poll handle ends the thread. */
export type ToIngestWorker =
  | { type: "init"; library: string; poll: number; count: SharedArrayBuffer }
  | { type: "open"; camera: number; settings: CameraSettings }
  | { type: "addresses"; camera: number; addresses: Uint8Array<ArrayBuffer> }
  /** A doorbell that is rung after each access unit, or those of a `WakeWish` alone; null: no longer. */
  | { type: "bell"; camera: number; number: number; bell: SharedArrayBuffer | null; wish?: SharedArrayBuffer }
  /** Answers `moving`: where the other host is, or why it may not be reached. */
  | {
    type: "moved";
    camera: number;
    to: { url: string; addresses: Uint8Array<ArrayBuffer> } | ErrorRecord;
  }
  | { type: "close"; camera: number };

/** Where a camera is. `connecting`: no picture yet; `stale`: connected, but none for a while; `offline`: waiting to try again. */
export type CameraState = "connecting" | "live" | "stale" | "offline";

/** An error that crosses a thread. */
export interface ErrorRecord {
  code: RtspErrorCode;
  message: string;
  status: number;
  method: string;
  timeout: RtspTimeout | null;
}

/** What of an error crosses a thread. */
export function recordOf({ code, message, status, method, timeout }: RtspError): ErrorRecord {
  return { code, message, status, method, timeout };
}

/** The error on the other side. */
export function errorOf(record: ErrorRecord): RtspError {
  return new RtspError(record.code, record.message, record);
}

/** What the ingest worker tells the main thread. Nothing of it comes for each packet or picture. */
export type FromIngestWorker =
  | { type: "ready" }
  | { type: "described"; camera: number; tracks: RtspTrack[]; selected: RtspTrack }
  /** What the parameter sets tell: with the first picture, and whenever it changes. */
  | { type: "info"; camera: number; info: VideoTrackInfo }
  /** A track beside the video can be had, or cannot, or more is known of it. */
  | { type: "beside"; camera: number; kind: SideKind; condition: SideCondition }
  | {
    type: "state";
    camera: number;
    state: CameraState;
    reason: string;
    since: number;
    transport: TransportKind | null;
  }
  /** The connection is over; where it is tried again, `retryAt` says when (Unix milliseconds). */
  | { type: "failed"; camera: number; error: ErrorRecord; retryAt: number | null }
  /** Nothing is written into the ring any more; whoever hears it closes the ring. */
  | { type: "closed"; camera: number }
  | { type: "warning"; camera: number; warning: Warning }
  /** The camera redirects to another host, which only the main thread may ask for. */
  | { type: "moving"; camera: number; url: string }
  /** The TLS worker is to connect to an address, and to pass plain bytes on to and from the handle, which is its own. */
  | { type: "secure"; camera: number; handle: number; address: Uint8Array<ArrayBuffer>; host: string };

/** Counters of a camera in shared memory, as 64-bit floats in this order. They only rise, but for those said to be values. */
export const CAMERA_COUNTERS = [
  "packets", // RTP packets
  "bytes", // of RTP packets
  "lost", // packets given up
  "reordered", // packets that came out of order, and were put back
  "late", // packets that came after they were given up
  "duplicates",
  "discarded", // packets that were no RTP, of another payload type, or broke the payload's rules
  "accessUnits", // written into the ring
  "keyframes",
  "corrupt", // access units with something missing
  "skipped", // access units held back on the way to a keyframe
  "oversize", // access units larger than the ring takes
  "reports", // sender reports
  "connections", // connections that came to play
  "foreign", // datagrams of other hosts, or too long, that were dropped
  "garbageBytes", // bytes of the RTSP connection that belonged to nothing
  "socketDrops", // datagrams that the system dropped because the receive buffer was full
  "jitterMs", // value
  "receiveBuffer", // value: bytes of the UDP socket's receive buffer, 0 over TCP
  "lastPacketAt", // value: Unix milliseconds
  "lastAccessUnitAt", // value: Unix milliseconds
  "clockSteps", // steps of the camera's clock
  "ntp", // value: 0 none, 1 from sender reports, 2 stepped
  "clockOffset", // value: milliseconds that the camera's clock is ahead of this host's; NaN where it is not known
  "width", // value: of the picture, in pixels
  "height", // value
] as const;

export type CameraCounters = Record<typeof CAMERA_COUNTERS[number], number>;
/** Where each counter is. */
export const CAMERA_COUNTER = Object.fromEntries(CAMERA_COUNTERS.map((name, i) => [name, i])) as CameraCounters;

/** Counters of a track beside the video, as those of a camera. */
export const SIDE_COUNTERS = [
  "packets",
  "bytes",
  "lost",
  "reordered",
  "late",
  "duplicates",
  "discarded", // packets that were no RTP, of another payload type, or broke the payload's rules
  "units", // written into the ring
  "incomplete", // of sound: dropped since a part was missing; of data: handed on, flagged
  "oversize", // units larger than the ring takes
  "reports", // sender reports
  "failures", // how often it was left out, or broke
  "foreign", // datagrams of other hosts, or too long, that were dropped
  "socketDrops", // datagrams that the system dropped because the receive buffer was full
  "jitterMs", // value
  "receiveBuffer", // value: bytes of the UDP socket's receive buffer, 0 over TCP
  "lastPacketAt", // value: Unix milliseconds
  "lastUnitAt", // value: Unix milliseconds
] as const;

export type SideCounters = Record<typeof SIDE_COUNTERS[number], number>;
/** Where each of them is. */
export const SIDE_COUNTER = Object.fromEntries(SIDE_COUNTERS.map((name, i) => [name, i])) as SideCounters;
