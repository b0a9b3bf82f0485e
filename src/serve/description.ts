// Pure: no I/O.
import type { AudioTrackInfo, VideoCodec } from "../media/mod.ts";
import { hevcNalType, Nal, nalType } from "../rtp/mod.ts";
import { CLOCK_RATE, PAYLOAD_TYPE } from "./payload_type.ts";
import { splitSets } from "./parameter_sets.ts";
import { describeSound } from "./send_format.ts";

/** What a server says of a stream. */
export interface StreamDescription {
  /** What a player may show as its title. */
  name: string;
  codec: VideoCodec;
  /** In Annex B form; empty where there are none. */
  parameterSets: Uint8Array;
  /** Frames a second; 0 where it is not known. */
  frameRate: number;
  /** In pixels; 0 where it is not known. */
  width: number;
  height: number;
  /** What is sent beside the pictures; none where it is left out. */
  sound?: AudioTrackInfo | null;
}

/** A stream's description. @see RFC 4566; RFC 6184, 8.2.1; RFC 7798, 7.2.1; RFC 2435, RFC 6064 (framesize) */
export function describe(stream: StreamDescription, host: string): string {
  const { codec, frameRate, width, height } = stream;
  const [family, any] = host.includes(":") ? ["IP6", "::"] : ["IP4", "0.0.0.0"];
  const type = PAYLOAD_TYPE[codec];
  const format = formatOf(stream);
  return [
    "v=0",
    `o=- 1 1 IN ${family} ${host}`,
    // A name is a file's, which may hold any character; a line ends at its end.
    `s=${stream.name.replace(/[\0\r\n]/g, " ") || " "}`,
    `c=IN ${family} ${any}`,
    "t=0 0",
    "a=control:*",
    "a=range:npt=now-",
    `m=video 0 RTP/AVP ${type}`,
    `a=rtpmap:${type} ${{ h264: "H264", hevc: "H265", mjpeg: "JPEG" }[codec]}/${CLOCK_RATE}`,
    ...(format === "" ? [] : [`a=fmtp:${type} ${format}`]),
    ...(frameRate > 0 ? [`a=framerate:${frameRate}`] : []),
    // A JPEG packet has no way to say a side above 2040.
    ...(codec === "mjpeg" && width > 0 && height > 0
      ? [`a=framesize:${type} ${width}-${height}`, `a=x-dimensions:${width},${height}`]
      : []),
    "a=control:track1",
    ...(stream.sound ? describeSound(stream.sound) : []),
    "",
  ].join("\r\n");
}

function formatOf({ codec, parameterSets }: StreamDescription): string {
  const sets = splitSets(parameterSets);
  if (codec === "h264") {
    const profile = sets.find(([first]) => nalType(first) === Nal.sps)?.slice(1, 4).toHex();
    return [
      "packetization-mode=1",
      ...(profile === undefined ? [] : [`profile-level-id=${profile}`]),
      ...(sets.length === 0 ? [] : [`sprop-parameter-sets=${sets.map((set) => set.toBase64()).join(",")}`]),
    ].join(";");
  }
  if (codec === "hevc") {
    return ["vps", "sps", "pps"].flatMap((name, i) => {
      const of = sets.filter(([first]) => hevcNalType(first) === 32 + i).map((set) => set.toBase64());
      return of.length === 0 ? [] : [`sprop-${name}=${of.join(",")}`];
    }).join(";");
  }
  return "";
}
