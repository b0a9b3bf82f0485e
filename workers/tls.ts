/// <reference lib="deno.worker" />
import { ERRNO } from "../ffi/errno.ts";
import { loadLibrary, type NativeLibrary } from "../ffi/load.ts";
import type { Waiter } from "./tls/native_stream.ts";
import { relay } from "./tls/relay.ts";
import type { ToTlsWorker } from "./tls_protocol.ts";

/*
 * The TLS worker: the encrypted side of all RTSP sessions over TLS. It may call the C library and nothing else, like the ingest
 * worker, which could not run this, since TLS comes with Deno's event loop and that thread sleeps in a loop of its own.
 * Between the two a stream of the C library carries plain bytes.
 */

const CAPACITY = 256;
/** Milliseconds of one wait. */
const WAIT = 1_000;

/** Waits for handles on one of Deno's threads for calls that block. */
class Handles implements Waiter {
  readonly #library: NativeLibrary;
  readonly #poll: number;
  /** All that are open. */
  readonly #known = new Set<number>();
  readonly #ready = new Map<number, (events: number) => void>();

  constructor(library: NativeLibrary, poll: number) {
    this.#library = library;
    this.#poll = poll;
  }

  close(handle: number): void {
    this.watch(handle, 0, () => {});
    this.#known.delete(handle);
    this.#library.symbols.mr_close(handle);
  }

  watch(handle: number, events: number, ready: (events: number) => void): void {
    if (events === 0) this.#ready.delete(handle);
    else this.#ready.set(handle, ready);
    this.#known.add(handle);
    this.#library.symbols.mr_poll_set(this.#poll, handle, events, handle);
  }

  /** Until the poll handle is closed. Handles belong to the process: what this thread has open would outlive it. */
  async run(): Promise<void> {
    const tags = new Uint32Array(CAPACITY), events = new Uint32Array(CAPACITY);
    for (;;) {
      const count = await this.#library.symbols.mr_poll_wait_async(this.#poll, WAIT, tags, events, CAPACITY);
      if (count === -ERRNO.EBADF) break;
      for (let i = 0; i < count; i++) this.#ready.get(tags[i])?.(events[i]);
    }
    for (const handle of this.#known) this.#library.symbols.mr_close(handle);
    self.close();
  }
}

// Elsewhere this is loaded for the cache alone: see spawn.ts.
if (self.name === "millrace-tls") {
  let library: NativeLibrary;
  let handles: Handles;
  self.onmessage = (event: MessageEvent<ToTlsWorker>) => {
    const message = event.data;
    if (message.type === "open") return relay(library, handles, message);
    library = loadLibrary(message.library);
    handles = new Handles(library, message.poll);
    void handles.run();
  };
}
