// Pure: no I/O.
import type { AudioTrackInfo } from "../media/mod.ts";
import { audioDepacketizer, parseAacConfig, RTP_HEADER_BYTES, writeRtpHeader } from "../rtp/mod.ts";
import type { RtspTrack } from "../rtsp/mod.ts";

const PAYLOAD_TYPE = 97;
const Format = { alaw: 7, mulaw: 8, enhanced: 9, aac: 10 } as const;
/** G.711 is never sent otherwise. */
const TELEPHONE_RATE = 8000;
/** What is in front of one frame of AAC that is all of a packet: the length of the headers, and its own. @see RFC 3640, 3.3.6 */
const AAC_HEADER_BYTES = 4;
const MAX_AAC_FRAME = 0x1fff;
/** A configuration with all that it may have in it is some dozens of bytes. */
const MAX_CONFIG = 2048;

/** What of a tag of sound is to be known. */
interface SoundTag {
  encoding: "MPEG4-GENERIC" | "PCMA" | "PCMU";
  /** Whether it is the decoder's configuration. */
  configures: boolean;
  stereo: boolean;
  start: number;
}

/** The sound of a stream of FLV, in packets as RTSP's cameras send them: AAC and G.711. Others are left out. */
export class FlvSound {
  /** How it would be described; null until that is known. */
  track: RtspTrack | null = null;
  readonly #control: string;
  #packet: Uint8Array<ArrayBuffer> = new Uint8Array(2048);
  #sequence = 0;

  constructor(control: string) {
    this.#control = control;
  }

  /** Takes the body of a tag of sound; `emit` is given a packet, borrowed until it returns, where there is one in it. */
  take(
    data: Uint8Array,
    at: { start: number; end: number; timestamp: number },
    emit: (packet: Uint8Array) => void,
  ): void {
    const tag = readSoundTag(data, at.start, at.end);
    if (tag === null || tag.start >= at.end || tag.configures && at.end - tag.start > MAX_CONFIG) return;
    if (tag.configures) {
      this.track ??= this.#describe(tag, data.slice(tag.start, at.end));
      return;
    }
    if (tag.encoding !== "MPEG4-GENERIC") this.track ??= this.#describe(tag, new Uint8Array(0));
    // What was described once is what is sent: a camera that changes it is understood when it is opened anew.
    if (this.track?.encoding !== tag.encoding) return;
    const head = tag.encoding === "MPEG4-GENERIC" ? AAC_HEADER_BYTES : 0, bytes = at.end - tag.start;
    if (head > 0 && bytes > MAX_AAC_FRAME) return;
    const begin = RTP_HEADER_BYTES + head, length = begin + bytes;
    if (length > this.#packet.length) this.#packet = new Uint8Array(length);
    const timestamp = Math.round(at.timestamp * this.track.clockRate / 1000) >>> 0;
    const sequence = this.#sequence;
    this.#sequence = sequence + 1 & 0xffff;
    writeRtpHeader(this.#packet, { payloadType: PAYLOAD_TYPE, ssrc: 2, sequence, timestamp, marker: true });
    if (head > 0) this.#packet.set([0, 16, bytes >> 5, bytes << 3 & 0xff], RTP_HEADER_BYTES);
    this.#packet.set(data.subarray(tag.start, at.end), begin);
    emit(this.#packet.subarray(0, length));
  }

  #describe({ encoding, stereo }: SoundTag, config: Uint8Array): RtspTrack | null {
    const aac = encoding === "MPEG4-GENERIC" ? parseAacConfig(config) : null;
    if (encoding === "MPEG4-GENERIC" && aac === null) return null;
    const clockRate = aac?.sampleRate ?? TELEPHONE_RATE, channels = aac?.channels ?? (stereo ? 2 : 1);
    const parameters: Record<string, string> = aac === null ? {} : {
      ...{ mode: "AAC-hbr", sizelength: "13", indexlength: "3", indexdeltalength: "3" },
      config: config.toHex(),
    };
    const { info } = audioDepacketizer(encoding, { format: { clockRate, channels, parameters }, onFrame: () => {} });
    if (info === null) return null;
    const codec = ({ "MPEG4-GENERIC": "aac", PCMA: "pcma", PCMU: "pcmu" } as const)[encoding];
    const audio: AudioTrackInfo = { codec, clockRate, ...info };
    return {
      ...{ index: 1, kind: "audio", encoding, codec: null, payloadType: PAYLOAD_TYPE, clockRate, channels, parameters },
      ...{ control: this.#control, connection: "", port: 0, sendOnly: false, video: null, audio },
    };
  }
}

/** Reads the begin of a tag of sound, in the old form or in the enhanced one; null where it is of another codec. */
function readSoundTag(data: Uint8Array, start: number, end: number): SoundTag | null {
  if (end - start < 2) return null;
  const first = data[start], stereo = (first & 1) !== 0;
  switch (first >> 4) {
    case Format.alaw:
      return { encoding: "PCMA", configures: false, stereo, start: start + 1 };
    case Format.mulaw:
      return { encoding: "PCMU", configures: false, stereo, start: start + 1 };
    case Format.aac:
      return { encoding: "MPEG4-GENERIC", configures: data[start + 1] === 0, stereo, start: start + 2 };
    case Format.enhanced: {
      const type = first & 0x0f;
      if (type > 1 || end - start < 5 || String.fromCharCode(...data.subarray(start + 1, start + 5)) !== "mp4a") {
        return null;
      }
      return { encoding: "MPEG4-GENERIC", configures: type === 0, stereo: false, start: start + 5 };
    }
    default:
      return null;
  }
}
