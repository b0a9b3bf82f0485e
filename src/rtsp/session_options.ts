// Pure: no I/O.
import type { VideoCodec } from "../media/mod.ts";
import type { SideKind } from "./track_choice.ts";

/** Which transports a session tries, in order: `"auto"` is UDP, then TCP where UDP is refused or stays silent. */
export type TransportPolicy = "auto" | "udp" | "tcp" | "multicast";

/** Takes one interleaved packet: `data[start..end)`, borrowed until it returns. */
export type MediaHandler = (channel: number, data: Uint8Array, start: number, end: number) => void;

/** What an `RtspClientSession` is made of. */
export interface RtspSessionOptions {
  /** Credentials win over those in the URL. */
  username?: string;
  password?: string;
  /** Whether Basic is answered, which shows the password to whoever asks. @default {"answer"} */
  basic?: "answer" | "refuse";
  /** @default {"auto"} */
  transport?: TransportPolicy;
  /** Codecs that the caller can use. @default {["h264", "hevc", "mjpeg"]} */
  codecs?: readonly VideoCodec[];
  /** What is set up beside the video, where the camera has it. @default {[]} */
  beside?: readonly SideKind[];
  /** @default {"Millrace"} */
  userAgent?: string;
  /** Fills an array with random bytes, such as `(into) => crypto.getRandomValues(into)`. */
  random: (into: Uint8Array<ArrayBuffer>) => void;
  /** Takes interleaved RTP and RTCP packets while `receive()` runs. Unknown channels are counted, not handed on. */
  onMedia: MediaHandler;
  /** Milliseconds to wait for each answer. @default {10_000} */
  responseTimeout?: number;
  /** Milliseconds from PLAY's answer to the first packet; under `"auto"` with UDP it is `udpTimeout`. @default {10_000} */
  firstPacketTimeout?: number;
  /** Milliseconds without a UDP packet after which `"auto"` goes on to TCP. @default {2_000} */
  udpTimeout?: number;
  /** Milliseconds without any packet after which a playing session fails. @default {10_000} */
  idleTimeout?: number;
}

/** The options of a session with nothing left open. */
export type SessionSettings = Required<Omit<RtspSessionOptions, "username" | "password">>;

/** The options with their defaults, also where one is given as undefined. */
export function withDefaults(options: RtspSessionOptions): SessionSettings {
  return {
    random: options.random,
    onMedia: options.onMedia,
    basic: options.basic ?? "answer",
    transport: options.transport ?? "auto",
    codecs: options.codecs ?? ["h264", "hevc", "mjpeg"],
    beside: options.beside ?? [],
    userAgent: options.userAgent ?? "Millrace",
    responseTimeout: options.responseTimeout ?? 10_000,
    firstPacketTimeout: options.firstPacketTimeout ?? 10_000,
    udpTimeout: options.udpTimeout ?? 2_000,
    idleTimeout: options.idleTimeout ?? 10_000,
  };
}
