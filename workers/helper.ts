/// <reference lib="deno.worker" />
import { InstanceHelper } from "../wasm/mod.ts";
import type { FromHelperWorker, ToHelperWorker } from "./helper_protocol.ts";

/*
 * A helper: the second thread of a decode worker with pictures too large for one. It may do nothing but compute, and
 * works for one instance alone, in whose memory it is told to end.
 */

// Elsewhere this is loaded for the cache alone: see spawn.ts.
if (self.name === "millrace-helper") {
  self.onmessage = async ({ data: { module, memory, at } }: MessageEvent<ToHelperWorker>) => {
    const over: FromHelperWorker = { error: null };
    try {
      await new InstanceHelper(memory, at).run(module);
    } catch (error) {
      over.error = error instanceof Error ? error.message : String(error);
    }
    self.postMessage(over);
    self.close();
  };
}
