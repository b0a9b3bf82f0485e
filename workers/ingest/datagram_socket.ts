import { now } from "../../src/media/clock.ts";
import { ADDRESS_BYTES, type NativeLibrary } from "./native.ts";
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

/** What a socket is read with. */
export interface DatagramEvents {
  /** Whether packets of the host at `peers[at..]`, an address, are taken. */
  isWanted(peers: Uint8Array, at: number): boolean;
  take: DatagramHandler;
  /** One of these threw. */
  broken(error: unknown): void;
}

/** One UDP socket that is read as packets come. Datagrams of unwanted hosts, or too long, are dropped and counted. */
export class DatagramSocket {
  foreign = 0;
  readonly #library: NativeLibrary;
  readonly #poller: Poller;
  readonly #handle: number;
  readonly #tag: number;
  readonly #events: DatagramEvents;
  #open = true;

  /** @param handle Of the socket; this object's from now on. */
  constructor(sockets: { library: NativeLibrary; poller: Poller }, handle: number, events: DatagramEvents) {
    this.#library = sockets.library;
    this.#poller = sockets.poller;
    this.#handle = handle;
    this.#events = events;
    this.#tag = sockets.poller.add(handle, { ready: () => this.#receive(), broken: events.broken });
  }

  /** Sends one packet. What cannot be sent is not missed: the next report follows in seconds. */
  send(packet: Uint8Array<ArrayBuffer>, target: Uint8Array<ArrayBuffer>): void {
    if (this.#open) this.#library.symbols.mr_udp_send(this.#handle, packet, packet.length, target);
  }

  /** Datagrams that the system dropped because the receive buffer was full. */
  get drops(): number {
    return this.#open && this.#library.symbols.mr_udp_dropped(this.#handle, dropped) === 0 ? dropped[0] : 0;
  }

  /** Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#poller.remove(this.#handle, this.#tag);
    this.#library.symbols.mr_close(this.#handle);
  }

  #receive(): void {
    for (let reads = 0; reads < READS && this.#open; reads++) {
      const count = this.#library.symbols.mr_udp_recv_many(this.#handle, buffer, SLOT_BYTES, BATCH, lengths, peers);
      const at = now();
      for (let i = 0; i < count && this.#open; i++) {
        if (lengths[i] <= 0 || !this.#events.isWanted(peers, i * ADDRESS_BYTES)) this.foreign++;
        else this.#events.take(buffer, i * SLOT_BYTES, i * SLOT_BYTES + lengths[i], at);
      }
      if (count < BATCH) return;
    }
  }
}

/** Whether the address at `peers[at..]` has the host of another. */
export function isHost(address: Uint8Array, peers: Uint8Array, at: number): boolean {
  for (let i = HOST_AT; i < ADDRESS_BYTES; i++) if (peers[at + i] !== address[i]) return false;
  return true;
}
