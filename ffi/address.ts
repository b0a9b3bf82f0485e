// Pure: no I/O.
import { ADDRESS_BYTES } from "./symbols.ts";

/** An internet address, numeric, and a port. */
export interface NetAddress {
  /** `"192.0.2.1"` or `"2001:db8::1"`, without brackets. */
  hostname: string;
  port: number;
  /** The interface's number for link-local IPv6, else 0. */
  scope?: number;
}

/**
 * The 24 bytes by which the C library knows an address.
 *
 * @throws {SyntaxError} where the host name is not a numeric address.
 * @throws {RangeError} where the port is not one.
 */
export function encodeAddress(address: NetAddress): Uint8Array<ArrayBuffer> {
  const { hostname, port, scope = 0 } = address;
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    throw new RangeError(`Cannot use port ${port}: it is not from 0 to 65535`);
  }
  const parts = parseIPv4(hostname) ?? parseIPv6(hostname);
  if (!parts) throw new SyntaxError(`Cannot use address "${hostname}": it is neither IPv4 nor IPv6 in numbers`);
  const bytes = new Uint8Array(ADDRESS_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, parts.length === 4 ? 4 : 6, true);
  view.setUint16(2, port, true);
  view.setUint32(4, scope, true);
  bytes.set(parts, 8);
  return bytes;
}

/** Reads the address that lies at `offset`; `undefined` where there is none (family 0). */
export function decodeAddress(bytes: Uint8Array, offset = 0): Required<NetAddress> | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, ADDRESS_BYTES);
  const family = view.getUint16(0, true);
  const port = view.getUint16(2, true);
  const scope = view.getUint32(4, true);
  if (family === 4) return { hostname: bytes.subarray(offset + 8, offset + 12).join("."), port, scope };
  if (family !== 6) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + 2 * i));
  return { hostname: formatIPv6(groups), port, scope };
}

function parseIPv4(text: string): number[] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  const parts = match?.slice(1).map(Number);
  return parts?.every((part) => part <= 255) ? parts : undefined;
}

/** @see RFC 4291, 2.2 */
function parseIPv6(text: string): number[] | undefined {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const four = tail ? parseIPv4(tail[2]) : undefined;
  if (tail && !four) return undefined;
  const hexadecimal = four
    ? `${tail![1]}${(four[0] << 8 | four[1]).toString(16)}:${(four[2] << 8 | four[3]).toString(16)}`
    : text;
  const halves = hexadecimal.split("::");
  if (halves.length > 2) return undefined;
  const [front, back] = halves.map((half) => half === "" ? [] : half.split(":"));
  const missing = 8 - front.length - (back?.length ?? 0);
  if (back ? missing < 1 : missing !== 0) return undefined;
  const groups = [...front, ...Array<string>(missing).fill("0"), ...(back ?? [])];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]);
}

/** @see RFC 5952, 4: the longest run of two zero groups or more becomes `::`, the first where two are as long. */
function formatIPv6(groups: number[]): string {
  let start = 0, length = 1;
  for (let i = 0; i < 8; i++) {
    let zeros = 0;
    while (i + zeros < 8 && groups[i + zeros] === 0) zeros++;
    if (zeros > length) [start, length] = [i, zeros];
    i += zeros;
  }
  const text = (part: number[]) => part.map((group) => group.toString(16)).join(":");
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}
