// Pure: no I/O.
import { RTP_HEADER_BYTES } from "../packet.ts";
import { Packetizer, type PacketizerOptions, type PacketTaker } from "../packetizer.ts";
import { readSegments } from "./file_head.ts";
import { HUFFMAN_SEGMENTS } from "./tables.ts";

/** What a packetizer of MJPEG is made of. */
export type MjpegPacketizerOptions = PacketizerOptions;

const LARGEST_SIDE = 2040;

/**
 * Cuts JPEG files into RTP packets, their quantisation tables with each first one.
 *
 * @see RFC 2435, 3
 */
export class MjpegPacketizer extends Packetizer {
  /** @throws {RangeError} where the MTU leaves no room for a payload. */
  constructor(options: MjpegPacketizerOptions) {
    super(options);
    if (this.sender.room < 512) {
      throw new RangeError(`Cannot make a packetizer: mtu is ${options.mtu}, expected 524 or more for MJPEG`);
    }
  }

  /**
   * Emits the packets of one JPEG file; the last one has the marker. Each packet is borrowed until `emit` returns. Says
   * how many there were.
   *
   * @throws {TypeError} where the payload format has no way to say what the file is.
   */
  override packetize(file: Uint8Array, rtpTimestamp: number, emit: PacketTaker): number {
    const { width, height, sampling, restartInterval, tables, scan } = readSegments(file, 0, file.length);
    const type = sampling === 0x21 ? 0 : sampling === 0x22 ? 1 : -1;
    if (scan < 0 || type < 0) throw new TypeError("Cannot send a JPEG file: it is no baseline file of 4:2:0 or 4:2:2");
    const quantisation = readTables(file, tables);
    const { packet, room } = this.sender;
    const before = this.packets;
    const end = scanEnd(file);
    for (let at = scan; at < end;) {
      const offset = at - scan;
      const head = RTP_HEADER_BYTES;
      packet.set([0, offset >> 16, offset >> 8, offset, type | (restartInterval > 0 ? 64 : 0), 255], head);
      packet[head + 6] = width > LARGEST_SIDE ? 0 : Math.ceil(width / 8);
      packet[head + 7] = height > LARGEST_SIDE ? 0 : Math.ceil(height / 8);
      let bytes = 8;
      if (restartInterval > 0) {
        packet.set([restartInterval >> 8, restartInterval, 0xff, 0xff], head + bytes);
        bytes += 4;
      }
      if (offset === 0) {
        packet.set([0, 0, quantisation.length >> 8, quantisation.length], head + bytes);
        packet.set(quantisation, head + bytes + 4);
        bytes += 4 + quantisation.length;
      }
      const stop = Math.min(at + room - bytes, end);
      packet.set(file.subarray(at, stop), head + bytes);
      this.sender.send(bytes + stop - at, rtpTimestamp, stop === end, emit);
      at = stop;
    }
    return this.packets - before;
  }
}

/** The scan goes without the marker that ends the file. */
function scanEnd(file: Uint8Array): number {
  const { length } = file;
  return length > 2 && file[length - 2] === 0xff && file[length - 1] === 0xd9 ? length - 2 : length;
}

/** The tables for luma and chroma; chroma's may be luma's. */
function readTables(file: Uint8Array, bounds: number[]): Uint8Array {
  const found: (Uint8Array | undefined)[] = [];
  for (let i = 0; i < bounds.length; i += 2) {
    const stop = bounds[i + 1];
    if (file[bounds[i] + 1] === 0xc4) {
      if (!isStandard(file.subarray(bounds[i] + 4, stop))) {
        throw new TypeError("Cannot send a JPEG file: its Huffman tables are its own");
      }
      continue;
    }
    for (let at = bounds[i] + 4; at + 65 <= stop; at += 65) {
      if (file[at] > 1) throw new TypeError("Cannot send a JPEG file: its quantisation tables are none of two");
      found[file[at]] = file.subarray(at + 1, at + 65);
    }
  }
  const [luma, chroma = luma] = found;
  if (luma === undefined || chroma === undefined) throw new TypeError("Cannot send a JPEG file: it has no tables");
  const both = new Uint8Array(128);
  both.set(luma);
  both.set(chroma, 64);
  return both;
}

/** Whether every Huffman table of a segment is one of those that every stream uses. */
function isStandard(tables: Uint8Array): boolean {
  for (let at = 0; at + 17 <= tables.length;) {
    const bytes = 17 + tables.subarray(at + 1, at + 17).reduce((sum, count) => sum + count, 0);
    const table = tables.subarray(at, at + bytes);
    let standard = false;
    for (let from = 0; from + 4 < HUFFMAN_SEGMENTS.length;) {
      const stop = from + 2 + (HUFFMAN_SEGMENTS[from + 2] << 8 | HUFFMAN_SEGMENTS[from + 3]);
      const one = HUFFMAN_SEGMENTS.subarray(from + 4, stop);
      if (one.length === table.length && one.every((byte, i) => byte === table[i])) standard = true;
      from = stop;
    }
    if (!standard) return false;
    at += bytes;
  }
  return true;
}
