import { makeClip } from "../src/camera/clip.ts";
import { run } from "./native.ts";

/** A file that is measured. */
export interface Stream {
  /** Codec, size, kind: `h264.1080p-camera`. */
  name: string;
  path: string;
  /** Whether a short run measures it. */
  quick: boolean;
}

const SOURCE = ["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=1920x1080:rate=25", "-t", "6"];

/** Makes the streams in a folder of the caller's, and finds the recorded ones. */
export async function makeStreams(folder: string): Promise<Stream[]> {
  const high = `${folder}/high.mp4`, hevc = `${folder}/hevc.mp4`;
  const x264 = ["-vf", "noise=alls=12:allf=t", "-c:v", "libx264", "-preset", "medium", "-b:v", "11M", "-g", "50"];
  const x265 = ["-c:v", "libx265", "-preset", "fast", "-x265-params", "log-level=none", "-b:v", "2M"];
  await run("ffmpeg", [...SOURCE, "-pix_fmt", "yuv420p", ...x264, high]);
  await run("ffmpeg", [...SOURCE, "-pix_fmt", "yuv420p", ...x265, hevc]);
  const clip = { cacheDir: folder, width: 1920, height: 1080, seconds: 6, bitRate: 4_000_000 };
  const streams: Stream[] = [
    { name: "h264.1080p-high-cabac-b", path: high, quick: true },
    { name: "h264.1080p-camera", path: await makeClip(clip), quick: true },
    { name: "h264.720p-camera", path: await makeClip({ cacheDir: folder }), quick: false },
    { name: "hevc.1080p-camera", path: hevc, quick: false },
  ];
  for (const name of ["car-detection", "one-by-one-person-detection"]) {
    const path = decodeURIComponent(new URL(`../../shared/clips/${name}.mp4`, import.meta.url).pathname);
    if (await Deno.stat(path).then(() => true, () => false)) {
      streams.push({ name: `h264.${name}`, path, quick: false });
    }
  }
  return streams;
}
