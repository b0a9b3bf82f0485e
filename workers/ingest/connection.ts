import type { RtspError } from "../../src/media/mod.ts";
import { ERRNO, type NativeLibrary, POLL_ERROR, POLL_OUT } from "./native.ts";
import type { Poller } from "./poller.ts";

/** Bytes taken from a socket at once; one buffer for all connections, as what is read is handled at once. */
const RECEIVE_BYTES = 262_144;
/** Reads of one socket in a row, so that a fast camera does not keep the others waiting. */
const READS = 4;
/** Bytes that wait for room in a socket before no more are taken. */
const MAX_UNSENT = 65_536;
const buffer = new Uint8Array(RECEIVE_BYTES);

/** A way to bytes and back: a TCP connection, or what is made of one or two. */
export interface Link {
  /** The errno of what failed at once, else 0; nothing is told by the events then. */
  readonly failure: number;
  /** Whether the peer does not read what it was sent: nothing more should be handed over. */
  readonly full: boolean;
  /** Sends bytes, which are the link's from then on. */
  send(bytes: Uint8Array): void;
  /** Has something received only where so many bytes are there; with 1 each as it comes. Not every link can do that. */
  gather?(bytes: number): void;
  /** Receives what has gathered, however little. */
  receive?(): void;
  /** Idempotent. */
  close(): void;
}

/** What a connection tells its owner. */
export interface ConnectionEvents {
  connected(): void;
  /** Borrowed until it returns. */
  received(bytes: Uint8Array): void;
  /** 0: the peer ended it; else a positive errno. Nothing follows. */
  over(errno: number): void;
  /** One of these threw. */
  broken(error: unknown): void;
}

/** What a link that is more than a connection tells its owner. */
export interface LinkEvents extends ConnectionEvents {
  /** It came about, and is not to be used. Nothing follows. */
  refused(error: RtspError): void;
}

/** One TCP connection without blocking, from connect to close. */
export class Connection implements Link {
  readonly #library: NativeLibrary;
  readonly #poller: Poller;
  readonly #events: ConnectionEvents;
  readonly #handle: number;
  readonly #tag: number = 0;
  #connected = false;
  #open = true;
  /** What the socket had no room for, in order. */
  readonly #unsent: Uint8Array[] = [];
  #unsentBytes = 0;
  #gathering = 1;

  /** @param to Whom to connect to, or the handle of a stream that stands, this object's from now on. */
  constructor(library: NativeLibrary, poller: Poller, to: Uint8Array<ArrayBuffer> | number, events: ConnectionEvents) {
    this.#library = library;
    this.#poller = poller;
    this.#events = events;
    this.#connected = typeof to === "number";
    this.#handle = typeof to === "number" ? to : library.symbols.mr_tcp_connect(to);
    if (this.#handle < 0) return;
    this.#tag = poller.add(this.#handle, { ready: (ready) => this.#ready(ready), broken: events.broken });
    if (!this.#connected) poller.watch(this.#handle, this.#tag, true);
  }

  /** The errno of a connect that failed at once, else 0; nothing is told by the events then. */
  get failure(): number {
    return this.#handle < 0 ? -this.#handle : 0;
  }

  /** Whether the peer does not read what it was sent: nothing more should be handed over. */
  get full(): boolean {
    return this.#unsentBytes > MAX_UNSENT;
  }

  /** Sends bytes, which are the connection's from then on. */
  send(bytes: Uint8Array): void {
    if (!this.#open) return;
    this.#unsent.push(bytes);
    this.#unsentBytes += bytes.length;
    if (this.#connected) this.#flush();
  }

  gather(bytes: number): void {
    if (bytes === this.#gathering || !this.#connected || !this.#open) return;
    this.#gathering = bytes;
    this.#library.symbols.mr_tcp_gather(this.#handle, bytes);
  }

  receive(): void {
    if (this.#gathering > 1 && this.#open) this.#receive(false);
  }

  /** Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#handle < 0) return;
    this.#poller.remove(this.#handle, this.#tag);
    this.#library.symbols.mr_close(this.#handle);
  }

  #ready(events: number): void {
    if (!this.#connected && !this.#finishConnect()) return;
    if (events & POLL_OUT && this.#open) this.#flush();
    if (events & ~POLL_OUT && this.#open) this.#receive((events & POLL_ERROR) !== 0);
  }

  #finishConnect(): boolean {
    const status = this.#library.symbols.mr_tcp_status(this.#handle);
    if (status === -ERRNO.EINPROGRESS) return false;
    if (status < 0) {
      this.#end(-status);
      return false;
    }
    this.#connected = true;
    this.#poller.watch(this.#handle, this.#tag, false);
    this.#events.connected();
    return this.#open;
  }

  #receive(failed: boolean): void {
    for (let reads = 0; (reads < READS || failed) && this.#open; reads++) {
      const count = this.#library.symbols.mr_recv(this.#handle, buffer, RECEIVE_BYTES);
      if (count === -ERRNO.EAGAIN) return;
      if (count <= 0) return this.#end(-count);
      this.#events.received(buffer.subarray(0, count));
      if (count < RECEIVE_BYTES && !failed) return;
    }
  }

  #flush(): void {
    while (this.#unsent.length > 0) {
      const bytes = this.#unsent[0];
      const sent = this.#library.symbols.mr_send(this.#handle, bytes as Uint8Array<ArrayBuffer>, bytes.length);
      if (sent < 0 && sent !== -ERRNO.EAGAIN) return this.#end(-sent);
      this.#unsentBytes -= Math.max(sent, 0);
      if (sent === bytes.length) {
        this.#unsent.shift();
        continue;
      }
      if (sent > 0) this.#unsent[0] = bytes.subarray(sent);
      return this.#poller.watch(this.#handle, this.#tag, true);
    }
    this.#poller.watch(this.#handle, this.#tag, false);
  }

  #end(errno: number): void {
    this.close();
    this.#events.over(errno);
  }
}
