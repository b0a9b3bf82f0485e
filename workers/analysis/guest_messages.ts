import type { FrameHeader } from "../analysis_protocol.ts";

// Types only: what passes between the process's main thread and the thread that runs the author's code.

/** One plane of a picture in a buffer: an offset, and `Plane`'s numbers. */
export interface PlaneShape {
  offset: number;
  stride: number;
  rows: number;
}

/** To the author's thread. */
export type ToGuest =
  | { type: "init"; parameters: unknown }
  /** The buffer is the thread's until it says that it is done. */
  | { type: "frame"; header: FrameHeader; planes: PlaneShape[]; pixels: ArrayBuffer };

/** From the author's thread, where the author's code may get at the same channel: nothing of it is believed. */
export type FromGuest =
  | { type: "ready" }
  | { type: "done"; sequence: number; pixels: ArrayBuffer }
  /** A result as JSON, so that its size is known before anything is made of it. */
  | { type: "result"; json: string }
  | { type: "console"; text: string; count: number }
  | { type: "failed"; load: boolean; message: string };
