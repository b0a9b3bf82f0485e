import { openRtsp, type RtspCamera } from "../mod.ts";
import { CameraServer } from "./camera_server.ts";
import { processSeconds } from "./process_seconds.ts";
import { median, type Results } from "./results.ts";

const STREAMS = 200;
const SECONDS = 15;
const ROUNDS = 3;
/** Cameras that are opened beside each other. */
const OPENING = 16;
/** Until what opening costs is over, in seconds. */
const SETTLING = 2;
/** Of one camera: two seconds of it. */
const BUFFER_BYTES = 1 << 20;

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** What taking in cost. */
interface Cost {
  /** CPU seconds for a minute of one stream. */
  perStreamMinute: number;
  /** Packets that were lost on the way, of those sent. */
  lost: number;
}

/**
 * What it costs to take in streams of 4 Mb/s, from the network to access units in their rings. What the network itself
 * costs on the loopback is done where it is sent, and not counted: neither of ours nor of FFmpeg's.
 */
export async function ingestBench(results: Results, options: { seconds?: number; quick: boolean }): Promise<void> {
  const seconds = options.seconds ?? (options.quick ? 5 : SECONDS);
  await using server = await CameraServer.start();
  for (const transport of ["tcp", "udp"] as const) {
    const ours: Cost[] = [], ratios: number[] = [];
    for (let round = 0; round < (options.quick ? 1 : ROUNDS); round++) {
      const own = await takeIn(server, transport, seconds);
      const rival = await ffmpegSeconds(server.url, transport, seconds) / seconds * 60;
      ours.push(own);
      ratios.push(rival / own.perStreamMinute);
    }
    const add = (figure: string, value: number, unit: string, more: { ratio?: number; rival?: string } = {}) =>
      results.add({ name: `ingest.${transport}.${figure}`, value, unit, ...more });
    const cost = median(ours.map(({ perStreamMinute }) => perStreamMinute));
    add("streams-a-core", 60 / cost, "streams of 4 Mb/s", { ratio: median(ratios), rival: "ffmpeg -c copy -f null" });
    add("cpu-per-stream-minute", cost, "s");
    add("lost", Math.max(...ours.map(({ lost }) => lost)) * 100, "% of packets");
  }
}

/** Takes in many streams at once, for a while. */
async function takeIn(server: CameraServer, transport: "tcp" | "udp", seconds: number): Promise<Cost> {
  const cameras: RtspCamera[] = [];
  try {
    await Promise.all(Array.from({ length: OPENING }, async (_, i) => {
      for (let at = i; at < STREAMS; at += OPENING) {
        cameras.push(await openRtsp(server.url, { transport, slots: 64, bufferBytes: BUFFER_BYTES }));
      }
    }));
    await sleep(SETTLING);
    const before = { cpu: processSeconds(Deno.pid), ...counts(cameras) };
    await sleep(seconds);
    const cpu = processSeconds(Deno.pid) - before.cpu, after = counts(cameras);
    // By what came, and not by the clock: a machine that is busy sends late, and then more.
    const minutes = (after.units - before.units) / server.rate / 60;
    const lost = after.lost - before.lost, came = after.packets - before.packets;
    return { perStreamMinute: cpu / minutes, lost: lost / (lost + came) };
  } finally {
    await Promise.all(cameras.map((camera) => camera[Symbol.asyncDispose]()));
  }
}

function counts(cameras: readonly RtspCamera[]): { units: number; packets: number; lost: number } {
  const sum = { units: 0, packets: 0, lost: 0 };
  for (const camera of cameras) {
    const { accessUnits, packets, lost } = camera.stats();
    sum.units += accessUnits;
    sum.packets += packets;
    sum.lost += lost;
  }
  return sum;
}

/** What `ffmpeg -c copy -f null` takes for one stream, once it has begun. */
async function ffmpegSeconds(url: string, transport: "tcp" | "udp", seconds: number): Promise<number> {
  const ffmpeg = new Deno.Command("ffmpeg", {
    args: ["-loglevel", "error", "-rtsp_transport", transport, "-i", url, "-c", "copy", "-f", "null", "-"],
    stdin: "null",
  }).spawn();
  try {
    await sleep(SETTLING + 1);
    const before = processSeconds(ffmpeg.pid);
    await sleep(seconds);
    return processSeconds(ffmpeg.pid) - before;
  } finally {
    ffmpeg.kill("SIGKILL");
    await ffmpeg.status;
  }
}
