import { Duplex } from "node:stream";
import { Buffer } from "node:buffer";
import type { NativeLibrary } from "../../ffi/load.ts";
import { ERRNO, errnoPhrase } from "../../ffi/errno.ts";
import { POLL_IN, POLL_OUT } from "../../ffi/symbols.ts";

const RECEIVE_BYTES = 65_536;
const buffer = new Uint8Array(RECEIVE_BYTES);

/** One wait for all handles of this thread: `watch()` says which events are waited for, and who is told. */
export interface Waiter {
  watch(handle: number, events: number, ready: (events: number) => void): void;
  /** Forgets a handle, and closes it. */
  close(handle: number): void;
}

/** A stream of Node's over a handle of the C library, which it closes at its end. */
export class NativeStream extends Duplex {
  readonly #library: NativeLibrary;
  readonly #waiter: Waiter;
  readonly #handle: number;
  #reading = false;
  #unsent: { bytes: Uint8Array<ArrayBuffer>; done: (error?: Error | null) => void } | null = null;
  #open = true;

  constructor(library: NativeLibrary, handle: number, waiter: Waiter) {
    super({ allowHalfOpen: false });
    this.#library = library;
    this.#handle = handle;
    this.#waiter = waiter;
  }

  #ready(events: number): void {
    if (events & POLL_OUT) this.#flush();
    if (events & ~POLL_OUT && this.#open) this.#receive();
  }

  override _read(): void {
    this.#reading = true;
    this.#wait();
  }

  override _write(chunk: Uint8Array<ArrayBuffer>, _encoding: string, done: (error?: Error | null) => void): void {
    this.#unsent = { bytes: chunk, done };
    this.#flush();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#open) {
      this.#open = false;
      this.#waiter.close(this.#handle);
    }
    done(error);
  }

  #receive(): void {
    if (!this.#reading) return this.#wait();
    const count = this.#library.symbols.mr_recv(this.#handle, buffer, RECEIVE_BYTES);
    if (count === -ERRNO.EAGAIN) return;
    if (count < 0) return void this.destroy(new Error(errnoPhrase(count)));
    if (count === 0) {
      this.#reading = false;
      this.#wait();
      return void this.push(null);
    }
    this.#reading = this.push(Buffer.from(buffer.subarray(0, count)));
    if (!this.#reading) this.#wait();
  }

  #flush(): void {
    const unsent = this.#unsent;
    if (!unsent || !this.#open) return;
    while (unsent.bytes.length > 0) {
      const sent = this.#library.symbols.mr_send(this.#handle, unsent.bytes, unsent.bytes.length);
      if (sent === -ERRNO.EAGAIN) return this.#wait();
      if (sent < 0) {
        this.#unsent = null;
        return unsent.done(new Error(errnoPhrase(sent)));
      }
      unsent.bytes = unsent.bytes.subarray(sent);
    }
    this.#unsent = null;
    this.#wait();
    unsent.done();
  }

  #wait(): void {
    if (!this.#open) return;
    const events = (this.#reading ? POLL_IN : 0) | (this.#unsent ? POLL_OUT : 0);
    this.#waiter.watch(this.#handle, events, (now) => this.#ready(now));
  }
}
