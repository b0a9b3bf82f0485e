import type { HttpTunnel } from "../../src/rtsp/mod.ts";
import type { Link, LinkEvents } from "./connection.ts";

/** Opens one more connection to the camera. */
export type Connect = (events: LinkEvents) => Link;

/** RTSP inside of HTTP: one connection that packets come by, another that requests go by. */
export class TunnelConnection implements Link {
  readonly #connect: Connect;
  readonly #tunnel: HttpTunnel;
  readonly #events: LinkEvents;
  #down: Link;
  #up: Link | null = null;
  #standing = false;

  constructor(connect: Connect, tunnel: HttpTunnel, events: LinkEvents) {
    this.#connect = connect;
    this.#tunnel = tunnel;
    this.#events = events;
    this.#down = this.#ask();
  }

  get failure(): number {
    return this.#down.failure;
  }

  get full(): boolean {
    return this.#up?.full ?? false;
  }

  send(bytes: Uint8Array): void {
    this.#up ??= this.#open();
    this.#up.send(this.#tunnel.encode(bytes));
  }

  close(): void {
    this.#down.close();
    this.#up?.close();
    this.#up = null;
  }

  /** The direction that packets come by. */
  #ask(): Link {
    const link: Link = this.#connect({
      connected: () => link.send(this.#tunnel.getRequest()),
      received: (bytes) => this.#receive(bytes),
      over: (errno) => {
        this.close();
        this.#events.over(errno);
      },
      refused: (error) => {
        this.close();
        this.#events.refused(error);
      },
      broken: this.#events.broken,
    });
    return link;
  }

  /** The direction that requests go by. Servers that end it, as they may after each, get another with the next request. */
  #open(): Link {
    const end = (link: Link) => {
      if (this.#up === link) this.#up = null;
    };
    const link: Link = this.#connect({
      connected: () => {},
      received: () => {}, // an answer to POST tells nothing: what matters comes the other way
      over: () => end(link),
      refused: () => end(link),
      broken: this.#events.broken,
    });
    link.send(this.#tunnel.postRequest());
    return link;
  }

  #receive(bytes: Uint8Array): void {
    if (this.#standing) return this.#events.received(bytes);
    const progress = this.#tunnel.receive(bytes);
    switch (progress.state) {
      case "more":
        return;
      case "open":
        this.#standing = true;
        this.#events.connected();
        if (progress.rest.length > 0 && this.#standing) this.#events.received(progress.rest);
        return;
      case "again":
        this.#down.close();
        this.#down = this.#ask();
        if (this.#down.failure !== 0) this.#events.over(this.#down.failure);
        return;
      case "failed":
        this.close();
        this.#events.refused(progress.error);
    }
  }
}
