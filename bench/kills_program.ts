import { ShmReader, ShmWriter } from "../src/shm/mod.ts";
import { picture } from "../tests/valkka/frames.ts";
import { sequenceOf } from "../tests/valkka/pattern.ts";

/* A process to be killed: `write|read NAME millrace|valkka`, for ever. It says "ready" when it begins. */

export const KILLS_SHAPE = { width: 320, height: 240 } as const;
export const KILLS_SLOTS = 4;

/** How a ring of either protocol is made, and read. */
export const KILLS_RING = {
  millrace: { ...KILLS_SHAPE, format: "RGB24", slots: KILLS_SLOTS },
  valkka: { ...KILLS_SHAPE, protocol: "valkka", slots: KILLS_SLOTS },
} as const;

if (import.meta.main) {
  const [what, name, protocol] = Deno.args as ["write" | "read", string, "millrace" | "valkka"];
  if (what === "write") {
    const ring = protocol === "millrace"
      ? await ShmWriter.create(name, KILLS_RING.millrace)
      : await ShmWriter.create(name, KILLS_RING.valkka);
    console.log("ready");
    for (let sequence = 0;; sequence++) {
      ring.write(picture(sequence, KILLS_SHAPE));
      if (sequence % 50 === 49) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  const options = { mode: "every", wait: 60_000 } as const;
  const reader = protocol === "millrace"
    ? await ShmReader.open(name, options)
    : await ShmReader.open(name, { ...KILLS_RING.valkka, ...options });
  console.log("ready");
  for (let frame = await reader.next(); frame; frame = await reader.next()) {
    using held = frame;
    if (sequenceOf(held.planes[0].data) < 0) Deno.exit(9);
  }
}
