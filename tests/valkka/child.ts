import { ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { picture, RING } from "./frames.ts";
import { pause, sequenceOf } from "./pattern.ts";

/* A process to be ended: `child.ts NAME HOW`. `write` and `read` go on for ever. */

const [name, how] = Deno.args;

if (how === "read") {
  console.log("ready");
  for await (using frame of await ShmReader.open(name, { ...RING, mode: "every", wait: 60_000 })) {
    if (sequenceOf(frame.planes[0].data) < 0) Deno.exit(9);
  }
} else {
  const ring = await ShmWriter.create(name, RING);
  ring.write(picture(1));
  if (how === "handles") {
    Deno.addSignalListener("SIGTERM", async () => {
      console.log("mine");
      await pause(200);
      await ring[Symbol.asyncDispose]();
      Deno.exit(0);
    });
  }
  console.log("ready");
  if (how === "exit") Deno.exit(3);
  if (how === "throw") throw new Error("On purpose");
  if (how === "write") {
    for (let i = 2;; i++) {
      ring.write(picture(i));
      if (i % 20 === 0) await pause(1);
    }
  }
  await pause(60_000);
}
