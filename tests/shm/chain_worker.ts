/// <reference lib="deno.worker" />
import { ShmWriter } from "../../src/shm/mod.ts";
import { chainFrame } from "./chain_frames.ts";

/* A thread that writes a ring of its own. */

self.onmessage = async ({ data: { name, count } }: MessageEvent<{ name: string; count: number }>) => {
  await using ring = await ShmWriter.create(name, { slots: 256, maxBytes: 64 * 48, larger: "remake" });
  self.postMessage("ready");
  await new Promise((resolve) => self.onmessage = resolve);
  for (let i = 0; i < count; i++) {
    ring.write(chainFrame(i));
    if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  }
};
