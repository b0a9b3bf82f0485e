import { BufferSource, EncodedPacketSink, Input, type InputVideoTrack, Logging, LogLevel, MP4, QTFF } from "mediabunny";
import { avcConfiguration, hevcConfiguration, joinAnnexB, splitLengths } from "../rtp/mod.ts";
import { hasIndex } from "./mp4_head.ts";
import type { VideoFile } from "./video_file.ts";

/** Pictures a second that a file may say it has; what is beyond is damage in its tables of times. */
const SLOWEST = 0.001, FASTEST = 10_000;

/**
 * The access units of the first video track of an MP4 or QuickTime file, in Annex B form, with their parameter sets in
 * front of each keyframe.
 *
 * @throws {TypeError} where there is no video track, none of a codec that is known here, or the file is damaged.
 */
export async function readMp4(data: Uint8Array<ArrayBuffer>, name: string): Promise<VideoFile> {
  // What it has to say of a file is said in an error; a library prints nothing.
  Logging.level = LogLevel.Silent;
  if (!hasIndex(data)) damaged(name);
  using input = new Input({ source: new BufferSource(data), formats: [MP4, QTFF] });
  const track = await input.getPrimaryVideoTrack().catch((cause) => damaged(name, cause));
  if (!track) throw new TypeError(`Cannot play ${name}: it has no video track`);
  const codec = track.codec === "avc" ? "h264" : track.codec === "hevc" ? "hevc" : null;
  if (!codec) throw new TypeError(`Cannot play ${name}: its video is ${track.codec ?? "of an unknown codec"}`);
  const file = await readTrack(track, codec).catch((cause) => damaged(name, cause));
  if (file.units.length === 0) throw new TypeError(`Cannot play ${name}: it has no picture`);
  return file;
}

/** The parser's own errors speak of slices and offsets, which is nothing that a user can do something about. */
function damaged(name: string, cause?: unknown): never {
  throw new TypeError(`Cannot play ${name}: it is damaged, or was not written to its end`, { cause });
}

async function readTrack(track: InputVideoTrack, codec: VideoFile["codec"]): Promise<VideoFile> {
  const description = (await track.getDecoderConfig())?.description;
  const { lengthBytes, sets } = codec === "h264"
    ? avcConfiguration(bytesOf(description))
    : hevcConfiguration(bytesOf(description));
  const parameterSets = joinAnnexB(sets);
  const sink = new EncodedPacketSink(track);
  const units: VideoFile["units"] = [];
  let end = 0;
  for await (const packet of sink.packets()) {
    const pictures = joinAnnexB(splitLengths(packet.data, lengthBytes));
    const keyframe = packet.type === "key";
    const bytes = keyframe ? concat(parameterSets, pictures) : pictures;
    const pts = Math.round(packet.timestamp * 1e6);
    units.push({ data: bytes, pts, dts: pts, keyframe });
    end = Math.max(end, packet.timestamp + packet.duration);
  }
  // Decoding order is the order in the file: decoding times are the presentation times, sorted.
  const times = units.map((unit) => unit.pts).sort((a, b) => a - b);
  const delay = units.reduce((most, unit, i) => Math.max(most, times[i] - unit.pts), 0);
  units.forEach((unit, i) => unit.dts = times[i] - delay);
  const seconds = end - times[0] / 1e6;
  const frameRate = units.length > 1 && seconds > 0 ? Math.round(units.length / seconds * 1000) / 1000 : 25;
  if (!(frameRate >= SLOWEST && frameRate <= FASTEST)) throw new RangeError(`${frameRate} pictures a second`);
  return { codec, width: track.displayWidth, height: track.displayHeight, frameRate, parameterSets, units };
}

function bytesOf(source: AllowSharedBufferSource | undefined): Uint8Array {
  if (!source) return new Uint8Array(0);
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
