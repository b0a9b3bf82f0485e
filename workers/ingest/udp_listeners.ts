import { encodeAddress } from "../../ffi/address.ts";
import { type DatagramHandler, DatagramSocket, isHost } from "./datagram_socket.ts";
import { ADDRESS_BYTES, errnoPhrase, type NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";

/** What is listened for. */
export interface UdpListenersOptions {
  /** A multicast group, or an address of this machine; all of them where it is empty. */
  address: string;
  rtpPort: number;
  rtcpPort: number;
  /** Who sends; empty: whoever is the first to. */
  source: string;
  /** Bytes asked for. */
  receiveBuffer: number;
  rtp: DatagramHandler;
  rtcp: DatagramHandler;
  broken(error: unknown): void;
}

/**
 * Two sockets on ports that somebody else chose: of a multicast group, or as a description says them. Nothing is sent. Packets are
 * taken from one sender alone.
 */
export class UdpListeners {
  /** Bytes of the receive buffer that the system gave. */
  readonly receiveBuffer: number;
  readonly #sockets: DatagramSocket[] = [];
  #source: Uint8Array | null;

  /** @throws {Error} where the ports cannot be opened, or the group cannot be joined; the message says why. */
  constructor(sockets: { library: NativeLibrary; poller: Poller }, options: UdpListenersOptions) {
    const { symbols } = sockets.library;
    const { address, source, rtpPort, rtcpPort, broken } = options;
    this.#source = source === "" ? null : encodeAddress({ hostname: source, port: 0 });
    const got = new Int32Array(1);
    let receiveBuffer = 0;
    const isWanted = (peers: Uint8Array, at: number) => this.#isSender(peers, at);
    try {
      for (const [port, take] of [[rtpPort, options.rtp], [rtcpPort, options.rtcp]] as const) {
        const bind = encodeAddress({ hostname: address || "0.0.0.0", port });
        const handle = symbols.mr_udp_open(bind, take === options.rtp ? options.receiveBuffer : 0, got);
        if (handle < 0) throw new Error(`port ${port}: ${errnoPhrase(handle)}`);
        this.#sockets.push(new DatagramSocket(sockets, handle, { isWanted, take, broken }));
        if (isMulticast(address)) {
          const joined = symbols.mr_udp_join(handle, bind, 0, this.#source);
          if (joined < 0) throw new Error(`group ${address}: ${errnoPhrase(joined)}`);
        }
        if (take === options.rtp) receiveBuffer = got[0];
      }
    } catch (error) {
      this.close();
      throw error;
    }
    this.receiveBuffer = receiveBuffer;
  }

  /** Datagrams that came from elsewhere, or were too long. */
  get foreign(): number {
    return this.#sockets.reduce((sum, socket) => sum + socket.foreign, 0);
  }

  /** Datagrams that the system dropped because the receive buffer was full. */
  get socketDrops(): number {
    return this.#sockets[0].drops;
  }

  /** Idempotent; leaves the group, too. */
  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  #isSender(peers: Uint8Array, at: number): boolean {
    this.#source ??= peers.slice(at, at + ADDRESS_BYTES);
    return isHost(this.#source, peers, at);
  }
}

/** Whether a numeric address is one of a group. */
export function isMulticast(address: string): boolean {
  return /^(22[4-9]|23\d)\.[\d.]+$/.test(address) || /^ff[0-9a-f]{2}:/i.test(address);
}

/** An address that a camera names; null where it is no numeric address. */
export function numericAddress(address: string): Uint8Array<ArrayBuffer> | null {
  try {
    return address === "" ? null : encodeAddress({ hostname: address, port: 0 });
  } catch {
    return null;
  }
}
