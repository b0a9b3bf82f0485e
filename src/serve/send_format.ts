// Pure: no I/O.
import type { AudioTrackInfo, VideoCodec } from "../media/mod.ts";
import { AudioPacketizer, type PacketizerOptions, type VideoPacketizer, videoPacketizer } from "../rtp/mod.ts";
import { CLOCK_RATE, PAYLOAD_TYPE } from "./payload_type.ts";

/** How the packets of a track are made. */
export interface SendFormat {
  kind: "video" | "sound";
  payloadType: number;
  /** In Hz. */
  clockRate: number;
  packetizer(options: PacketizerOptions): VideoPacketizer;
}

/** How pictures of a codec are sent. */
export function videoFormat(codec: VideoCodec): SendFormat {
  return {
    ...{ kind: "video", payloadType: PAYLOAD_TYPE[codec], clockRate: CLOCK_RATE },
    packetizer: (options) => videoPacketizer(codec, options),
  };
}

/** The first dynamic payload type behind the video's. */
const DYNAMIC = 97;

/** How sound is sent. */
export function soundFormat(sound: AudioTrackInfo): SendFormat {
  const { codec, channels } = sound;
  return {
    ...{ kind: "sound", payloadType: soundPayloadType(sound), clockRate: soundClockRate(sound) },
    packetizer: (options) => new AudioPacketizer({ ...options, codec, channels }),
  };
}

/** Whether enough is known of sound for others to be told what it is. */
export function isSendable({ codec, sampleRate, channels, config }: AudioTrackInfo): boolean {
  return sampleRate > 0 && channels > 0 && (codec !== "aac" || config.length > 0);
}

/** A static one where RFC 3551 gives one. */
function soundPayloadType({ codec, sampleRate, channels }: AudioTrackInfo): number {
  if (sampleRate !== 8_000 || channels !== 1) return DYNAMIC;
  return codec === "pcmu" ? 0 : codec === "pcma" ? 8 : DYNAMIC;
}

function soundClockRate({ codec, sampleRate }: AudioTrackInfo): number {
  return codec === "opus" ? 48_000 : sampleRate;
}

/** What a description says of sound. @see RFC 3640, 4.1; RFC 7587, 7 */
export function describeSound(sound: AudioTrackInfo): string[] {
  const type = soundPayloadType(sound);
  const { codec, channels, config } = sound;
  const name = { aac: "MPEG4-GENERIC", pcmu: "PCMU", pcma: "PCMA", opus: "opus", l16: "L16" }[codec];
  // Opus says two, whatever it has.
  const said = codec === "opus" ? 2 : channels;
  const format = codec === "aac"
    ? "streamtype=5;profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;" +
      `config=${Uint8Array.from(config).toHex()}`
    : codec === "opus" && channels === 2
    ? "sprop-stereo=1"
    : "";
  return [
    `m=audio 0 RTP/AVP ${type}`,
    `a=rtpmap:${type} ${name}/${soundClockRate(sound)}${said > 1 ? `/${said}` : ""}`,
    ...(format === "" ? [] : [`a=fmtp:${type} ${format}`]),
    "a=control:track2",
  ];
}
