// Pure: no I/O.
import { ShmError } from "../media/errors.ts";
import type { RingMemory } from "./memory.ts";

/*
 * Where everything lies in a ring. The same bytes are described in prose at the top of ffi/millrace.h; a test compares
 * the two. All numbers are little-endian and lie at multiples of their width.
 */

/** The first eight bytes of every ring. */
export const MAGIC = "MILLRACE";
/** The version of the layout that this library writes, and the only one that it reads. */
export const LAYOUT_VERSION = 1;
export const HEADER_BYTES = 256;
export const SLOT_BYTES = 128;
/** How many planes a slot describes at most. */
export const MAX_PLANES = 4;

/** Offsets in the header. */
export const HEADER = {
  magic: 0, // u64
  version: 8, // u32
  headerBytes: 12, // u32
  totalBytes: 16, // u64
  slots: 24, // u32
  slotBytes: 28, // u32
  arenaOffset: 32, // u64
  arenaBytes: 40, // u64
  kind: 48, // u32
  policy: 52, // u32
  cellBytes: 56, // u64
  instance: 64, // u64
  createdAt: 72, // f64
  pid: 80, // u32
  before: 112, // u64
  head: 128, // u64, the writer's from here on, in a cache line of its own
  oldest: 136, // u64
  signal: 144, // u32
  state: 148, // u32
} as const;

/** Offsets in a slot's descriptor. */
export const SLOT = {
  sequence: 0, // u64, plus one; 0 while the record is being written
  payloadOffset: 8, // u64, in the arena
  payloadBytes: 16, // u64
  pts: 24, // i64
  dts: 32, // i64
  wallTime: 40, // f64, NaN for none
  receivedAt: 48, // f64
  publishedAt: 56, // f64
  flags: 64, // u32
  generation: 68, // u32
  format: 72, // u32
  width: 76, // u32
  height: 80, // u32
  streamId: 84, // u32
  planes: 88, // u32
  blobBytes: 92, // u32
  planeTable: 96, // 4 x { u32 offset in the payload, u32 stride }
} as const;

/** Bits of a slot's flags. */
export const FLAG = { keyframe: 1, corrupt: 2, discontinuity: 4 } as const;
/** The header's state word. */
export const STATE = { building: 0, open: 1, closed: 2, moved: 3 } as const;

const KINDS = ["frames", "access-units", "mp4", "bytes"] as const;
const POLICIES = ["fixed", "variable"] as const;

/** What the payloads of a ring are: pictures, access units, MP4 fragments, or bytes that mean something to the user. */
export type PayloadKind = typeof KINDS[number];
/** Whether every payload has a cell of its own, or lies anywhere in one arena. */
export type RingPolicy = typeof POLICIES[number];

/** How large the ring's payloads may be: in cells of one size, or anything that fits in the arena. */
export type RingRoom = { policy: "fixed"; cellBytes: number } | { policy: "variable"; arenaBytes: number };

/** What a ring is to hold. */
export type RingOptions = RingRoom & {
  kind: PayloadKind;
  /** Records that it holds at most. */
  slots: number;
};

/** The part of a ring that never changes once it has been made. */
export interface RingHeader {
  totalBytes: number;
  slots: number;
  arenaOffset: number;
  arenaBytes: number;
  kind: PayloadKind;
  policy: RingPolicy;
  /** Bytes of a cell; 0 where the policy is `variable`. */
  cellBytes: number;
  /** Sixteen hexadecimal digits; others mean that the ring was made anew. */
  instance: string;
  /** Unix milliseconds. */
  createdAt: number;
  /** The process that made it, 0 where that does not matter. */
  pid: number;
  /** Records that its writer published in the rings that this one goes on for. */
  before: number;
}

/** Where payloads begin: at cache lines, so that two of them never share one. */
export const PAYLOAD_ALIGNMENT = 64;
/** Where the arena begins: at a page, for those who map it. */
const ARENA_ALIGNMENT = 4096;
const MAX_SLOTS = 65_536;

export const align = (bytes: number, to: number): number => Math.ceil(bytes / to) * to;

function positive(what: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new RangeError(`Cannot lay out a ring: ${what} is ${value}, expected 1 to ${most}`);
  }
}

/** The measures of a ring with these options. */
export function ringLayout(
  options: RingOptions,
): Pick<RingHeader, "slots" | "arenaOffset" | "arenaBytes" | "cellBytes" | "totalBytes"> {
  const { slots } = options;
  positive("slots", slots, MAX_SLOTS);
  const arenaOffset = align(HEADER_BYTES + slots * SLOT_BYTES, ARENA_ALIGNMENT);
  let cellBytes = 0, arenaBytes;
  if (options.policy === "fixed") {
    positive("cellBytes", options.cellBytes, 2 ** 40);
    cellBytes = align(options.cellBytes, PAYLOAD_ALIGNMENT);
    arenaBytes = cellBytes * slots;
  } else {
    positive("arenaBytes", options.arenaBytes, 2 ** 44);
    arenaBytes = align(options.arenaBytes, PAYLOAD_ALIGNMENT);
  }
  return { slots, arenaOffset, arenaBytes, cellBytes, totalBytes: arenaOffset + arenaBytes };
}

