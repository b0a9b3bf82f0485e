// Pure: no I/O.
import type { VideoFile } from "../file/mod.ts";
import { hevcNalType, nalType, splitAnnexB } from "../rtp/mod.ts";

/** The payload type that a codec's packets have. */
export const PAYLOAD_TYPES = { h264: 96, hevc: 96, mjpeg: 26 } as const;

/** The description of a virtual camera. @see RFC 4566; RFC 6184, 8.2.1; RFC 7798, 7.2.1; RFC 2435 */
export function describe(file: VideoFile, name: string, host: string): string {
  const [family, any] = host.includes(":") ? ["IP6", "::"] : ["IP4", "0.0.0.0"];
  return [
    "v=0",
    `o=- 1 1 IN ${family} ${host}`,
    // A name is a file's, which may hold any character; a line ends at its end.
    `s=${name.replace(/[\0\r\n]/g, " ") || " "}`,
    `c=IN ${family} ${any}`,
    "t=0 0",
    "a=control:*",
    "a=range:npt=now-",
    `m=video 0 RTP/AVP ${PAYLOAD_TYPES[file.codec]}`,
    ...FORMATS[file.codec](file),
    `a=framerate:${file.frameRate}`,
    "a=control:track1",
    "",
  ].join("\r\n");
}

const FORMATS: Record<VideoFile["codec"], (file: VideoFile) => string[]> = {
  h264: ({ parameterSets }) => {
    const sets = setsOf(parameterSets);
    const profile = sets.find((set) => nalType(set[0]) === 7)?.slice(1, 4).toHex() ?? "";
    const base64 = sets.map((set) => set.toBase64()).join(",");
    return [
      "a=rtpmap:96 H264/90000",
      `a=fmtp:96 packetization-mode=1;profile-level-id=${profile};sprop-parameter-sets=${base64}`,
    ];
  },
  hevc: ({ parameterSets }) => {
    const sets = setsOf(parameterSets);
    const parameters = ["vps", "sps", "pps"].map((kind, i) => {
      const base64 = sets.filter((set) => hevcNalType(set[0]) === 32 + i).map((set) => set.toBase64());
      return `sprop-${kind}=${base64.join(",")}`;
    });
    return ["a=rtpmap:96 H265/90000", `a=fmtp:96 ${parameters.join(";")}`];
  },
  mjpeg: ({ width, height }) => ["a=rtpmap:26 JPEG/90000", `a=x-dimensions:${width},${height}`],
};

function setsOf(annexB: Uint8Array): Uint8Array[] {
  const sets: Uint8Array[] = [];
  splitAnnexB(annexB, (start, end) => sets.push(annexB.subarray(start, end)));
  return sets;
}
