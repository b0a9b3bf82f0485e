import { openUdpPorts, type UdpPorts } from "./udp_ports.ts";

/** Datagrams that may wait for the system to take them: some seconds of an ordinary camera. */
const MAX_WAITING = 4096;
/** Below this many a picture begins, so that it is lost as a whole and not in its middle. */
const MAX_WAITING_AT_BEGIN = MAX_WAITING / 2;

/** The way to one client over UDP: a pair of ports, and a queue that keeps packets in their order. */
export class DatagramSender {
  readonly #ports: UdpPorts;
  readonly #peer: string;
  readonly #to: { rtp: number; rtcp: number };
  readonly #waiting: { kind: "rtp" | "rtcp"; packet: Uint8Array<ArrayBuffer> }[] = [];
  readonly #onControl: (bytes: Uint8Array) => void;
  #sending = false;
  #closed = false;

  /**
   * @param options.local Address that the client knows the server by.
   * @throws {Deno.errors.AddrInUse} where there are no two free neighbouring ports.
   */
  constructor(options: {
    local: string;
    peer: string;
    clientPorts: readonly [number, number];
    onControl: (bytes: Uint8Array) => void;
  }) {
    const { local, peer, clientPorts } = options;
    this.#ports = openUdpPorts(local);
    this.#peer = peer;
    this.#to = { rtp: clientPorts[0], rtcp: clientPorts[1] };
    this.#onControl = options.onControl;
    void this.#readControl();
  }

  /** The server's ports. */
  get serverPorts(): [number, number] {
    return [this.#ports.rtpPort, this.#ports.rtpPort + 1];
  }

  get hasRoom(): boolean {
    return this.#waiting.length < MAX_WAITING_AT_BEGIN;
  }

  send(kind: "rtp" | "rtcp", packet: Uint8Array<ArrayBuffer>): void {
    // More than this waiting is a network that takes nothing: it loses the packet.
    if (this.#closed || this.#waiting.length >= MAX_WAITING) return;
    this.#waiting.push({ kind, packet });
    if (!this.#sending) void this.#sendWaiting();
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting.length = 0;
    this.#ports.close();
  }

  /** Sends datagrams one after the other: sends that overlap let packets overtake one another. */
  async #sendWaiting(): Promise<void> {
    this.#sending = true;
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      const { kind, packet } = next;
      const address = { transport: "udp", hostname: this.#peer, port: this.#to[kind] } as const;
      try {
        await this.#ports[kind].send(packet, address);
      } catch {
        // A client that is gone loses packets, as networks do.
      }
    }
    this.#sending = false;
  }

  async #readControl(): Promise<void> {
    try {
      for await (const [bytes, from] of this.#ports.rtcp) {
        if ((from as Deno.NetAddr).hostname === this.#peer) this.#onControl(bytes);
      }
    } catch {
      // The socket was closed.
    }
  }
}
