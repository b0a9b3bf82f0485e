import { ADDRESS_BYTES, type NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";

/** Datagrams taken from a socket at once, and the longest that is taken. */
const BATCH = 64;
const SLOT_BYTES = 9_216;
/** Batches of one socket in a row, so that a fast camera does not keep the others waiting. */
const READS = 4;
const buffer = new Uint8Array(BATCH * SLOT_BYTES);
const lengths = new Int32Array(BATCH);
const peers = new Uint8Array(BATCH * ADDRESS_BYTES);

/** Takes one datagram: `data[start..end)`, borrowed until it returns. */
export type DatagramHandler = (data: Uint8Array, start: number, end: number) => void;

/** Two sockets on neighbouring ports, for RTP and RTCP of one track. Datagrams of other hosts are dropped and counted. */
export class UdpPair {
  readonly rtpPort: number;
  readonly rtcpPort: number;
  /** Bytes of the receive buffer that the system gave. */
  readonly receiveBuffer: number;
  /** Datagrams that came from elsewhere, or were too long. */
  foreign = 0;
  readonly #library: NativeLibrary;
  readonly #poller: Poller;
  readonly #handles: Int32Array;
  readonly #tags: number[];
  #peer: Uint8Array<ArrayBuffer> | null = null;
  #rtcpTarget: Uint8Array<ArrayBuffer> | null = null;
  #open = true;

  /**
   * @param options.family Of the camera's address: 4 or 6.
   * @throws {Error} where no ports are to be had; the message is the system's.
   */
  constructor(
    library: NativeLibrary,
    poller: Poller,
    options: { family: number; receiveBuffer: number; rtp: DatagramHandler; rtcp: DatagramHandler },
  ) {
    this.#library = library;
    this.#poller = poller;
    const any = new Uint8Array(ADDRESS_BYTES);
    new DataView(any.buffer).setUint16(0, options.family, true);
    this.#handles = new Int32Array(2);
    const ports = new Int32Array(2), got = new Int32Array(2);
    const result = library.symbols.mr_udp_pair(any, options.receiveBuffer, this.#handles, ports, got);
    if (result < 0) throw new Error(`errno ${-result}`);
    [this.rtpPort, this.rtcpPort] = ports;
    this.receiveBuffer = got[0];
    this.#tags = [options.rtp, options.rtcp].map((handler, i) =>
      poller.add(this.#handles[i], () => this.#receive(this.#handles[i], handler))
    );
  }

  /** From now on only datagrams of that host are taken; reports go to its RTCP port. */
  setPeer(address: Uint8Array<ArrayBuffer>, rtcpPort: number): void {
    this.#peer = address;
    if (rtcpPort <= 0) return;
    this.#rtcpTarget = address.slice();
    new DataView(this.#rtcpTarget.buffer).setUint16(2, rtcpPort, true);
  }

  sendControl(packet: Uint8Array<ArrayBuffer>): void {
    if (!this.#open || !this.#rtcpTarget) return;
    this.#library.symbols.mr_udp_send(this.#handles[1], packet, packet.length, this.#rtcpTarget);
  }

  /** Datagrams that the system dropped because the receive buffer was full. */
  get socketDrops(): number {
    const out = new Uint32Array(1);
    return this.#open && this.#library.symbols.mr_udp_dropped(this.#handles[0], out) === 0 ? out[0] : 0;
  }

  /** Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (let i = 0; i < 2; i++) {
      this.#poller.remove(this.#handles[i], this.#tags[i]);
      this.#library.symbols.mr_close(this.#handles[i]);
    }
  }

  #receive(handle: number, handler: DatagramHandler): void {
    for (let reads = 0; reads < READS && this.#open; reads++) {
      const count = this.#library.symbols.mr_udp_recv_many(handle, buffer, SLOT_BYTES, BATCH, lengths, peers);
      for (let i = 0; i < count && this.#open; i++) {
        if (lengths[i] <= 0 || !this.#isPeer(i * ADDRESS_BYTES)) this.foreign++;
        else handler(buffer, i * SLOT_BYTES, i * SLOT_BYTES + lengths[i]);
      }
      if (count < BATCH) return;
    }
  }

  #isPeer(at: number): boolean {
    const peer = this.#peer;
    if (!peer) return true;
    for (let i = 8; i < ADDRESS_BYTES; i++) if (peers[at + i] !== peer[i]) return false;
    return true;
  }
}