/**
 * Bytes of memory that a ring with these options takes.
 *
 * @throws {RangeError} where a size is not a positive integer, or beyond reason.
 */
export function ringBytes(options: RingOptions): number {
  return ringLayout(options).totalBytes;
}

const text = new TextEncoder();
const hex = (byte: number) => byte.toString(16).padStart(2, "0");

/** Writes the header of a new ring into zeroed memory; the magic and the state come last. */
export function writeHeader(memory: RingMemory, header: RingHeader): void {
  const bytes = new Uint8Array(HEADER.head);
  const view = new DataView(bytes.buffer);
  const u64 = (offset: number, value: number) => view.setBigUint64(offset, BigInt(value), true);
  view.setUint32(HEADER.version, LAYOUT_VERSION, true);
  view.setUint32(HEADER.headerBytes, HEADER_BYTES, true);
  u64(HEADER.totalBytes, header.totalBytes);
  view.setUint32(HEADER.slots, header.slots, true);
  view.setUint32(HEADER.slotBytes, SLOT_BYTES, true);
  u64(HEADER.arenaOffset, header.arenaOffset);
  u64(HEADER.arenaBytes, header.arenaBytes);
  view.setUint32(HEADER.kind, KINDS.indexOf(header.kind) + 1, true);
  view.setUint32(HEADER.policy, POLICIES.indexOf(header.policy) + 1, true);
  u64(HEADER.cellBytes, header.cellBytes);
  view.setBigUint64(HEADER.instance, BigInt(`0x${header.instance}`), true);
  view.setFloat64(HEADER.createdAt, header.createdAt, true);
  view.setUint32(HEADER.pid, header.pid, true);
  u64(HEADER.before, header.before);
  memory.write(0, bytes);
  memory.fence();
  memory.write(HEADER.magic, text.encode(MAGIC));
  memory.store32(HEADER.state, STATE.open);
}

/**
 * Reads and checks the header of a ring that may be anything: after this no offset that follows from it lies outside the memory.
 *
 * @param what how the messages call it, such as `ring "cam-1"`.
 * @throws {ShmError} `version` where the layout is another one, `invalid` where it is no ring or a damaged one.
 */
export function readHeader(memory: RingMemory, what = "ring"): RingHeader {
  const refuse = (why: string) => new ShmError("invalid", `Cannot read ${what}: ${why}`);
  if (memory.byteLength < HEADER_BYTES) {
    throw refuse(`it has ${memory.byteLength} bytes, too few for a header of ${HEADER_BYTES}`);
  }
  const bytes = new Uint8Array(HEADER_BYTES);
  memory.read(0, bytes);
  const view = new DataView(bytes.buffer);
  const u32 = (offset: number) => view.getUint32(offset, true);
  const u64 = (offset: number) => Number(view.getBigUint64(offset, true));
  if (text.encode(MAGIC).some((byte, at) => byte !== bytes[at])) throw refuse("it is not a Millrace ring");
  const version = u32(HEADER.version);
  if (version !== LAYOUT_VERSION) {
    throw new ShmError(
      "version",
      `Cannot read ${what}: its layout version is ${version}, this library reads ${LAYOUT_VERSION}`,
    );
  }
  if (u32(HEADER.state) === STATE.building) throw refuse("it is still being built");
  const header: RingHeader = {
    totalBytes: u64(HEADER.totalBytes),
    slots: u32(HEADER.slots),
    arenaOffset: u64(HEADER.arenaOffset),
    arenaBytes: u64(HEADER.arenaBytes),
    kind: KINDS[u32(HEADER.kind) - 1],
    policy: POLICIES[u32(HEADER.policy) - 1],
    cellBytes: u64(HEADER.cellBytes),
    instance: [...bytes.subarray(HEADER.instance, HEADER.instance + 8)].reverse().map(hex).join(""),
    createdAt: view.getFloat64(HEADER.createdAt, true),
    pid: u32(HEADER.pid),
    before: Math.min(u64(HEADER.before), Number.MAX_SAFE_INTEGER),
  };
  const { totalBytes, slots, arenaOffset, arenaBytes, cellBytes } = header;
  if (u32(HEADER.headerBytes) !== HEADER_BYTES || u32(HEADER.slotBytes) !== SLOT_BYTES) {
    throw refuse("its header is damaged (the sizes of header and slots)");
  }
  if (header.kind === undefined || header.policy === undefined) {
    throw refuse("its header is damaged (payload kind or policy)");
  }
  if (totalBytes > memory.byteLength) {
    throw refuse(`it should have ${totalBytes} bytes and has ${memory.byteLength}`);
  }
  if (slots < 1 || slots > MAX_SLOTS || arenaOffset % 8 !== 0 || arenaOffset < HEADER_BYTES + slots * SLOT_BYTES) {
    throw refuse("its header is damaged (slots)");
  }
  if (arenaBytes < 1 || arenaOffset + arenaBytes > totalBytes) throw refuse("its header is damaged (arena)");
  if (header.policy === "fixed" && (cellBytes < 1 || cellBytes * slots > arenaBytes)) {
    throw refuse("its header is damaged (cells)");
  }
  return header;
}

/** Where the descriptor of a record lies. */
export function slotOffset(sequence: number, slots: number): number {
  return HEADER_BYTES + (sequence % slots) * SLOT_BYTES;
}
