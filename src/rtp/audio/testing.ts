// Pure: no I/O.
import { RtpPacketView, writeRtpHeader } from "../packet.ts";
import type { AudioDepacketizer, AudioDepacketizerOptions, AudioFrame } from "./audio_depacketizer.ts";

/** One packet of a test. */
export interface TestPacket {
  payload: Uint8Array | number[];
  timestamp: number;
  /** @default {true} */
  marker?: boolean;
  /** Packets lost before it. */
  gap?: number;
}

/** A copy of a frame. */
export type FrameCopy = Omit<AudioFrame, "data"> & { data: string };

/** Pushes packets and gives copies of the frames that come out, their data as hex. */
export function depacketize<Depacketizer extends AudioDepacketizer>(
  make: (options: AudioDepacketizerOptions) => Depacketizer,
  format: Partial<AudioDepacketizerOptions["format"]>,
  packets: Iterable<TestPacket>,
): { frames: FrameCopy[]; depacketizer: Depacketizer } {
  const frames: FrameCopy[] = [];
  const depacketizer = make({
    format: { clockRate: 16_000, channels: 1, parameters: {}, ...format },
    onFrame: (frame) => frames.push({ ...frame, data: frame.data.toHex() }),
  });
  const view = new RtpPacketView();
  let sequence = 0;
  for (const { payload, timestamp, marker = true, gap = 0 } of packets) {
    if (gap > 0) depacketizer.gap(gap);
    const bytes = new Uint8Array(12 + payload.length);
    writeRtpHeader(bytes, { payloadType: 97, sequence: sequence++, timestamp, ssrc: 1, marker });
    bytes.set(payload, 12);
    view.parse(bytes);
    depacketizer.push(view, timestamp);
  }
  return { frames, depacketizer };
}

/** Bits as they are written. */
export class BitWriter {
  #text = "";

  put(value: number, count: number): this {
    this.#text += value.toString(2).padStart(count, "0").slice(-count);
    return this;
  }

  bytes(data: Uint8Array): this {
    for (const byte of data) this.put(byte, 8);
    return this;
  }

  /** All of them, filled up with zeros to whole bytes. */
  done(): Uint8Array<ArrayBuffer> {
    const text = this.#text.padEnd(Math.ceil(this.#text.length / 8) * 8, "0");
    return new Uint8Array((text.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  }

  /** How many there are. */
  get length(): number {
    return this.#text.length;
  }
}
