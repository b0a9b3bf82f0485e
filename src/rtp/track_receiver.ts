// Pure: no I/O.
import type { PacketReceiver } from "./packet_receiver.ts";

/** One track of whatever kind, as its packets come. It outlives connections. */
export abstract class TrackReceiver {
  protected abstract readonly receiver: PacketReceiver;

  /** Takes one RTP packet, as `PacketReceiver` does. */
  packet(data: Uint8Array, start: number, end: number, now: number, timely = true): void {
    this.receiver.packet(data, start, end, now, timely);
  }

  /** Takes one compound RTCP packet, `data[start..end)`. */
  control(data: Uint8Array, start: number, end: number, now: number): void {
    this.receiver.control(data, start, end, now);
  }

  /** Whether packets are held back for one that is missing, until `tick()` gives it up. */
  get waits(): boolean {
    return this.receiver.waits;
  }

  /** Gives up waiting for packets that are overdue. */
  tick(now: number): void {
    this.receiver.tick(now);
  }

  /** A receiver report with a description, to be sent every 5 s at least. */
  report(now: number): Uint8Array<ArrayBuffer> {
    return this.receiver.report(now);
  }
}
