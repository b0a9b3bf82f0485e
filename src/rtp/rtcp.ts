// Pure: no I/O.
import { readUint32, writeUint32 } from "./packet.ts";

/** What one receiver says of one source. @see RFC 3550, 6.4.1 */
export interface ReportBlock {
  ssrc: number;
  /** Share of packets lost since the report before, in 256ths. */
  fractionLost: number;
  /** Packets lost in all, -8388608 to 8388607; below zero where duplicates outweigh. */
  cumulativeLost: number;
  /** Highest sequence number received, with the count of wraps above its 16 bits. */
  highestSequence: number;
  /** In units of the RTP timestamp. */
  jitter: number;
  /** The middle 32 bits of the last sender report's NTP time, 0 where there was none. */
  lastReport: number;
  /** Time since then in 65536ths of a second. */
  delaySinceLastReport: number;
}

/** A packet of a compound RTCP packet that this library uses. */
export type RtcpPacket =
  | {
    type: "sender-report";
    ssrc: number;
    /** NTP time: seconds since 1900, and 2^-32 parts of one. */
    ntpSeconds: number;
    ntpFraction: number;
    rtpTimestamp: number;
    packets: number;
    octets: number;
    blocks: ReportBlock[];
  }
  | { type: "receiver-report"; ssrc: number; blocks: ReportBlock[] }
  | { type: "description"; sources: { ssrc: number; cname: string }[] }
  | { type: "bye"; sources: number[]; reason: string };

const SR = 200, RR = 201, SDES = 202, BYE = 203;
const BLOCK_BYTES = 24;
/** Seconds from 1900 to 1970. */
const NTP_UNIX = 2_208_988_800;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Reads a compound packet, `data[start..end)`. What is damaged is left out and counted; types that are not used (APP,
 * feedback, extended reports) are left out without. Cameras send lone sender reports, padding in odd places and
 * descriptions without an end: none of that loses the reports beside it.
 */
export function parseRtcp(
  data: Uint8Array,
  start = 0,
  end = data.length,
): { packets: RtcpPacket[]; malformed: number } {
  const packets: RtcpPacket[] = [];
  let malformed = 0;
  let at = start;
  while (at < end) {
    if (end - at < 4 || data[at] >> 6 !== 2) {
      malformed++;
      break;
    }
    const count = data[at] & 0x1f;
    const stop = at + 4 + (data[at + 2] << 8 | data[at + 3]) * 4;
    if (stop > end) malformed++;
    const packet = parseOne(data, at + 4, Math.min(stop, end), data[at + 1], count);
    if (packet === "malformed") malformed++;
    else if (packet !== null) packets.push(packet);
    at = stop;
  }
  return { packets, malformed };
}

function parseOne(
  data: Uint8Array,
  at: number,
  end: number,
  type: number,
  count: number,
): RtcpPacket | null | "malformed" {
  if (type === SR) {
    if (end - at < 24) return "malformed";
    return {
      type: "sender-report",
      ssrc: readUint32(data, at),
      ntpSeconds: readUint32(data, at + 4),
      ntpFraction: readUint32(data, at + 8),
      rtpTimestamp: readUint32(data, at + 12),
      packets: readUint32(data, at + 16),
      octets: readUint32(data, at + 20),
      blocks: parseBlocks(data, at + 24, end, count),
    };
  }
  if (type === RR) {
    if (end - at < 4) return "malformed";
    return { type: "receiver-report", ssrc: readUint32(data, at), blocks: parseBlocks(data, at + 4, end, count) };
  }
  if (type === SDES) return { type: "description", sources: parseDescriptions(data, at, end, count) };
  if (type === BYE) {
    const sources: number[] = [];
    for (let i = 0; i < count && at + 4 <= end; i++, at += 4) sources.push(readUint32(data, at));
    const length = at < end ? Math.min(data[at], end - at - 1) : 0;
    return { type: "bye", sources, reason: decoder.decode(data.slice(at + 1, at + 1 + length)) };
  }
  return null;
}

function parseBlocks(data: Uint8Array, at: number, end: number, count: number): ReportBlock[] {
  const blocks: ReportBlock[] = [];
  for (let i = 0; i < count && at + BLOCK_BYTES <= end; i++, at += BLOCK_BYTES) {
    const lost = readUint32(data, at + 4);
    blocks.push({
      ssrc: readUint32(data, at),
      fractionLost: lost >>> 24,
      cumulativeLost: lost << 8 >> 8,
      highestSequence: readUint32(data, at + 8),
      jitter: readUint32(data, at + 12),
      lastReport: readUint32(data, at + 16),
      delaySinceLastReport: readUint32(data, at + 20),
    });
  }
  return blocks;
}

function parseDescriptions(
  data: Uint8Array,
  at: number,
  end: number,
  count: number,
): { ssrc: number; cname: string }[] {
  const sources: { ssrc: number; cname: string }[] = [];
  for (let i = 0; i < count && at + 4 <= end; i++) {
    const begin = at;
    const ssrc = readUint32(data, at);
    at += 4;
    let cname = "";
    while (at < end && data[at] !== 0) {
      const length = at + 1 < end ? data[at + 1] : 0;
      if (data[at] === 1) cname = decoder.decode(data.slice(at + 2, Math.min(at + 2 + length, end)));
      at += 2 + length;
    }
    sources.push({ ssrc, cname });
    at = begin + (Math.floor((at - begin) / 4) + 1) * 4;
  }
  return sources;
}

