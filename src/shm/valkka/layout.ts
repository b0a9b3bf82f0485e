// Pure: no I/O.
import { packedBytes } from "../../media/mod.ts";
import { HEADER, type PayloadKind, ringBytes, type RingHeader, type RingOptions } from "../../ring/mod.ts";

/*
 * The measures of a ring in libValkka's layout, its metadata byte by byte, and the names of its objects. What lies beside it in our own
 * segment is described in ffi/millrace.h.
 */

/** What is in a ring: bytes, RGB pictures, or boxes of a fragmented MP4. The numbers are those of `mr_valkka_create`. */
export const VALKKA_KIND = { bytes: 1, frames: 2, mp4: 3 } as const;
export type ValkkaKind = keyof typeof VALKKA_KIND;

/** Bytes of metadata that each cell has. */
export const META_BYTES: Record<ValkkaKind, number> = { bytes: 8, frames: 32, mp4: 32 };

/** A ring of RGB pictures: `RGBShmemFrameFilter` and `ShmemRGBClient`. */
export interface ValkkaFrameOptions {
  protocol: "valkka";
  /** Cells (`n_ringbuffer`). @default {10} */
  slots?: number;
  width: number;
  height: number;
  /** libValkka knows no other. @default {"RGB24"} */
  format?: "RGB24";
}

/** A ring of bytes, `ShmemFrameFilter` and `ShmemClient`, or of MP4 boxes, `FragMP4ShmemFrameFilter` and `FragMP4ShmemClient`. */
export interface ValkkaByteOptions {
  protocol: "valkka";
  /** Cells (`n_ringbuffer`). @default {10} */
  slots?: number;
  kind: "bytes" | "mp4";
  /** Bytes of a cell (`n_bytes`, `n_size`). */
  cellBytes: number;
}

/** The numbers that both ends of a ring must have been given alike. */
export interface ValkkaMeasures {
  kind: ValkkaKind;
  cells: number;
  cellBytes: number;
  /** Of the pictures, 0 where there are none. */
  width: number;
  height: number;
}

const MAX_CELLS = 4_096;
const MAX_SIDE = 65_536;
const NAME_BYTES = 180;

function positive(what: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new RangeError(`Cannot lay out a libValkka ring: ${what} is ${value}, expected 1 to ${most}`);
}

/** @throws {RangeError} where a number is not a positive integer, or beyond reason. */
export function measuresOf(options: ValkkaFrameOptions | ValkkaByteOptions): ValkkaMeasures {
  const cells = options.slots ?? 10;
  positive("slots", cells, MAX_CELLS);
  if ("kind" in options && options.kind !== undefined) {
    if (options.kind !== "bytes" && options.kind !== "mp4") {
      throw new TypeError(`Cannot lay out a libValkka ring: kind is "${options.kind}", expected "bytes" or "mp4"`);
    }
    positive("cellBytes", options.cellBytes, 2 ** 40);
    return { kind: options.kind, cells, cellBytes: options.cellBytes, width: 0, height: 0 };
  }
  const { width, height, format = "RGB24" } = options as ValkkaFrameOptions;
  if (format !== "RGB24") {
    throw new TypeError(`Cannot lay out a libValkka ring: format is "${format}", and libValkka knows only "RGB24"`);
  }
  positive("width", width, MAX_SIDE);
  positive("height", height, MAX_SIDE);
  return { kind: "frames", cells, cellBytes: packedBytes(format, width, height), width, height };
}

/** How messages say what a ring is. */
export function describe(measures: ValkkaMeasures): string {
  const { kind, cells, cellBytes, width, height } = measures;
  const what = kind === "frames"
    ? `${width}x${height} RGB24 (${cellBytes} bytes)`
    : kind === "mp4"
    ? `MP4 boxes of up to ${cellBytes} bytes`
    : `${cellBytes} bytes`;
  return `${cells} cells of ${what}`;
}

export function sameMeasures(a: ValkkaMeasures, b: ValkkaMeasures): boolean {
  return a.kind === b.kind && a.cells === b.cells && a.cellBytes === b.cellBytes &&
    (a.kind !== "frames" || (a.width === b.width && a.height === b.height));
}

// ---- names

const SIDE = "_millrace_side";

/** The name of our own segment beside a ring. */
export function sideName(name: string): string {
  return name + SIDE;
}

/** The ring that a segment of ours lies beside, or null where the name is of another kind. */
export function ringOfSide(name: string): string | null {
  return name.endsWith(SIDE) && name.length > SIDE.length ? name.slice(0, -SIDE.length) : null;
}

