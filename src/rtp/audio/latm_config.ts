// Pure: no I/O.
import { type AacConfig, readAacConfig } from "./aac_config.ts";
import { Bits } from "./bits.ts";

/** What a StreamMuxConfig says of the one stream that is taken. */
export interface LatmConfig {
  /** Frames in one element. */
  frames: number;
  /** Bytes of each frame where they are all alike; 0 where each says its length. */
  frameBytes: number;
  /** Bits behind the frames that are none. */
  otherBits: number;
  aac: AacConfig;
  /** The AudioSpecificConfig as bytes of its own. */
  config: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a StreamMuxConfig; null where it is damaged, `"unsupported"` where it is of several programs or layers, or of
 * something else than AAC.
 *
 * @see ISO/IEC 14496-3, 1.7.3.2
 */
export function readStreamMuxConfig(bits: Bits): LatmConfig | "unsupported" | null {
  const version = bits.read(1);
  if (version === 1) {
    if (bits.flag()) return "unsupported";
    readValue(bits);
  }
  const sameFraming = bits.flag();
  const frames = bits.read(6) + 1;
  if (!sameFraming || bits.read(4) !== 0 || bits.read(3) !== 0) return bits.exhausted ? null : "unsupported";
  let length = version === 1 ? readValue(bits) : 0;
  const begin = bits.at;
  const aac = readAacConfig(bits);
  if (aac === null) return bits.exhausted ? null : "unsupported";
  // Without a length in front it must be known where it ends, and with a program configuration in it that is not.
  if (version === 0 && aac.channels === 0) return "unsupported";
  if (version === 0) length = bits.at - begin;
  if (length < bits.at - begin || length > 2048) return null;
  bits.at = begin;
  const config = takeBits(bits, length);
  const lengthType = bits.read(3);
  if (lengthType > 1) return "unsupported";
  const frameBytes = lengthType === 0 ? (bits.skip(8), 0) : bits.read(9) + 20;
  let otherBits = 0;
  if (bits.flag()) {
    if (version === 1) otherBits = readValue(bits);
    else {
      let more = true;
      while (more && !bits.exhausted && otherBits < 65_536) {
        more = bits.flag();
        otherBits = otherBits * 256 + bits.read(8);
      }
    }
  }
  if (bits.flag()) bits.skip(8);
  return bits.exhausted ? null : { frames, frameBytes, otherBits, aac, config };
}

/** A number of up to four bytes, with their count in front. @see ISO/IEC 14496-3, 1.7.3.1, LatmGetValue() */
function readValue(bits: Bits): number {
  let value = 0;
  for (let left = bits.read(2) + 1; left > 0; left--) value = value * 256 + bits.read(8);
  return value;
}

/** So many bits as bytes, the last one filled with zeros. */
function takeBits(bits: Bits, count: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.ceil(count / 8));
  for (let i = 0; i < bytes.length; i++) {
    const part = Math.min(8, count - i * 8);
    bytes[i] = bits.read(part) << 8 - part;
  }
  return bytes;
}

/** Bytes that what follows an AudioSpecificConfig takes at least. */
const TAIL_BYTES = 2;

/**
 * As `readStreamMuxConfig`, for what a description gives. GStreamer leaves out what follows the AudioSpecificConfig, which
 * then is zeros: frames that each say their length, and nothing else.
 */
export function parseStreamMuxConfig(bytes: Uint8Array): LatmConfig | "unsupported" | null {
  const padded = new Uint8Array(bytes.length + TAIL_BYTES);
  padded.set(bytes);
  return readStreamMuxConfig(new Bits(padded));
}
