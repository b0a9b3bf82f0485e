import { familyOf } from "./address_list.ts";
import { type DatagramHandler, DatagramSocket, isHost } from "./datagram_socket.ts";
import { ADDRESS_BYTES, errnoPhrase, type NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";

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
  readonly #sockets: DatagramSocket[];
  readonly #peer: Uint8Array<ArrayBuffer>;
  #source: Uint8Array<ArrayBuffer> | null = null;
  #rtpTarget: Uint8Array<ArrayBuffer> | null = null;
  #rtcpTarget: Uint8Array<ArrayBuffer> | null = null;

  /** @throws {Error} where no ports are to be had; the message says why. */
  constructor(library: NativeLibrary, poller: Poller, options: UdpPairOptions) {
    this.#peer = options.peer;
    const any = new Uint8Array(ADDRESS_BYTES);
    any[0] = familyOf(options.peer);
    const handles = new Int32Array(2), ports = new Int32Array(2), got = new Int32Array(2);
    const result = library.symbols.mr_udp_pair(any, options.receiveBuffer, handles, ports, got);
    if (result < 0) throw new Error(errnoPhrase(-result));
    [this.rtpPort, this.rtcpPort] = ports;
    this.receiveBuffer = got[0];
    const isWanted = (peers: Uint8Array, at: number) => this.#isCamera(peers, at);
    this.#sockets = [options.rtp, options.rtcp].map((take, i) =>
      new DatagramSocket({ library, poller }, handles[i], { isWanted, take, broken: options.broken })
    );
  }

  /** Datagrams that came from elsewhere, or were too long. */
  get foreign(): number {
    return this.#sockets.reduce((sum, socket) => sum + socket.foreign, 0);
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
    if (this.#rtpTarget) this.#sockets[0].send(packet, this.#rtpTarget);
  }

  sendControl(packet: Uint8Array<ArrayBuffer>): void {
    if (this.#rtcpTarget) this.#sockets[1].send(packet, this.#rtcpTarget);
  }

  /** Datagrams that the system dropped because the receive buffer was full. */
  get socketDrops(): number {
    return this.#sockets[0].drops;
  }

  /** Idempotent. */
  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #target(port: number): Uint8Array<ArrayBuffer> | null {
    if (port <= 0) return null;
    const target = this.#peer.slice();
    new DataView(target.buffer).setUint16(2, port, true);
    return target;
  }

  #isCamera(peers: Uint8Array, at: number): boolean {
    return isHost(this.#peer, peers, at) || this.#source !== null && isHost(this.#source, peers, at);
  }
}
