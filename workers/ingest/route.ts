// Pure: no I/O.
import { RtspError } from "../../src/media/mod.ts";
import { parseCameraUrl } from "../../src/rtsp/mod.ts";
import { AddressList } from "./address_list.ts";

/** Redirections in a row that are followed. */
const MAX_REDIRECTS = 3;

/** Where a camera is looked for: at home, as the program said, or where it sent its client to. */
export class Route {
  readonly #homeUrl: string;
  readonly #home: AddressList;
  #away: AddressList | null = null;
  #redirects = 0;
  /** What is asked for, without credentials. */
  url: string;

  /** @param addresses of the home's host, 24 bytes each */
  constructor(url: string, addresses: Uint8Array<ArrayBuffer>) {
    this.#homeUrl = this.url = url;
    this.#home = new AddressList(addresses);
  }

  /** The address to connect to. */
  get address(): Uint8Array<ArrayBuffer> {
    return (this.#away ?? this.#home).current;
  }

  /** Whether a redirection led to another host. */
  get isAway(): boolean {
    return this.#away !== null;
  }

  /** Goes on to the host's next address; false, and back at the first, where there was none. */
  advance(): boolean {
    return (this.#away ?? this.#home).advance();
  }

  /** What the home's name stands for now. */
  setHome(addresses: Uint8Array<ArrayBuffer>): void {
    this.#home.replace(addresses);
  }

  /**
   * Takes a redirection: `"here"` where it leads to the same host, `"elsewhere"` where `arrive()` is to say what that host's
   * addresses are, since a program may not reach every host; an error where there were too many.
   */
  redirect(to: string): "here" | "elsewhere" | RtspError {
    if (++this.#redirects > MAX_REDIRECTS) {
      return new RtspError("protocol", `Cannot open ${this.#homeUrl}: it redirects again and again`);
    }
    const before = parseCameraUrl(this.url), after = parseCameraUrl(to);
    if (before.host !== after.host || before.port !== after.port || before.secure !== after.secure) return "elsewhere";
    this.url = to;
    return "here";
  }

  /** The host that a redirection led to may be reached, and has these addresses. */
  arrive(url: string, addresses: Uint8Array<ArrayBuffer>): void {
    this.url = url;
    this.#away = new AddressList(addresses);
  }

  /** The next attempt begins at home. */
  goHome(): void {
    this.url = this.#homeUrl;
    this.#away = null;
    this.#redirects = 0;
  }

  /** Pictures come: what led here is not counted any longer. */
  succeeded(): void {
    this.#redirects = 0;
  }
}
