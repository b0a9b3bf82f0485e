// Pure: no I/O.
import type { FrameInfo } from "../src/media/frame.ts";
import { type PixelFormat, pixelFormatCode, pixelFormatOf } from "../src/media/pixel_format.ts";

/*
 * What passes between a program and the process of one analysis.
 *
 * To the process, on its standard input: first the set-up, a u32 of its length and JSON; then frames, each a header of
 * FRAME_HEADER_BYTES and the picture without padding. The next frame is sent when the one before is done with: at most one is on
 * its way.
 *
 * From the process, on its standard output: messages, each MESSAGE_MAGIC, a u32 of the kind (MESSAGE_KIND), a u32 of the length, and JSON:
 * an AnalysisMessage, or a result as it is, which is parsed only when the program takes it. The author's code can write
 * there too, so that whoever reads it believes nothing of it.
 *
 * All numbers are little-endian.
 */

/** What the process is told before it loads the author's module. */
export interface AnalysisSetup {
  /** URL of the author's module. */
  module: string;
  /** Handed to the author's code. */
  parameters: unknown;
  /** Bytes of memory at which the process ends itself. */
  maxMemoryBytes: number;
  /** Messages and bytes that may wait to be read by the program, at which the process ends itself. */
  maxWaiting: number;
  maxWaitingBytes: number;
}

/** How an analysis is over, as its process says. */
export interface AnalysisEnd {
  code: "load" | "crashed";
  message: string;
}

/** What the process says. */
export type AnalysisMessage =
  | { type: "ready" }
  | { type: "done"; sequence: number }
  | { type: "console"; text: string; count: number }
  | { type: "ended"; end: AnalysisEnd };

/** The process's exit code when it outgrew its memory: said without memory, and not to be forged by a thread of it. */
export const EXIT_MEMORY = 77;
/** The process's exit code when the program could not read as fast as results were made. */
export const EXIT_FLOOD = 78;

/** The first word of each message: "MRA1". */
export const MESSAGE_MAGIC = 0x3141524d;
/** Bytes before the JSON of a message. */
export const MESSAGE_HEADER_BYTES = 12;
/** What a message holds. */
export const MESSAGE_KIND = { control: 0, result: 1 } as const;
/** Bytes of a message that is no result, at most. */
export const MAX_CONTROL_BYTES = 8192;
/** Bytes before the pixels of a frame. */
export const FRAME_HEADER_BYTES = 64;

/** A message as bytes. */
export function encodeMessage(kind: keyof typeof MESSAGE_KIND, json: string): Uint8Array {
  const text = new TextEncoder().encode(json);
  const bytes = new Uint8Array(MESSAGE_HEADER_BYTES + text.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MESSAGE_MAGIC, true);
  view.setUint32(4, MESSAGE_KIND[kind], true);
  view.setUint32(8, text.length, true);
  bytes.set(text, MESSAGE_HEADER_BYTES);
  return bytes;
}

/** What is said of a frame: what `FrameInfo` has, and the bytes of its pixels. */
export type FrameHeader = Omit<FrameInfo, "keyframe"> & { bytes: number };

/** Writes a frame's header to the begin of `into`. */
export function encodeFrameHeader(frame: FrameHeader, into: Uint8Array): void {
  const view = new DataView(into.buffer, into.byteOffset, FRAME_HEADER_BYTES);
  view.setUint32(0, frame.bytes, true);
  view.setUint32(4, pixelFormatCode(frame.format), true);
  view.setUint32(8, frame.width, true);
  view.setUint32(12, frame.height, true);
  view.setUint32(16, frame.missed, true);
  view.setUint32(20, frame.generation, true);
  view.setUint32(24, frame.streamId, true);
  view.setUint32(28, frame.corrupt ? 1 : 0, true);
  view.setFloat64(32, frame.pts, true);
  view.setFloat64(40, frame.wallTime ?? NaN, true);
  view.setFloat64(48, frame.receivedAt, true);
  view.setFloat64(56, frame.sequence, true);
}

/** Reads a frame's header. */
export function decodeFrameHeader(from: Uint8Array): FrameHeader {
  const view = new DataView(from.buffer, from.byteOffset, FRAME_HEADER_BYTES);
  const wallTime = view.getFloat64(40, true);
  return {
    bytes: view.getUint32(0, true),
    format: pixelFormatOf(view.getUint32(4, true)) as PixelFormat,
    width: view.getUint32(8, true),
    height: view.getUint32(12, true),
    missed: view.getUint32(16, true),
    generation: view.getUint32(20, true),
    streamId: view.getUint32(24, true),
    corrupt: view.getUint32(28, true) === 1,
    pts: view.getFloat64(32, true),
    wallTime: Number.isNaN(wallTime) ? null : wallTime,
    receivedAt: view.getFloat64(48, true),
    sequence: view.getFloat64(56, true),
  };
}
