// Pure: no I/O.

/** Bytes of an RTP header without contributing sources and extension. */
export const RTP_HEADER_BYTES = 12;

/** Why bytes are no RTP packet. */
export type RtpFault =
  | "short" // fewer bytes than the header says
  | "version" // not version 2
  | "padding"; // the padding's own count does not fit

/**
 * A view of one RTP packet, made to be used again: `parse()` reads the header in place, copies nothing and allocates
 * nothing. All offsets are into `data`, which stays the caller's.
 *
 * @see RFC 3550, 5.1 and 5.3.1
 */
export class RtpPacketView {
  data: Uint8Array = EMPTY;
  /** Where the packet begins in `data`. */
  start = 0;
  /** Where it ends, padding included. */
  end = 0;
  marker = false;
  payloadType = 0;
  /** 16 bits. */
  sequence = 0;
  /** 32 bits, unsigned. */
  timestamp = 0;
  /** 32 bits, unsigned. */
  ssrc = 0;
  csrcCount = 0;
  /** The extension's "defined by profile" field, -1 where there is no extension. */
  extensionProfile = -1;
  extensionStart = 0;
  extensionEnd = 0;
  paddingBytes = 0;
  payloadStart = 0;
  payloadEnd = 0;

  /** Reads `data[start..end)`. Where it is no packet, says why, and the view is not to be used. */
  parse(data: Uint8Array, start = 0, end = data.length): RtpFault | null {
    if (end - start < RTP_HEADER_BYTES) return "short";
    const first = data[start];
    if (first >> 6 !== 2) return "version";
    const second = data[start + 1];
    this.data = data;
    this.start = start;
    this.end = end;
    this.marker = (second & 0x80) !== 0;
    this.payloadType = second & 0x7f;
    this.sequence = data[start + 2] << 8 | data[start + 3];
    this.timestamp = readUint32(data, start + 4);
    this.ssrc = readUint32(data, start + 8);
    this.csrcCount = first & 0x0f;
    let at = start + RTP_HEADER_BYTES + this.csrcCount * 4;
    if (at > end) return "short";
    this.extensionProfile = -1;
    this.extensionStart = this.extensionEnd = at;
    if ((first & 0x10) !== 0) {
      if (at + 4 > end) return "short";
      this.extensionProfile = data[at] << 8 | data[at + 1];
      this.extensionStart = at + 4;
      this.extensionEnd = at + 4 + (data[at + 2] << 8 | data[at + 3]) * 4;
      at = this.extensionEnd;
      if (at > end) return "short";
    }
    this.paddingBytes = 0;
    if ((first & 0x20) !== 0) {
      const padding = end > at ? data[end - 1] : 0;
      if (padding === 0 || at + padding > end) return "padding";
      this.paddingBytes = padding;
    }
    this.payloadStart = at;
    this.payloadEnd = end - this.paddingBytes;
    return null;
  }

  /** The payload, borrowed from `data`. Allocates a view: the code that runs per packet uses the offsets. */
  get payload(): Uint8Array {
    return this.data.subarray(this.payloadStart, this.payloadEnd);
  }
}

const EMPTY = new Uint8Array(0);

/** The fields of a header that this library writes: no padding, no contributing sources, no extension. */
export interface RtpHeader {
  payloadType: number;
  sequence: number;
  timestamp: number;
  ssrc: number;
  marker: boolean;
}

/**
 * Writes a header of 12 bytes and says how many those are.
 *
 * @throws {RangeError} where `into` has no room at `offset`.
 */
export function writeRtpHeader(into: Uint8Array, header: RtpHeader, offset = 0): number {
  if (into.length - offset < RTP_HEADER_BYTES) {
    throw new RangeError(`Cannot write an RTP header: it has 12 bytes, the target has ${into.length - offset}`);
  }
  into[offset] = 0x80;
  into[offset + 1] = (header.marker ? 0x80 : 0) | header.payloadType & 0x7f;
  into[offset + 2] = header.sequence >>> 8;
  into[offset + 3] = header.sequence;
  writeUint32(into, offset + 4, header.timestamp);
  writeUint32(into, offset + 8, header.ssrc);
  return RTP_HEADER_BYTES;
}

/** Reads 32 bits, unsigned, in network order. The caller has checked the bounds. */
export function readUint32(data: Uint8Array, at: number): number {
  return (data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]) >>> 0;
}

/** Writes the low 32 bits of an integer in network order. */
export function writeUint32(into: Uint8Array, at: number, value: number): void {
  into[at] = value >>> 24;
  into[at + 1] = value >>> 16;
  into[at + 2] = value >>> 8;
  into[at + 3] = value;
}
