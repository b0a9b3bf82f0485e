import type { RtspTrack } from "../../src/rtsp/mod.ts";

/** What takes the packets of a track, whatever they are of; it outlives connections. */
export interface MediaTrack {
  /** Begins, or goes on, with a track as the session set it up. */
  begin(track: RtspTrack, ordered: boolean): void;
  /** Takes one RTP packet, `data[start..end)`, that came at `at`. */
  packet(data: Uint8Array, start: number, end: number, at: number): void;
  /** Takes one compound RTCP packet. */
  control(data: Uint8Array, start: number, end: number, at: number): void;
  /** Whether packets are held back for one that is missing, until `tick()` gives it up. */
  readonly waits: boolean;
  tick(at: number): void;
  /** A receiver report, or null before the first connection. */
  report(at: number): Uint8Array<ArrayBuffer> | null;
}
