import { now } from "../../src/media/clock.ts";
import { familyOf } from "./address_list.ts";
import { ADDRESS_BYTES, errnoPhrase, type NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";

/** Datagrams taken from a socket at once, and the longest that is taken. */
const BATCH = 64;
const SLOT_BYTES = 9_216;
/** Batches of one socket in a row, so that a fast camera does not keep the others waiting. */
const READS = 4;
/** Where the host is in an address. */
const HOST_AT = 8;
/** One set of buffers for all sockets, as what is read is handled at once. */
const buffer = new Uint8Array(BATCH * SLOT_BYTES);
const lengths = new Int32Array(BATCH);
const peers = new Uint8Array(BATCH * ADDRESS_BYTES);
const dropped = new Uint32Array(1);

/** Takes one datagram: `data[start..end)`, borrowed until it returns. */
export type DatagramHandler = (data: Uint8Array, start: number, end: number, at: number) => void;

/** What a pair of sockets is made of. */
export interface UdpPairOptions {
  /** The camera. */
  peer: Uint8Array<ArrayBuffer>;
  /** Bytes asked for. */
  receiveBuffer: number;
  rtp: DatagramHandler;
  rtcp: DatagramHandler;
  /** One of these threw. */
  broken(error: unknown): void;
}

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
  readonly #handles = new Int32Array(2);
  readonly #tags: number[];
  readonly #peer: Uint8Array<ArrayBuffer>;
  #source: Uint8Array<ArrayBuffer> | null = null;
  #rtpTarget: Uint8Array<ArrayBuffer> | null = null;
  #rtcpTarget: Uint8Array<ArrayBuffer> | null = null;
  #open = true;

  /** @throws {Error} where no ports are to be had; the message says why. */
  constructor(library: NativeLibrary, poller: Poller, options: UdpPairOptions) {
    this.#library = library;
    this.#poller = poller;
    this.#peer = options.peer;
    const any = new Uint8Array(ADDRESS_BYTES);
    any[0] = familyOf(options.peer);
    const ports = new Int32Array(2), got = new Int32Array(2);
    const result = library.symbols.mr_udp_pair(any, options.receiveBuffer, this.#handles, ports, got);
    if (result < 0) throw new Error(errnoPhrase(-result));
    [this.rtpPort, this.rtcpPort] = ports;
    this.receiveBuffer = got[0];
    this.#tags = [options.rtp, options.rtcp].map((handler, i) =>
      poller.add(this.#handles[i], {
        ready: () => this.#receive(this.#handles[i], handler),
        broken: options.broken,
      })
    );
  }

  /**
   * What the camera said of its side: its ports, and the host that packets come from where that is another. Nothing is
   * ever sent to that other host: the program was allowed to reach the camera alone.
   */
  setServer(server: { rtpPort: number; rtcpPort: number; source: Uint8Array<ArrayBuffer> | null }): void {
    this.#rtpTarget = this.#target(server.rtpPort);
    this.#rtcpTarget = this.#target(server.rtcpPort);
    this.#source = server.source;
  }

  sendMedia(packet: Uint8Array<ArrayBuffer>): void {
    this.#send(0, packet, this.#rtpTarget);
  }

  sendControl(packet: Uint8Array<ArrayBuffer>): void {
    this.#send(1, packet, this.#rtcpTarget);
  }

  /** Datagrams that the system dropped because the receive buffer was full. */
  get socketDrops(): number {
    return this.#open && this.#library.symbols.mr_udp_dropped(this.#handles[0], dropped) === 0 ? dropped[0] : 0;
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

  #target(port: number): Uint8Array<ArrayBuffer> | null {
    if (port <= 0) return null;
    const target = this.#peer.slice();
    new DataView(target.buffer).setUint16(2, port, true);
    return target;
  }

  #send(socket: number, packet: Uint8Array<ArrayBuffer>, target: Uint8Array<ArrayBuffer> | null): void {
    // What cannot be sent is not missed: the next report follows in seconds.
    if (this.#open && target) this.#library.symbols.mr_udp_send(this.#handles[socket], packet, packet.length, target);
  }

  #receive(handle: number, handler: DatagramHandler): void {
    for (let reads = 0; reads < READS && this.#open; reads++) {
      const count = this.#library.symbols.mr_udp_recv_many(handle, buffer, SLOT_BYTES, BATCH, lengths, peers);
      const at = now();
      for (let i = 0; i < count && this.#open; i++) {
        if (lengths[i] <= 0 || !this.#isCamera(i * ADDRESS_BYTES)) this.foreign++;
        else handler(buffer, i * SLOT_BYTES, i * SLOT_BYTES + lengths[i], at);
      }
      if (count < BATCH) return;
    }
  }

  #isCamera(at: number): boolean {
    return isHost(this.#peer, at) || this.#source !== null && isHost(this.#source, at);
  }
}

/** Whether the peer at `at` has the host of `address`. */
function isHost(address: Uint8Array, at: number): boolean {
  for (let i = HOST_AT; i < ADDRESS_BYTES; i++) if (peers[at + i] !== address[i]) return false;
  return true;
}
