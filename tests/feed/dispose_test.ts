import { assert, assertEquals } from "@std/assert";
import { makeClip, VirtualCamera } from "../../src/camera/mod.ts";
import { cacheFolder } from "../../src/cli/cache_folder.ts";
import { decode, openRtsp } from "../../mod.ts";

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
