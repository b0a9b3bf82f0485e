import { type AudioReceiverOptions, videoPacketizer, writeRtpHeader } from "../../src/rtp/mod.ts";
import * as h264 from "../../src/rtp/h264/testing.ts";
import * as hevc from "../../src/rtp/h265/testing.ts";
import { tagBytes, tagsOf } from "../support/flv_server.ts";
import { jpegFile } from "../../src/rtp/mjpeg/testing.ts";

export const CODECS = ["h264", "hevc", "mjpeg"] as const;

const fill = (bytes: number) => Array.from({ length: bytes }, (_, i) => i * 37 % 251 + 4);

/** Pictures of each codec, as they are sent. */
const PICTURES: Record<typeof CODECS[number], Uint8Array[]> = {
  h264: [
    h264.unit(h264.AUD, h264.SPS, h264.PPS, h264.RECOVERY, [...h264.IDR, ...fill(3000)]),
    h264.unit(h264.SPS_720, h264.PPS, [...h264.IDR, ...fill(40)]),
    h264.unit([...h264.P, ...fill(900)]),
  ],
  hevc: [
    hevc.unit(hevc.AUD, hevc.VPS, hevc.SPS, hevc.PPS, hevc.SEI, [...hevc.CRA, ...fill(3000)]),
    hevc.unit(hevc.VPS, hevc.SPS_1080, hevc.PPS, [...hevc.IDR, ...fill(40)]),
    hevc.unit([...hevc.TRAIL, ...fill(900)], [...hevc.REST, ...fill(50)]),
    hevc.unit([...hevc.RASL, ...fill(40)]),
  ],
  mjpeg: [jpegFile(fill(3000)), jpegFile(fill(200), { type: 65, restartInterval: 4 })],
};

function packet(payload: Uint8Array | number[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + payload.length);
  writeRtpHeader(bytes, { payloadType: 96, sequence: 1, timestamp: 3600, ssrc: 0x5eed, marker: true });
  bytes.set(payload, 12);
  return bytes;
}

const METADATA =
  '<?xml version="1.0"?><tt:MetadataStream><tt:Frame UtcTime="2026-01-01T00:00:00Z"/></tt:MetadataStream>';

/** Packets that a stream is made of. */
export function packetsOf(what: typeof CODECS[number] | "metadata"): Uint8Array<ArrayBuffer>[] {
  if (what === "metadata") {
    const text = new TextEncoder().encode(METADATA);
    return [packet(text), packet(text.subarray(0, 40)), packet(text.subarray(40))];
  }
  const packets: Uint8Array<ArrayBuffer>[] = [];
  const packetizer = videoPacketizer(what, { payloadType: 96, ssrc: 0x5eed, sequence: 0, mtu: 600 });
  PICTURES[what].forEach((picture, i) =>
    packetizer.packetize(picture, i * 3600, (bytes) => {
      packets.push(bytes.slice());
    })
  );
  return packets;
}

interface SoundFormat extends Pick<AudioReceiverOptions, "codec" | "encoding" | "channels" | "parameters"> {
  name: string;
  seeds: readonly Uint8Array[];
}

/** Formats of sound: what the description says, and packets. */
export const AUDIO: readonly SoundFormat[] = [
  {
    ...{ name: "aac", codec: "aac", encoding: "MPEG4-GENERIC", channels: 1 },
    parameters: { mode: "AAC-hbr", sizelength: "13", indexlength: "3", indexdeltalength: "3", config: "1408" },
    seeds: [
      packet([0, 16, 0, 80, ...fill(10)]),
      packet([0, 32, 0, 64, 0, 40, ...fill(13)]),
      packet([0, 16, 0x3e, 0x80, ...fill(500)]),
    ],
  },
  {
    ...{ name: "latm", codec: "aac", encoding: "MP4A-LATM", channels: 1 },
    parameters: { cpresent: "0", config: "400024203fc0" },
    seeds: [packet([10, ...fill(10)]), packet([255, 45, ...fill(300)]), packet([3, ...fill(3), 4, ...fill(4)])],
  },
  {
    ...{ name: "latm-in-band", codec: "aac", encoding: "MP4A-LATM", channels: 1 },
    parameters: { cpresent: "1" },
    // An element with its configuration, and one that refers to it.
    seeds: ["200014081fe0a0214a739cc5ef10618ab3dd062f50a1caf41d4668", "8a0214a739cc5ef10618ab3dd062f50a1caf41d46680"]
      .map((hex) => packet(Uint8Array.fromHex(hex))),
  },
  {
    ...{ name: "opus", codec: "opus", encoding: "OPUS", channels: 2 },
    parameters: { "sprop-stereo": "1" },
    seeds: [packet([0xfc, ...fill(90)]), packet([0xfb, 6, ...fill(60)])],
  },
  {
    ...{ name: "l16", codec: "l16", encoding: "L16", channels: 2 },
    parameters: {},
    seeds: [packet(fill(640)), packet(fill(7))],
  },
];

/** Tags of FLV, of both codecs and in both forms. */
export function tags(): Uint8Array<ArrayBuffer>[] {
  const shape = { width: 320, height: 180, frameRate: 25 };
  const sets = {
    h264: h264.unit(h264.SPS, h264.PPS),
    hevc: hevc.unit(hevc.VPS, hevc.SPS, hevc.PPS),
  };
  return (["h264", "hevc"] as const).flatMap((codec) => {
    const units = PICTURES[codec].map((data, i) => ({ data, pts: i * 40_000, dts: i * 40_000, keyframe: i < 2 }));
    const file = { ...shape, codec, units, parameterSets: sets[codec] };
    return (["legacy", "enhanced"] as const).flatMap((form) => tagsOf(file, form).map(tagBytes));
  });
}

/** What devices of `tests/testdata` say: whole messages, and the descriptions in them. */
export async function dialogues(): Promise<{ messages: string[]; descriptions: string[] }> {
  const folder = new URL("../testdata/", import.meta.url);
  const messages: string[] = [];
  for (const { name } of [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    if (!name.endsWith(".txt")) continue;
    const text = (await Deno.readTextFile(new URL(name, folder))).replaceAll("\r\n", "\n");
    for (const part of text.replace(/^[#!] .*\n/gm, "").split(/^> .*\n/m)) {
      if (part.trim() === "") continue;
      const [head, ...rest] = part.trim().split("\n\n");
      const body = rest.join("\n\n").replaceAll("\n", "\r\n") + (rest.length > 0 ? "\r\n" : "");
      // An answer to one of the first requests, or to none.
      const number = 1 + messages.length % 5;
      const filled = head.replace(/^(cseq: *)\S+$/im, `$1${number}`).replace(
        /^(content-length: *)\S+$/im,
        `$1${body.length}`,
      );
      messages.push(filled.replaceAll("\n", "\r\n") + "\r\n\r\n" + body);
    }
  }
  const descriptions = messages.map((message) => message.slice(message.indexOf("\r\n\r\n") + 4)).filter((text) =>
    text.startsWith("v=")
  );
  return { messages, descriptions };
}
