import { makeClip, readMark } from "../src/camera/mod.ts";
import { cacheFolder } from "../src/cli/cache_folder.ts";
import { Companion } from "../src/cli/demo/companion.ts";
import { decode, interval, openRtsp, scale, ShmWriter } from "../mod.ts";
import { median, quantile, type Results } from "./results.ts";

const CAMERAS = 10;
const SECONDS = 300;
/** Until everything runs and is compiled. */
const WARM_UP = 60;
/** Samples from one line that says how it goes to the next. */
const PROGRESS = 4;
const SHAPE = { width: 480, height: 270, format: "RGB24" } as const;

/** What the process that reads the shared memory says every second. */
export interface SoakRead {
  frames: number;
  foreign: number;
  missed: number;
}

/** One look at all of them. */
interface Sample {
  at: number;
  own: Footprint;
  cameras: Footprint;
  reader: Footprint;
  frames: number;
}

/** What a process holds. */
interface Footprint {
  residentMiB: number;
  threads: number;
}

/**
 * Ten cameras of 720p25, all of their frames decoded and looked at, and once a second in another process: whether anything
 * grows, and whether a frame ever comes from another camera. Each plays a clip that bears a number of its own.
 */
export async function soakBench(results: Results, { seconds = SECONDS }: { seconds?: number } = {}): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const marks = Array.from({ length: CAMERAS }, (_, i) => 0x51 + 17 * i & 0xff);
  const clips: string[] = [];
  for (const mark of marks) clips.push(await makeClip({ cacheDir: cacheFolder(), mark }));

  const started = Promise.withResolvers<{ urls: string[] }>();
  const server = stack.use(
    new Companion<{ urls: string[] }>(new URL("./soak_cameras.ts", import.meta.url), {
      name: "camera",
      permissions: ["-A"],
      args: clips,
      onSaid: started.resolve,
    }),
  );
  void server.ended.then((error) => started.reject(error));
  const { urls } = await started.promise;
  const rings: ShmWriter[] = [];
  for (const mark of marks) rings.push(stack.use(await ShmWriter.create(`soak-${Deno.pid}-${mark}`, SHAPE)));
  let read: SoakRead = { frames: 0, foreign: 0, missed: 0 };
  const reader = stack.use(
    new Companion<SoakRead>(new URL("./soak_reader.ts", import.meta.url), {
      name: "reader",
      permissions: ["-A"],
      args: rings.map(({ name }) => name),
      onSaid: (said) => read = said,
    }),
  );

  let frames = 0, foreign = 0, missed = 0, backwards = 0;
  const ages: number[] = [];
  const stop = new AbortController();
  const work: Promise<void>[] = [];
  const cameras = await Promise.all(urls.map((url, i) => openRtsp(url, { transport: i % 2 ? "udp" : "tcp" })));
  for (const [i, mark] of marks.entries()) {
    const camera = stack.use(cameras[i]);
    const decoded = stack.use(camera.video.branch().pipe(decode()));
    const look = async () => {
      let last = -Infinity;
      for await (using frame of decoded.branch()) {
        if (stop.signal.aborted) break;
        frames++;
        missed += frame.missed;
        if (readMark(frame.planes[0], frame.width) !== mark) foreign++;
        if (frame.pts <= last) backwards++;
        last = frame.pts;
        if (frames % 16 === 0) ages[ages.length % 4096] = frame.age;
      }
    };
    const toShm = decoded.branch().pipe(interval(1000)).pipe(scale(SHAPE)).pipeTo(rings[i], stop);
    work.push(look(), toShm.catch((error) => error === stop.signal.reason ? undefined : Promise.reject(error)));
  }

  const begun = performance.now();
  const seen: Sample[] = [];
  for (let at = 0; at < seconds;) {
    await Promise.race([new Promise((done) => setTimeout(done, 5_000)), ...work]);
    at = (performance.now() - begun) / 1000;
    const heap = Deno.memoryUsage();
    seen.push({ at, own: footprint(Deno.pid), cameras: footprint(server.pid), reader: footprint(reader.pid), frames });
    if (seen.length % PROGRESS === 0) console.error(progressLine(seen.at(-1)!, heap));
  }
  stop.abort();
  await stack.disposeAsync();
  await Promise.all(work);

  const warm = seen.filter(({ at }) => at >= Math.min(WARM_UP, seconds / 2));
  const third = Math.max(1, Math.floor(warm.length / 3));
  for (const process of ["own", "cameras", "reader"] as const) {
    const resident = warm.map((sample) => sample[process].residentMiB);
    results.add({ name: `soak.10x720p.${process}.resident`, value: median(resident), unit: "MiB" });
    const grown = median(resident.slice(-third)) - median(resident.slice(0, third));
    results.add({ name: `soak.10x720p.${process}.growth`, value: grown, unit: "MiB" });
    const threads = warm.map((sample) => sample[process].threads);
    const more = Math.max(...threads.slice(-third)) - Math.max(...threads.slice(0, third));
    results.add({ name: `soak.10x720p.${process}.threads-more`, value: more, unit: "threads" });
  }
  const [first, last] = [warm[0], warm.at(-1)!];
  const rate = (last.frames - first.frames) / Math.max(1, last.at - first.at) / CAMERAS;
  results.add({ name: "soak.10x720p.rate", value: rate, unit: "frames/s each" });
  results.add({ name: "soak.10x720p.latency.p50", value: quantile(ages, 0.5), unit: "ms" });
  results.add({ name: "soak.10x720p.latency.p99", value: quantile(ages, 0.99), unit: "ms" });
  results.add({ name: "soak.10x720p.frames", value: frames, unit: "frames" });
  results.add({ name: "soak.10x720p.missed", value: missed, unit: "frames" });
  results.add({ name: "soak.10x720p.foreign", value: foreign + backwards, unit: "frames" });
  results.add({ name: "soak.10x720p.elsewhere.frames", value: read.frames, unit: "frames" });
  results.add({ name: "soak.10x720p.elsewhere.foreign", value: read.foreign, unit: "frames" });
}

/** What the system says of a process. */
function footprint(pid: number): Footprint {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const figure = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
  return { residentMiB: figure("VmRSS") / 1024, threads: figure("Threads") };
}

function progressLine({ at, own, cameras, reader, frames }: Sample, heap: Deno.MemoryUsage): string {
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const of = ({ residentMiB, threads }: Footprint) => `${residentMiB.toFixed(1)} MiB, ${threads} threads`;
  return `${at.toFixed(0)} s: ${frames} frames; own ${of(own)} (heap ${mib(heap.heapUsed)} of ${
    mib(heap.heapTotal)
  }, ` +
    `external ${mib(heap.external)}); cameras ${of(cameras)}; reader ${of(reader)}`;
}
