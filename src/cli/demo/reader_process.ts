import { ShmReader } from "../../shm/mod.ts";
import { say, toldToEnd } from "./told_to_end.ts";

/*
 * reader_process.ts RING…: reads frames out of shared memory by the rings' names, and says of each what it was. May
 * call the C library and read where that is, and nothing else.
 */

/** What this process says of each frame. */
export interface FrameRead {
  ring: string;
  width: number;
  height: number;
  format: string;
  /** Milliseconds from the last packet of the picture until it was here. */
  age: number;
  missed: number;
  /** Mean of all bytes, for which they have to be read. */
  mean: number;
}

if (import.meta.main) {
  const stop = new AbortController();
  void toldToEnd().then(() => stop.abort());
  try {
    await Promise.all(Deno.args.map((ring) => read(ring, stop.signal)));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  Deno.exit(0);
}

async function read(ring: string, signal: AbortSignal): Promise<void> {
  for await (using frame of await ShmReader.open(ring, { mode: "every", signal })) {
    const { width, height, format, age, missed } = frame;
    const [{ data }] = frame.planes;
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += data[i];
    say({ ring, width, height, format, age, missed, mean: sum / data.length } satisfies FrameRead);
  }
}
