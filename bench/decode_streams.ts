import { makeClip } from "../src/camera/clip.ts";
import { run } from "./native.ts";

/** A file that is measured. */
export interface Stream {
  /** Codec, size, kind: `h264.1080p-camera`. */
  name: string;
  path: string;
}

const FIRST = ["-v", "error", "-y"];
const source = (seconds: number) => ["-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25", "-t", String(seconds)];
const NOISE = ["-vf", "noise=alls=12:allf=t"];
const x265 = (params: string, bitRate: string, pixels = "yuv420p") => [
  ...["-pix_fmt", pixels, "-c:v", "libx265", "-preset", "fast", "-b:v", bitRate],
  ...["-x265-params", `log-level=none:keyint=50:${params}`],
];

/** Makes the streams in a folder of the caller's, and finds the recorded ones; `quick`: two of either codec. */
export async function makeStreams(folder: string, { quick }: { quick: boolean }): Promise<Stream[]> {
  const high = `${folder}/high.mp4`;
  const x264 = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "medium", "-b:v", "11M", "-g", "50"];
  await run("ffmpeg", [...FIRST, ...source(6), ...NOISE, ...x264, high]);
  const clip = { cacheDir: folder, width: 1920, height: 1080, seconds: 6, bitRate: 4_000_000 };
  const streams: Stream[] = [
    { name: "h264.1080p-high-cabac-b", path: high },
    { name: "h264.1080p-camera", path: await makeClip(clip) },
  ];
  const hevc: Record<string, string[]> = {
    "1080p-camera": [...source(6), ...x265("bframes=0", "2M")],
    "1080p-b": [...source(6), ...x265("bframes=4", "2M")],
  };
  if (!quick) {
    streams.push({ name: "h264.720p-camera", path: await makeClip({ cacheDir: folder }) });
    hevc["1080p-camera-10-bits"] = [...source(4), ...x265("bframes=0", "2M", "yuv420p10le")];
    hevc["1080p-noise-b"] = [...source(4), ...NOISE, ...x265("bframes=4", "6M")];
    for (const name of ["car-detection", "one-by-one-person-detection"]) {
      const path = decodeURIComponent(new URL(`../../shared/clips/${name}.mp4`, import.meta.url).pathname);
      if (!await Deno.stat(path).then(() => true, () => false)) continue;
      streams.push({ name: `h264.${name}`, path });
      hevc[name] = ["-i", path, "-an", "-frames:v", "300", ...x265("bframes=4", "500k")];
    }
  }
  for (const [name, args] of Object.entries(hevc)) {
    const path = `${folder}/hevc-${name}.mp4`;
    await run("ffmpeg", [...FIRST, ...args, path]);
    streams.push({ name: `hevc.${name}`, path });
  }
  return streams;
}
