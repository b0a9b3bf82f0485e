import { readMark } from "../src/camera/mod.ts";
import { say, toldToEnd } from "../src/cli/demo/told_to_end.ts";
import { ShmReader } from "../src/shm/mod.ts";
import type { SoakRead } from "./soak.ts";

/* The other process of bench/soak.ts: reads the rings that are named, and counts frames that bear another ring's number. */

const sum: SoakRead = { frames: 0, foreign: 0, missed: 0 };
const stop = new AbortController();
void toldToEnd().then(() => stop.abort());
const timer = setInterval(() => say(sum), 1_000);
try {
  await Promise.all(Deno.args.map(read));
} catch (error) {
  if (!stop.signal.aborted) throw error;
}
clearInterval(timer);
say(sum);
Deno.exit(0);

async function read(name: string): Promise<void> {
  const mark = Number(name.split("-").at(-1));
  for await (using frame of await ShmReader.open(name, { mode: "every", wait: 10_000, signal: stop.signal })) {
    sum.frames++;
    sum.missed += frame.missed;
    if (readMark(frame.planes[0], frame.width, 3) !== mark) sum.foreign++;
  }
}
