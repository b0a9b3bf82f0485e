import { makeClip, VirtualCamera } from "../src/camera/mod.ts";
import { cacheFolder } from "../src/cli/cache_folder.ts";
import { decode, openRtsp, scale, ShmWriter } from "../mod.ts";
import { PlannedFeed } from "../src/feed/planned_feed.ts";
import { quantile, type Results } from "./results.ts";

const SECONDS = 20;

/** From the last packet of a picture until its frame is in another process: 720p25 over TCP, as 480x270 RGB. */
export async function pipelineBench(results: Results): Promise<void> {
  const clip = await makeClip({ cacheDir: cacheFolder() });
  await using server = await VirtualCamera.start({ files: { clock: clip } });
  const name = `bench-pipeline-${Deno.pid}`;
  const shape = { width: 480, height: 270, format: "RGB24" } as const;
  const ring = await ShmWriter.create(name, { ...shape, slots: 10 });
  const file = decodeURIComponent(new URL("./shm_reader.ts", import.meta.url).pathname);
  const reader = new Deno.Command(Deno.execPath(), { args: ["run", "-A", "--no-prompt", file, name], stdout: "piped" })
    .spawn();
  await using camera = await openRtsp(server.url("clock"), { transport: "tcp" });
  await using frames = camera.video.branch().pipe(decode());
  const stop = AbortSignal.timeout(SECONDS * 1000);
  await frames.branch().pipe(scale(shape)).pipeTo(ring, { signal: stop }).catch((error) => {
    if (error !== stop.reason) throw error;
  });
  if (!(frames instanceof PlannedFeed)) throw new TypeError("the plan does not run in the pool");
  const { frames: decoded, busyMicroseconds } = await frames.decoderStats();
  await ring[Symbol.asyncDispose]();
  const { stdout } = await reader.output();
  // The first pictures are the backlog of whoever joins.
  const ages = (JSON.parse(new TextDecoder().decode(stdout)) as number[]).slice(25);
  const decoding = busyMicroseconds / decoded / 1000;
  results.add({ name: "pipeline.720p.latency.p50", value: quantile(ages, 0.5), unit: "ms" });
  results.add({ name: "pipeline.720p.latency.p99", value: quantile(ages, 0.99), unit: "ms" });
  results.add({ name: "pipeline.720p.decoding", value: decoding, unit: "ms" });
  results.add({ name: "pipeline.720p.without-decoding.p50", value: quantile(ages, 0.5) - decoding, unit: "ms" });
  results.add({ name: "pipeline.720p.frames", value: ages.length, unit: "frames" });
}
