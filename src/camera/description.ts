// Pure: no I/O.
import type { VideoFile } from "../file/mod.ts";
import { nalType, splitAnnexB } from "../rtp/mod.ts";

/** The description of a virtual camera. @see RFC 4566; RFC 6184, 8.2.1 */
export function describe(file: VideoFile, name: string, host: string): string {
  const sets: string[] = [];
  let profile = "";
  const { parameterSets } = file;
  splitAnnexB(parameterSets, (start, end) => {
    const unit = parameterSets.subarray(start, end);
    sets.push(unit.toBase64());
    if (nalType(unit[0]) === 7) profile ||= unit.slice(1, 4).toHex();
  });
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
    "m=video 0 RTP/AVP 96",
    "a=rtpmap:96 H264/90000",
    `a=fmtp:96 packetization-mode=1;profile-level-id=${profile};sprop-parameter-sets=${sets.join(",")}`,
    `a=framerate:${file.frameRate}`,
    "a=control:track1",
    "",
  ].join("\r\n");
}