/** @throws {TypeError} where it is too long for what libValkka puts behind it. */
export function checkName(name: string): void {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes <= NAME_BYTES) return;
  throw new TypeError(`Cannot name a libValkka ring: the name has ${bytes} bytes, expected up to ${NAME_BYTES}`);
}

/**
 * The rings that a cell may be of: nothing parts the name from the number, so that `cam110` is cell 10 of `cam1` and cell
 * 0 of `cam11`.
 */
export function ringsOfCell(prefix: string): { name: string; cell: number }[] {
  const found: { name: string; cell: number }[] = [];
  for (let at = prefix.length - 1; at > 0 && /\d/.test(prefix[at]) && prefix.length - at <= 4; at--) {
    const digits = prefix.slice(at);
    if (digits === "0" || digits[0] !== "0") found.push({ name: prefix.slice(0, at), cell: Number(digits) });
  }
  return found;
}

/** The first cell that two rings would both call theirs, as the name of its object without the suffix; or null. */
export function collision(a: { name: string; cells: number }, b: { name: string; cells: number }): string | null {
  if (a.name === b.name) return null;
  const [short, long] = a.name.length < b.name.length ? [a, b] : [b, a];
  const between = long.name.slice(short.name.length);
  if (!long.name.startsWith(short.name) || !/^[1-9]\d{0,3}$/.test(between)) return null;
  // Cell i of the longer name is cell (between, i) of the shorter: the lowest is i = 0.
  return Number(`${between}0`) < short.cells ? `${long.name}0` : null;
}

// ---- our segment

/** Offsets in the part of a ring's header that others leave zero. */
const OURS = { protocol: 84, kind: 88, cellBytes: 96, width: 104, height: 108 } as const;
const PROTOCOL = 1;

/** Bytes from cell to cell in the arena that our segment speaks of. */
export function cellStride(cellBytes: number): number {
  return Math.ceil(cellBytes / 64) * 64;
}

/** The ring that our segment is the head of; `sideBytes` are in the segment itself. */
export function sideRing(measures: ValkkaMeasures): { ring: RingOptions; sideBytes: number; totalBytes: number } {
  const { kind, cells, cellBytes } = measures;
  const arenaBytes = cells * cellStride(cellBytes);
  const ring: RingOptions = { kind, policy: "variable", slots: cells, arenaBytes };
  const totalBytes = ringBytes(ring);
  return { ring, sideBytes: totalBytes - arenaBytes, totalBytes };
}

/** What is written at `HEADER.pid + 4` of a ring's header, up to its head. */
export function encodeMeasures(measures: ValkkaMeasures): { offset: number; bytes: Uint8Array<ArrayBuffer> } {
  const bytes = new Uint8Array(HEADER.head);
  const view = new DataView(bytes.buffer);
  view.setUint32(OURS.protocol, PROTOCOL, true);
  view.setUint32(OURS.kind, VALKKA_KIND[measures.kind], true);
  view.setBigUint64(OURS.cellBytes, BigInt(measures.cellBytes), true);
  view.setUint32(OURS.width, measures.width, true);
  view.setUint32(OURS.height, measures.height, true);
  return { offset: OURS.protocol, bytes: bytes.slice(OURS.protocol, OURS.height + 4) };
}

/** The measures that the header of a segment of ours says, or null where it is none. */
export function decodeMeasures(header: Uint8Array, slots: number, kind: PayloadKind): ValkkaMeasures | null {
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  if (header.length < HEADER.head || view.getUint32(OURS.protocol, true) !== PROTOCOL) return null;
  if (!(kind in VALKKA_KIND) || view.getUint32(OURS.kind, true) !== VALKKA_KIND[kind as ValkkaKind]) return null;
  const cellBytes = Number(view.getBigUint64(OURS.cellBytes, true));
  if (cellBytes < 1 || cellBytes > 2 ** 40 || slots > MAX_CELLS) return null;
  const width = view.getUint32(OURS.width, true), height = view.getUint32(OURS.height, true);
  return { kind: kind as ValkkaKind, cells: slots, cellBytes, width, height };
}

/** Whether a header's arena is the one that its cells make. */
export function fits(header: RingHeader, measures: ValkkaMeasures): boolean {
  const { sideBytes, totalBytes } = sideRing(measures);
  return header.policy === "variable" && header.arenaOffset === sideBytes && header.totalBytes === totalBytes;
}
