import { assert, assertEquals, assertRejects } from "@std/assert";
import { makeClip, VirtualCamera } from "../../src/camera/mod.ts";
import { cacheFolder } from "../../src/cli/cache_folder.ts";
import { decode, openRtsp, scale, ShmWriter } from "../../mod.ts";

Deno.test("disposing of a decoder's feed ends every reader of its branches, with what was queued", async () => {
  const clip = await makeClip({ cacheDir: cacheFolder() });
  await using server = await VirtualCamera.start({ files: { clock: clip } });
  await using camera = await openRtsp(server.url("clock"));
  const decoded = camera.video.branch().pipe(decode());
  const other = camera.video.branch().pipe(decode()); // keeps its worker busy, so that nothing ends for want of work
  const counts = [0, 0];
  const stop = new AbortController();
  const read = async (i: number) => {
    for await (using _frame of decoded.branch()) counts[i]++;
  };
  const readers = [read(0), read(1)];
  const rest = (async () => {
    for await (using _frame of other) if (stop.signal.aborted) break;
  })();
  while (counts[0] < 5 || counts[1] < 5) await new Promise((done) => setTimeout(done, 20));
  await decoded[Symbol.asyncDispose]();
  const began = performance.now();
  await Promise.all(readers);
  assert(performance.now() - began < 500, "they end at once, and not when they look again by themselves");
  stop.abort();
  await rest;
  await other[Symbol.asyncDispose]();
  assertEquals(counts.every((count) => count >= 5), true);
});

Deno.test("a program that only waits for frames stays alive until there are some", async () => {
  const program = `
    import { Doorbell } from "${new URL("../../workers/doorbell.ts", import.meta.url)}";
    const bell = new Doorbell();
    await bell.waitAsync(0, 300);
    console.log("woke");`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", program],
    stdout: "piped",
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "woke");
});

Deno.test("pipeTo() to shared memory is over when the ring or the feed is disposed of, at any moment", async () => {
  const clip = await makeClip({ cacheDir: cacheFolder() });
  await using server = await VirtualCamera.start({ files: { clock: clip } });
  await using camera = await openRtsp(server.url("clock"));
  const shape = { width: 320, height: 180, format: "GRAY8" } as const;
  for (const after of [0, 1, 5, 200]) {
    for (const which of ["ring", "feed"]) {
      const ring = await ShmWriter.create(`dispose-${Deno.pid}`, shape);
      const frames = camera.video.branch().pipe(decode());
      const written = frames.branch().pipe(scale(shape)).pipeTo(ring);
      if (after > 0) await new Promise((done) => setTimeout(done, after));
      await (which === "ring" ? ring : frames)[Symbol.asyncDispose]();
      await written;
      await frames[Symbol.asyncDispose]();
      await ring[Symbol.asyncDispose]();
      await assertRejects(() => frames.branch().pipe(scale(shape)).pipeTo(ring), TypeError, "was closed");
    }
  }
});
