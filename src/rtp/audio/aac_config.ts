// Pure: no I/O.
import { Bits } from "./bits.ts";

/** What an AudioSpecificConfig says. */
export interface AacConfig {
  /** The object type of what is coded: 2 is AAC-LC. */
  objectType: number;
  /** Samples a second that come out of a decoder that knows all extensions, in Hz. */
  sampleRate: number;
  /** Samples a second of what is coded: half of the above with spectral band replication. */
  coreRate: number;
  /** 0 where it is said further on, in a way that is not read. */
  channels: number;
  /** Samples of what is coded in one frame. */
  frameSamples: number;
  /** RFC 6381, such as `mp4a.40.2`. */
  codecString: string;
}

const RATES = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];
const CHANNELS = [0, 1, 2, 3, 4, 5, 6, 8];
const SBR = 5;
const PARAMETRIC_STEREO = 29;
const LOW_DELAY = 23;
/** What begins an extension behind the rest. Behind a configuration in LATM no other three bits can be `010`. */
const SYNC_EXTENSION = 0x2b7;
const SYNC_STEREO = 0x548;
const ENHANCED_LOW_DELAY = 39;
/** Object types that carry a GASpecificConfig. @see ISO/IEC 14496-3, table 1.15 */
const GENERAL_AUDIO = new Set([1, 2, 3, 4, 6, 7, 17, 19, 20, 21, 22, LOW_DELAY]);

/**
 * Reads an AudioSpecificConfig from where `bits` stands to its end; null where it is damaged, or none of AAC's.
 *
 * @param bits Stands behind it afterwards, unless it has a program configuration in it, which is not read.
 * @see ISO/IEC 14496-3, 1.6.2.1 and 4.4.1
 */
export function readAacConfig(bits: Bits): AacConfig | null {
  const named = readObjectType(bits);
  let objectType = named;
  const coreRate = readRate(bits);
  const channelCode = bits.read(4);
  let sampleRate = coreRate;
  if (objectType === SBR || objectType === PARAMETRIC_STEREO) {
    sampleRate = readRate(bits);
    objectType = readObjectType(bits);
  }
  let frameSamples = 1024;
  if (GENERAL_AUDIO.has(objectType)) {
    const short = bits.flag();
    frameSamples = objectType === LOW_DELAY ? short ? 480 : 512 : short ? 960 : 1024;
    if (bits.flag()) bits.skip(14); // delay of the core coder
    const extended = bits.flag();
    if (channelCode === 0) return finish(0);
    if (objectType === 6 || objectType === 20) bits.skip(3);
    if (extended) {
      if (objectType === 22) bits.skip(16);
      if (objectType === 17 || objectType === 19 || objectType === 20 || objectType === LOW_DELAY) bits.skip(3);
      bits.skip(1);
    }
    if (objectType >= 17) bits.skip(2); // error protection; anything but 0 is no camera's
  } else if (objectType === ENHANCED_LOW_DELAY) {
    frameSamples = bits.flag() ? 480 : 512;
    bits.skip(3);
    if (bits.flag()) return null; // its own spectral band replication
    if (bits.read(4) !== 0) return null; // extensions
    bits.skip(2);
  } else return null;
  let extended = named;
  if (named !== SBR && named !== PARAMETRIC_STEREO && bits.left >= 16 && bits.peek(11) === SYNC_EXTENSION) {
    bits.skip(11);
    if (readObjectType(bits) === SBR && bits.flag()) {
      sampleRate = readRate(bits);
      extended = SBR;
      if (bits.left >= 12 && bits.peek(11) === SYNC_STEREO) {
        bits.skip(11);
        if (bits.flag()) extended = PARAMETRIC_STEREO;
      }
    }
  }
  return channelCode >= CHANNELS.length ? null : finish(channelCode === 0 ? 0 : CHANNELS[channelCode], extended);

  function finish(channels: number, shown = named): AacConfig | null {
    if (bits.exhausted || coreRate === 0 || sampleRate === 0) return null;
    return {
      ...{ objectType, sampleRate, coreRate, frameSamples, codecString: `mp4a.40.${shown}` },
      // Parametric stereo makes two channels of one.
      channels: shown === PARAMETRIC_STEREO && channels === 1 ? 2 : channels,
    };
  }
}

/** As `readAacConfig`, for the bytes of one. */
export function parseAacConfig(bytes: Uint8Array): AacConfig | null {
  return readAacConfig(new Bits(bytes));
}

/** The configuration of AAC-LC, for cameras that do not give one. */
export function makeAacConfig(sampleRate: number, channels: number): Uint8Array<ArrayBuffer> {
  const index = RATES.indexOf(sampleRate);
  const channelCode = Math.max(1, CHANNELS.indexOf(channels));
  let text = "00010";
  text += index >= 0
    ? index.toString(2).padStart(4, "0")
    : "1111" + sampleRate.toString(2).padStart(24, "0").slice(-24);
  text += channelCode.toString(2).padStart(4, "0") + "000";
  const bytes = text.padEnd(Math.ceil(text.length / 8) * 8, "0").match(/.{8}/g)!;
  return new Uint8Array(bytes.map((byte) => parseInt(byte, 2)));
}

function readObjectType(bits: Bits): number {
  const type = bits.read(5);
  return type === 31 ? 32 + bits.read(6) : type;
}

function readRate(bits: Bits): number {
  const index = bits.read(4);
  return index === 15 ? bits.read(24) : RATES[index] ?? 0;
}
