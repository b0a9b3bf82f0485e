// Pure: no I/O.
import type { AudioTrackInfo, RtspError, VideoCodec, VideoTrackInfo } from "../media/mod.ts";

/** Where a session is. */
export type RtspSessionState =
  | "idle"
  | "options"
  | "describe"
  | "ports"
  | "setup"
  | "play"
  | "playing"
  | "closing"
  | "ended";

/** One track of the description, as the session sees it. */
export interface RtspTrack {
  /** Number of its `m=` section among those that were understood, from 0. */
  index: number;
  /** `video`, `audio`, `application` and so on. */
  kind: string;
  /** Encoding name in the description's spelling, such as `H264`; empty where there is none. */
  encoding: string;
  /** The video codec where it is one that Millrace knows, else null. */
  codec: VideoCodec | null;
  payloadType: number;
  clockRate: number;
  /** Channels of sound, 0 where there are none. */
  channels: number;
  /** Parameters of its `a=fmtp`, names in lower case. */
  parameters: Readonly<Record<string, string>>;
  /** The URL that SETUP is sent to. */
  control: string;
  /** Where the description says that packets are sent to; empty and 0 where it does not. */
  connection: string;
  port: number;
  /** Whether it takes sound instead of giving it: an ONVIF back channel, never set up. */
  sendOnly: boolean;
  /** What is known of the picture; null where the codec is not known. */
  video: VideoTrackInfo | null;
  /** What is known of the sound; null where it is none, or of a codec that is not known. */
  audio: AudioTrackInfo | null;
}

/** How the packets of a track come, once its SETUP was answered. */
export type NegotiatedTransport =
  | { kind: "tcp"; rtpChannel: number; rtcpChannel: number; ssrc: number | null }
  | {
    kind: "udp";
    /** Ports that the server sends from and listens on, 0 where it does not say. */
    serverRtpPort: number;
    serverRtcpPort: number;
    /** Address that packets come from where it is not the RTSP server's own; empty where the server does not say. */
    source: string;
    ssrc: number | null;
  }
  /** From a group, to whoever listens: nothing is sent back. */
  | { kind: "multicast"; group: string; rtpPort: number; rtcpPort: number; ssrc: number | null };

/** Where a track's sequence begins, from RTP-Info; a hint only, as many cameras send zeros or old values. */
export interface RtpInfo {
  url: string;
  sequence: number | null;
  rtpTimestamp: number | null;
}

/** What a session tells its owner; taken with `events()`. */
export type RtspSessionEvent =
  /** The description was read. `selected` will be set up: the video, and behind it what is wanted beside. */
  | { type: "described"; tracks: RtspTrack[]; selected: RtspTrack[]; warnings: string[] }
  /** Two UDP ports are needed for a track: open them and call `udpPorts()` (or `udpUnavailable()`). */
  | { type: "udp-ports"; track: RtspTrack }
  /** A track was set up. */
  | { type: "setup"; track: RtspTrack; transport: NegotiatedTransport }
  /** A track beside the video cannot be had; the session goes on without. */
  | { type: "left-out"; track: RtspTrack; error: RtspError }
  /** PLAY was answered: packets come, or have come already. */
  | { type: "playing"; rtpInfo: RtpInfo[]; sessionTimeoutSeconds: number }
  /**
   * Tear this connection down (TEARDOWN is in `outgoing()`), and connect anew: with `transport: "tcp"`, since UDP stayed
   * silent; or with nothing beside the video, since the camera failed with it.
   */
  | { type: "reconnect"; instead: "tcp" | "video-alone"; reason: string }
  /** The server is elsewhere: connect there with a new session. The URL is without credentials. */
  | { type: "redirect"; url: string }
  /** The end, with a failure. Nothing follows. */
  | { type: "failed"; error: RtspError }
  /** The end that `close()` asked for. Nothing follows. */
  | { type: "ended" };

/** Counters of a session; they only rise. */
export interface RtspSessionStats {
  requests: number;
  responses: number;
  keepAlives: number;
  /** Interleaved frames handed on. */
  frames: number;
  /** Interleaved frames of channels that were not set up. */
  unknownChannel: number;
  /** Bytes skipped because they were neither RTSP nor a frame. */
  garbageBytes: number;
  /** Answers that belonged to no request. */
  unexpected: number;
}

/** Counters that have counted nothing yet. */
export function emptyStats(): RtspSessionStats {
  return { requests: 0, responses: 0, keepAlives: 0, frames: 0, unknownChannel: 0, garbageBytes: 0, unexpected: 0 };
}
