import { RtspError } from "../../src/media/mod.ts";
import { SECURED, type TlsRefusal } from "../tls_protocol.ts";
import { connectError } from "./connect_error.ts";
import { Connection, type Link, type LinkEvents } from "./connection.ts";
import type { NativeLibrary } from "./native.ts";
import type { Poller } from "./poller.ts";

/** Has the TLS worker connect, and pass plain bytes on to and from a handle. */
export type Secure = (handle: number) => void;

/** A connection by TLS: the plain end of a stream whose other end the TLS worker has. */
export class TlsConnection implements Link {
  readonly failure: number;
  readonly #events: LinkEvents;
  readonly #url: string;
  readonly #plain: Connection | null = null;
  #secured = false;
  readonly #early: Uint8Array[] = [];
  /** What came of a refusal. */
  #refusal: number[] = [];

  constructor(
    sockets: { library: NativeLibrary; poller: Poller },
    to: { url: string; secure: Secure },
    events: LinkEvents,
  ) {
    this.#events = events;
    this.#url = to.url;
    const pair = new Int32Array(2);
    this.failure = Math.max(0, -sockets.library.symbols.mr_stream_pair(pair));
    if (this.failure !== 0) return;
    this.#plain = new Connection(sockets.library, sockets.poller, pair[0], {
      connected: () => {},
      received: (bytes) => this.#receive(bytes),
      over: (errno) => this.#over(errno),
      broken: events.broken,
    });
    to.secure(pair[1]);
  }

  get full(): boolean {
    return this.#plain?.full ?? false;
  }

  send(bytes: Uint8Array): void {
    // Until then there is nobody who would take it.
    if (this.#secured) this.#plain?.send(bytes);
    else this.#early.push(bytes);
  }

  close(): void {
    this.#plain?.close();
  }

  #receive(bytes: Uint8Array): void {
    if (this.#secured) return this.#events.received(bytes);
    if (this.#refusal.length > 0 || bytes[0] !== SECURED) return void this.#refusal.push(...bytes);
    this.#secured = true;
    for (const early of this.#early.splice(0)) this.#plain?.send(early);
    this.#events.connected();
    if (bytes.length > 1) this.#events.received(bytes.subarray(1));
  }

  #over(errno: number): void {
    if (this.#refusal.length === 0) return this.#events.over(errno);
    const said: TlsRefusal = JSON.parse(new TextDecoder().decode(Uint8Array.from(this.#refusal.slice(1))));
    if ("errno" in said) return this.#events.refused(connectError(this.#url, said.errno));
    this.#events.refused(new RtspError(said.code, `Cannot open ${this.#url}: ${said.reason}`));
  }
}