/** What a sender says of itself. */
export interface SenderReport {
  ssrc: number;
  /** The instant of `rtpTimestamp`, in Unix milliseconds. */
  unixMs: number;
  rtpTimestamp: number;
  /** Packets and bytes of payload sent so far. */
  packets: number;
  octets: number;
  cname: string;
  blocks?: readonly ReportBlock[];
}

/** A compound packet of a sender report and a description. */
export function buildSenderReport(report: SenderReport): Uint8Array<ArrayBuffer> {
  const blocks = report.blocks?.slice(0, 31) ?? [];
  const length = 28 + blocks.length * BLOCK_BYTES;
  const out = new Uint8Array(length + descriptionBytes(report.cname));
  writeHead(out, 0, SR, blocks.length, length);
  const { seconds, fraction } = ntpOf(report.unixMs);
  [report.ssrc, seconds, fraction, report.rtpTimestamp, report.packets, report.octets].forEach((value, i) =>
    writeUint32(out, 4 + i * 4, value)
  );
  writeBlocks(out, 28, blocks);
  writeDescription(out, length, report.ssrc, report.cname);
  return out;
}

/** A compound packet of a receiver report and a description. */
export function buildReceiverReport(
  report: { ssrc: number; cname: string; blocks: readonly ReportBlock[] },
): Uint8Array<ArrayBuffer> {
  const blocks = report.blocks.slice(0, 31);
  const length = 8 + blocks.length * BLOCK_BYTES;
  const out = new Uint8Array(length + descriptionBytes(report.cname));
  writeHead(out, 0, RR, blocks.length, length);
  writeUint32(out, 4, report.ssrc);
  writeBlocks(out, 8, blocks);
  writeDescription(out, length, report.ssrc, report.cname);
  return out;
}

/** A compound packet that says good-bye: an empty receiver report, a description, and BYE. */
export function buildBye(bye: { ssrc: number; cname: string }): Uint8Array<ArrayBuffer> {
  const report = buildReceiverReport({ ...bye, blocks: [] });
  const out = new Uint8Array(report.length + 8);
  out.set(report);
  writeHead(out, report.length, BYE, 1, 8);
  writeUint32(out, report.length + 4, bye.ssrc);
  return out;
}

function writeHead(out: Uint8Array, at: number, type: number, count: number, length: number): void {
  out[at] = 0x80 | count;
  out[at + 1] = type;
  out[at + 2] = length / 4 - 1 >>> 8;
  out[at + 3] = length / 4 - 1;
}

function writeBlocks(out: Uint8Array, at: number, blocks: readonly ReportBlock[]): void {
  for (const block of blocks) {
    const lost = Math.max(-0x800000, Math.min(0x7fffff, block.cumulativeLost));
    writeUint32(out, at, block.ssrc);
    writeUint32(out, at + 4, block.fractionLost << 24 | lost & 0xffffff);
    writeUint32(out, at + 8, block.highestSequence);
    writeUint32(out, at + 12, block.jitter);
    writeUint32(out, at + 16, block.lastReport);
    writeUint32(out, at + 20, block.delaySinceLastReport);
    at += BLOCK_BYTES;
  }
}

/** Head, SSRC, the item, and at least one zero that ends the list, to a multiple of four. */
function descriptionBytes(cname: string): number {
  return 8 + (Math.floor((2 + cnameBytes(cname).length) / 4) + 1) * 4;
}

function writeDescription(out: Uint8Array, at: number, ssrc: number, cname: string): void {
  const name = cnameBytes(cname);
  writeHead(out, at, SDES, 1, descriptionBytes(cname));
  writeUint32(out, at + 4, ssrc);
  out[at + 8] = 1;
  out[at + 9] = name.length;
  out.set(name, at + 10);
}

function cnameBytes(cname: string): Uint8Array {
  return encoder.encode(cname).subarray(0, 255);
}

/** Unix milliseconds as NTP time: seconds since 1900, and 2^-32 parts of one. */
export function ntpOf(unixMs: number): { seconds: number; fraction: number } {
  const whole = Math.floor(unixMs / 1000);
  const fraction = Math.min(0xffffffff, Math.round((unixMs - whole * 1000) / 1000 * 2 ** 32));
  return { seconds: (whole + NTP_UNIX) % 2 ** 32, fraction };
}

/** NTP time as Unix milliseconds, with fractions. Seconds that wrapped in 2036 are taken as after it. */
export function unixOf(seconds: number, fraction: number): number {
  // RFC 4330, 3: with the top bit clear the count began anew in 2036. Zero stays what it is: "no clock".
  const era = seconds !== 0 && seconds < 0x80000000 ? 2 ** 32 : 0;
  return (seconds + era - NTP_UNIX) * 1000 + fraction / 2 ** 32 * 1000;
}

/** The middle 32 bits of an NTP time, as report blocks refer to it. */
export function ntpMiddle(seconds: number, fraction: number): number {
  return ((seconds & 0xffff) << 16 | fraction >>> 16) >>> 0;
}

/**
 * Milliseconds until the next report: the share of bandwidth that RTCP may take, never above 5 s (cameras drop receivers
 * they hear nothing from), spread by half up and down so that many receivers do not speak at once.
 *
 * @param random a number from 0 to 1
 * @see RFC 3550, 6.2 and A.7
 */
export function reportInterval(
  options: { averageBytes: number; bandwidth: number; random: number; initial?: boolean },
): number {
  const share = options.bandwidth > 0 ? options.averageBytes * 8 * 2 / (options.bandwidth * 0.05) * 1000 : 0;
  const interval = Math.min(5000, Math.max(options.initial ? 1250 : 2500, share));
  return Math.min(5000, interval * (0.5 + options.random) / (Math.E - 1.5));
}
