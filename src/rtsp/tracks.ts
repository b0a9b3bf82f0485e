// Pure: no I/O.
import type { AudioTrackInfo, VideoCodec, VideoTrackInfo } from "../media/mod.ts";
import {
  audioCodecOf,
  audioDepacketizer,
  h264Parameters,
  hevcParameters,
  joinAnnexB,
  splitAnnexB,
  startCodeBytes,
  videoCodecOf,
} from "../rtp/mod.ts";
import type { SdpFormat, SdpMedia, SessionDescription } from "./sdp.ts";
import type { RtspTrack } from "./session_events.ts";
import { controlUrl } from "./control_url.ts";
import type { RtspUrl } from "./url.ts";

/** The tracks of a description; where one offers several formats, the first of the codecs that are wanted. */
export function tracksOf(
  description: SessionDescription,
  at: { base: string; asked: RtspUrl; codecs: readonly VideoCodec[] },
): RtspTrack[] {
  const { base, asked, codecs } = at;
  return description.media.map((media, index) => {
    const codecOf = (format: SdpFormat) => videoCodecOf(format.encoding);
    const wanted = (format: SdpFormat) => codecs.some((codec) => codec === codecOf(format));
    const format = media.formats.find(wanted) ?? media.formats.find((one) => codecOf(one) !== null) ?? media.formats[0];
    const codec = media.kind === "video" && format !== undefined ? codecOf(format) : null;
    const clockRate = format?.clockRate || (media.kind === "video" ? 90_000 : 8000);
    return {
      index,
      kind: media.kind,
      encoding: format?.encoding ?? "",
      codec,
      payloadType: format?.payloadType ?? 96,
      clockRate,
      channels: format?.channels ?? 0,
      parameters: Object.fromEntries(format?.parameters ?? []),
      control: controlUrl(media.control, base, asked),
      connection: media.connection.split("/")[0],
      port: media.port,
      sendOnly: media.direction === "sendonly" && media.kind !== "video",
      video: codec === null || format === undefined ? null : videoInfo(media, format, codec, clockRate),
      audio: format === undefined ? null : audioInfo(format, clockRate),
    };
  });
}

function videoInfo(media: SdpMedia, format: SdpFormat, codec: VideoCodec, clockRate: number): VideoTrackInfo {
  const parameterSets = codec === "h264"
    ? spropSets(format.parameters.get("sprop-parameter-sets") ?? "")
    : codec === "hevc"
    ? spropSets(["vps", "sps", "pps"].map((name) => format.parameters.get(`sprop-${name}`) ?? "").join(","))
    : new Uint8Array(0);
  const known = codec === "h264"
    ? h264Parameters(parameterSets)
    : codec === "hevc"
    ? hevcParameters(parameterSets)
    : null;
  return {
    codec,
    clockRate,
    width: known?.width ?? media.width,
    height: known?.height ?? media.height,
    frameRate: known?.frameRate || media.frameRate,
    // Not from profile-level-id: Eufy's is wrong. The parameter sets are what the decoder sees.
    codecString: known?.codecString ?? "",
    parameterSets,
  };
}

function audioInfo(format: SdpFormat, clockRate: number): AudioTrackInfo | null {
  const { encoding, channels } = format;
  const parameters = Object.fromEntries(format.parameters);
  const codec = audioCodecOf(encoding, parameters);
  if (codec === null) return null;
  const { info } = audioDepacketizer(encoding, { format: { clockRate, channels, parameters }, onFrame: () => {} });
  const { sampleRate = 0, config = new Uint8Array(0), codecString = "" } = info ?? {};
  return { codec, clockRate, sampleRate, channels: info?.channels ?? 0, config, codecString };
}

/**
 * Parameter sets from their base64, joined in Annex B form. Sets that are in Annex B form themselves (FLIR's), several
 * in one, and ones that are not base64 are met with.
 */
export function spropSets(text: string): Uint8Array<ArrayBuffer> {
  const units: Uint8Array[] = [];
  for (const word of text.replaceAll('"', "").split(",").slice(0, 64)) {
    const bytes = fromBase64(word.trim());
    if (bytes === null || bytes.length === 0) continue;
    if (startCodeBytes(bytes, 0, bytes.length) > 0) {
      splitAnnexB(bytes, (start, end) => units.push(bytes.subarray(start, end)));
    } else {
      units.push(bytes);
    }
  }
  return joinAnnexB(units);
}

function fromBase64(text: string): Uint8Array | null {
  try {
    // Cameras leave the padding out, or put too much of it.
    return Uint8Array.from(atob(text.replace(/=+$/, "")), (char) => char.charCodeAt(0));
  } catch {
    return null;
  }
}
