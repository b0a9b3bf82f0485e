import { makeClip } from "../src/camera/mod.ts";
import { cacheFolder } from "../src/cli/cache_folder.ts";
import { Companion } from "../src/cli/demo/companion.ts";
import { decode, openRtsp, scale, ShmWriter } from "../mod.ts";
import { PlannedFeed } from "../src/feed/planned_feed.ts";
import { compileRival, run } from "./native.ts";
import type { CameraSaid } from "./pipeline_camera.ts";
import { median, quantile, type Results } from "./results.ts";

const ROUNDS = 3;
const SECONDS = 8;
const RATE = 25;
/** Pictures of a round that are not looked at: the backlog of whoever joins. */
const JOINING = 25;
/** Later than this a picture of that number is another one, a round of the clip later. */
const PLAUSIBLE_MS = 5_000;
/** What is put into the shared memory: the picture as it was decoded, or a smaller one. */
const CASES = {
  "720p": { width: 1280, height: 720, format: "I420" },
  "720p-scaled": { width: 480, height: 270, format: "RGB24" },
} as const;
type Case = keyof typeof CASES;

/** A picture in the other process: the number that it bears, Unix milliseconds, and in ours those since its last packet came. */
type Arrival = readonly [picture: number, at: number, age: number];

/** From a picture's last packet until its frame is in another process: 720p25 over TCP. */
export async function pipelineBench(results: Results): Promise<void> {
  const rival = await compileRival("pipeline", ["libavformat", "libavcodec", "libswscale", "libavutil"]);
  const clip = await makeClip({ cacheDir: cacheFolder(), mark: "counter" });
  const started = Promise.withResolvers<string>();
  const sent = new Map<number, number[]>();
  await using camera = new Companion<CameraSaid>(new URL("./pipeline_camera.ts", import.meta.url), {
    name: "camera",
    permissions: ["-A"],
    args: [clip],
    onSaid: (said) => {
      if ("url" in said) return started.resolve(said.url);
      const times = sent.get(said.picture % 256) ?? [];
      sent.set(said.picture % 256, [...times, said.at]);
    },
  });
  void camera.ended.then((error) => started.reject(error));
  const url = await started.promise;

  const latencies = (arrivals: readonly Arrival[]) =>
    arrivals.slice(JOINING).flatMap(([picture, at]) => {
      const since = (sent.get(picture) ?? []).map((begun) => at - begun).filter((ms) => ms >= 0);
      const latency = Math.min(...since);
      return latency < PLAUSIBLE_MS ? [latency] : [];
    });
  for (const name of Object.keys(CASES) as Case[]) await measure(results, { name, url, rival, latencies });
}

/** One case, in alternating rounds. */
async function measure(
  results: Results,
  { name, url, rival, latencies }: {
    name: Case;
    url: string;
    rival: string;
    latencies: (arrivals: readonly Arrival[]) => number[];
  },
): Promise<void> {
  const p50: number[] = [], p99: number[] = [], sending: number[] = [], ratios: number[] = [];
  const decoding: number[] = [], scaling: number[] = [];
  let frames = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const round = await ours(url, name);
    const text = await run(rival, [url, String(SECONDS * RATE), name === "720p" ? "copied" : "scaled"]);
    const native = text.trim().split("\n").map((line) => line.split(" ").map(Number) as unknown as Arrival);
    await new Promise((resolve) => setTimeout(resolve, 200)); // what the camera said of the last pictures
    const own = latencies(round.arrivals), others = latencies(native);
    const ages = round.arrivals.slice(JOINING).map(([, , age]) => age);
    p50.push(quantile(ages, 0.5));
    p99.push(quantile(ages, 0.99));
    sending.push(quantile(own, 0.5));
    decoding.push(round.decodingMs);
    scaling.push(round.scalingMs);
    ratios.push(quantile(own, 0.5) / quantile(others, 0.5));
    frames += own.length;
  }
  const add = (figure: string, values: number[], more: { ratio?: number; rival?: string } = {}) =>
    results.add({ name: `pipeline.${name}.${figure}`, value: median(values), unit: "ms", ...more });
  add("latency.p50", p50);
  add("latency.p99", p99);
  add("decoding", decoding);
  add("scaling", scaling);
  add("without-decoding.p50", p50.map((ms, i) => ms - decoding[i]));
  add("from-sending.p50", sending, { ratio: median(ratios), rival: "libavformat, libavcodec, libswscale" });
  results.add({ name: `pipeline.${name}.frames`, value: frames, unit: "frames" });
}

/** One round of ours: what arrived in the other process, and what the decoder itself took for a picture. */
async function ours(url: string, which: Case): Promise<{ arrivals: Arrival[]; decodingMs: number; scalingMs: number }> {
  const name = `bench-pipeline-${Deno.pid}`;
  const ring = await ShmWriter.create(name, { ...CASES[which], slots: 10 });
  const file = decodeURIComponent(new URL("./shm_reader.ts", import.meta.url).pathname);
  const reader = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", file, name, which === "720p" ? "luma" : "rgb"],
    stdout: "piped",
  }).spawn();
  const output = reader.output();
  {
    await using camera = await openRtsp(url, { transport: "tcp" });
    await using frames = camera.video.branch().pipe(decode());
    const stop = AbortSignal.timeout(SECONDS * 1000);
    const branch = frames.branch();
    const pictures = which === "720p" ? branch : branch.pipe(scale(CASES[which]));
    await pictures.pipeTo(ring, { signal: stop }).catch((error) => {
      if (error !== stop.reason) throw error;
    });
    if (!(frames instanceof PlannedFeed)) throw new TypeError("the plan does not run in the pool");
    const { frames: decoded, busyMicroseconds, scaleMicroseconds } = frames.decoderStats();
    await ring[Symbol.asyncDispose]();
    const arrivals = JSON.parse(new TextDecoder().decode((await output).stdout)) as Arrival[];
    const perFrame = (microseconds: number) => microseconds / decoded / 1000;
    // The decoder's own thread scales too, and counts that as time in which it is busy.
    const decodingMs = perFrame(busyMicroseconds - scaleMicroseconds);
    return { arrivals, decodingMs, scalingMs: perFrame(scaleMicroseconds) };
  }
}
