import { seededRandom } from "../../src/camera/faults.ts";

/** What a network does to the datagrams that come through it. */
export interface Impairments {
  /** Share that is lost, 0 to 1. */
  loss?: number;
  /** Share that is held back for up to `by` milliseconds, so that others pass it. */
  reorder?: { share: number; by: number };
  /** Every one is late by 0 to so many milliseconds, in its order all the same, as behind a queue. */
  jitter?: number;
}

/** A camera's UDP client ports, and the relay's that stand in for them. */
interface Relayed {
  sockets: Deno.DatagramConn[];
}

/**
 * A way to an RTSP server on the loopback that treats its datagrams badly, the same ones for the same seed. Clients are told nothing: the
 * ports that they offer are changed on the way.
 */
export class BadNetwork implements AsyncDisposable {
  readonly port: number;
  /** Datagrams that came, and that were lost here. */
  readonly counts = { came: 0, lost: 0 };
  /** Nothing passes, in either direction, and nobody is told. */
  isCut = false;
  readonly #server: number;
  readonly #impairments: Impairments;
  readonly #random: () => number;
  readonly #listener: Deno.TcpListener;
  readonly #open = new Set<Deno.TcpConn>();
  readonly #relayed = new Set<Relayed>();
  readonly #timers = new Map<ReturnType<typeof setTimeout>, () => void>();
  readonly #running: Promise<void>[] = [];
  #closed = false;

  constructor(server: number, impairments: Impairments, seed = 1) {
    this.#server = server;
    this.#impairments = impairments;
    this.#random = seededRandom(seed);
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#running.push(this.#accept());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener.close();
    for (const connection of this.#open) shut(connection);
    for (const relayed of this.#relayed) this.#end(relayed);
    for (const [timer, what] of this.#timers) {
      clearTimeout(timer);
      what();
    }
    await Promise.all(this.#running);
  }

  async #accept(): Promise<void> {
    try {
      for await (const near of this.#listener) this.#running.push(this.#talk(near));
    } catch {
      // closed
    }
  }

  async #talk(near: Deno.TcpConn): Promise<void> {
    const relayed = new Set<Relayed>();
    let far: Deno.TcpConn | undefined;
    try {
      this.#open.add(near);
      far = await Deno.connect({ hostname: "127.0.0.1", port: this.#server });
      this.#open.add(far);
      const back = this.#answers(far, near);
      await this.#requests(near, far, relayed);
      await back;
    } catch {
      // One of the two is gone.
    }
    for (const connection of [near, far]) {
      if (!connection) continue;
      shut(connection);
      this.#open.delete(connection);
    }
    for (const ports of relayed) this.#end(ports);
  }

  /** Passes requests on, one after the other, as there may be ports in them. */
  async #requests(near: Deno.TcpConn, far: Deno.TcpConn, relayed: Set<Relayed>): Promise<void> {
    let text = "";
    const decoder = new TextDecoder("latin1");
    for await (const chunk of near.readable.values({ preventCancel: true })) {
      if (this.isCut) continue;
      text += decoder.decode(chunk);
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        const request = text.slice(0, end + 4).replace(/client_port=(\d+)-(\d+)/, (_, rtp, rtcp) => {
          const ports = this.#relay([Number(rtp), Number(rtcp)]);
          relayed.add(ports);
          return `client_port=${ports.sockets.map(({ addr }) => (addr as Deno.NetAddr).port).join("-")}`;
        });
        text = text.slice(end + 4);
        await write(far, new TextEncoder().encode(request));
      }
    }
    shut(far);
  }

  async #answers(far: Deno.TcpConn, near: Deno.TcpConn): Promise<void> {
    try {
      for await (const chunk of far.readable.values({ preventCancel: true })) if (!this.isCut) await write(near, chunk);
    } catch {
      // One of the two is gone.
    }
    shut(near);
  }

  #relay(clientPorts: readonly [number, number]): Relayed {
    const sockets = openPair();
    const relayed = { sockets };
    this.#relayed.add(relayed);
    sockets.forEach((socket, i) => this.#running.push(this.#pass(socket, clientPorts[i])));
    return relayed;
  }

  async #pass(socket: Deno.DatagramConn, port: number): Promise<void> {
    const { loss = 0, reorder, jitter = 0 } = this.#impairments;
    const to = { transport: "udp", hostname: "127.0.0.1", port } as const;
    let queue: Promise<unknown> = Promise.resolve();
    const send = (packet: Uint8Array) => socket.send(packet, to).catch(() => {});
    try {
      for await (const [packet] of socket) {
        this.counts.came++;
        if (this.isCut || this.#random() < loss) {
          this.counts.lost++;
          continue;
        }
        if (reorder && this.#random() < reorder.share) {
          this.#later(this.#random() * reorder.by, () => void send(packet));
          continue;
        }
        // One after the other: sends that overlap let packets overtake one another.
        const at = performance.now() + this.#random() * jitter;
        queue = queue.then(() => this.#until(at)).then(() => send(packet));
      }
    } catch {
      // closed
    }
    await queue;
  }

  /** Resolves at a time, and at once where that is past or the network gone. */
  #until(at: number): Promise<void> | void {
    const wait = at - performance.now();
    if (wait > 0 && !this.#closed) return new Promise((resolve) => this.#later(wait, resolve));
  }

  #later(milliseconds: number, what: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      what();
    }, milliseconds);
    this.#timers.set(timer, what);
  }

  #end(relayed: Relayed): void {
    if (!this.#relayed.delete(relayed)) return;
    for (const socket of relayed.sockets) socket.close();
  }
}

function openPair(): Deno.DatagramConn[] {
  for (;;) {
    const first = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    const { port } = first.addr as Deno.NetAddr;
    try {
      return [first, Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: port + 1 })];
    } catch {
      first.close();
    }
  }
}

async function write(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
}

function shut(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // closed already
  }
}
