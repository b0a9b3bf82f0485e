import { Frame } from "../../src/media/mod.ts";
import { ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { chainFrame } from "./chain_frames.ts";

/* A process of a chain: `make TO COUNT` writes frames of its own, `pass FROM TO` reads a ring, inverts the pictures and writes another. */

const [role, first, second] = Deno.args;
const RING = { slots: 256, maxBytes: 64 * 48, larger: "remake" } as const;

if (role === "make") {
  await using ring = await ShmWriter.create(first, RING);
  console.log("ready");
  await Deno.stdin.read(new Uint8Array(1));
  for (let i = 0; i < Number(second); i++) {
    ring.write(chainFrame(i));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
} else {
  await using ring = await ShmWriter.create(second, RING);
  await using reader = await ShmReader.open(first, { mode: "every", wait: 20_000 });
  console.log("ready");
  for (let frame = await reader.next(); frame; frame = await reader.next()) {
    using _ = frame;
    const pixels = frame.copy().map((value) => 255 - value);
    ring.write(Frame.of(pixels, frame));
  }
}
