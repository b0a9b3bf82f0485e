// Pure: no I/O.

/** What the main thread tells a helper: the instance that it is to help. The only message. */
export interface ToHelperWorker {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Of an `InstanceHelper`. */
  at: number;
}

/** What a helper tells the main thread: that it is over, and why, where it trapped. */
export interface FromHelperWorker {
  error: string | null;
}
