import { native, picture } from "../../wasm/testing.ts";
import type { VideoFile } from "../../src/file/mod.ts";

/** Where this checkout keeps what its tests make. */
const CACHE = decodeURIComponent(new URL("../../.millrace/build", import.meta.url).pathname);

/** A stream that uses some feature of H.264. */
export interface GeneratedStream {
  name: string;
  size: readonly [number, number];
  /** FFmpeg filters that the picture goes through last. */
  filter?: string;
  encoder: readonly string[];
}

const x264 = (params: string, pixels = "yuv420p", ...more: string[]) => [
  ...["-c:v", "libx264", "-preset", "medium", "-pix_fmt", pixels, "-x264-params", `threads=1:${params}`, ...more],
];
const EVEN = [320, 240] as const;

export const STREAMS: readonly GeneratedStream[] = [
  { name: "cabac", size: EVEN, encoder: x264("cabac=1:bframes=0:8x8dct=0", "yuv420p", "-profile:v", "main") },
  { name: "cavlc", size: EVEN, encoder: x264("cabac=0:bframes=0:8x8dct=0", "yuv420p", "-profile:v", "baseline") },
  { name: "b-frames", size: EVEN, encoder: x264("bframes=3:b-adapt=0:b-pyramid=none:keyint=12") },
  { name: "b-pyramid", size: EVEN, encoder: x264("bframes=3:b-adapt=0:b-pyramid=normal:ref=4:keyint=12") },
  { name: "temporal-direct", size: EVEN, encoder: x264("bframes=2:b-adapt=0:direct=temporal:weightb=1:weightp=2") },
  { name: "8x8dct", size: EVEN, encoder: x264("8x8dct=1:partitions=all:bframes=1") },
  { name: "8x8dct-cavlc", size: EVEN, encoder: x264("cabac=0:8x8dct=1:partitions=all:bframes=1") },
  { name: "slices", size: EVEN, encoder: x264("slices=4:bframes=2:b-adapt=0") },
  {
    name: "interlaced",
    size: EVEN,
    filter: "interlace",
    encoder: x264("tff=1:bframes=2", "yuv420p", "-flags", "+ildct+ilme", "-top", "1"),
  },
  {
    name: "interlaced-slices",
    size: [322, 244],
    filter: "interlace",
    encoder: x264("bff=1:cabac=0:slices=3", "yuv420p", "-flags", "+ildct+ilme", "-top", "0"),
  },
  { name: "cropped", size: [322, 242], encoder: x264("bframes=2") },
  { name: "odd-size", size: [321, 241], encoder: x264("bframes=2", "yuv444p") },
  { name: "odd-height-422", size: [322, 241], encoder: x264("bframes=2", "yuv422p") },
  { name: "10-bits", size: [322, 242], encoder: x264("bframes=2", "yuv420p10le") },
  { name: "full-range", size: EVEN, encoder: x264("bframes=1", "yuvj420p") },
];

const x265 = (params: string, pixels = "yuv420p") => [
  ...["-c:v", "libx265", "-preset", "veryfast", "-pix_fmt", pixels, "-tag:v", "hvc1"],
  ...["-x265-params", `log-level=none:pools=1:frame-threads=1:keyint=8:${params}`],
];

/** Streams of H.265, each of which uses something that a receiver must know of. */
export const HEVC_STREAMS: readonly GeneratedStream[] = [
  { name: "hevc-open-gop", size: [322, 242], encoder: x265("bframes=2:b-adapt=0:open-gop=1") },
  { name: "hevc-slices", size: EVEN, encoder: x265("bframes=2:slices=3:aud=1:repeat-headers=1:open-gop=0") },
  { name: "hevc-10-bits", size: EVEN, encoder: x265("bframes=0", "yuv420p10le") },
];

const mjpeg = (...more: string[]) => [
  ...["-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-huffman", "default", "-q:v", "4", ...more],
];

/** Streams of MJPEG: whole, with restart markers, and too large for the header of its packets. */
export const MJPEG_STREAMS: readonly GeneratedStream[] = [
  { name: "mjpeg", size: EVEN, encoder: mjpeg("-threads", "1") },
  { name: "mjpeg-restart", size: EVEN, encoder: mjpeg("-threads", "4", "-slices", "4") },
  { name: "mjpeg-large", size: [2576, 96], encoder: mjpeg("-threads", "1") },
];

const FRAMES = 20;

/** A stream in a file, made by the native FFmpeg: with times in a container, or without, as its bytes alone. */
export async function fileOf(
  stream: GeneratedStream,
  kind: "mp4" | "mov" | "h264" | "hevc" | "mjpeg",
): Promise<string> {
  const [width, height] = stream.size;
  const args = [...picture(width, height, { frames: FRAMES, filter: stream.filter }), ...stream.encoder, "-f", kind];
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(args.join("\0")));
  const path = `${CACHE}/${stream.name}-${new Uint8Array(digest, 0, 8).toHex()}.${kind}`;
  if (await Deno.stat(path).then(() => true, () => false)) return path;
  await Deno.mkdir(CACHE, { recursive: true });
  const part = `${path}.${crypto.randomUUID()}`;
  await native([...args, part]);
  await Deno.rename(part, path);
  return path;
}

/** MD5 of every frame of a file that the native FFmpeg decodes, in the order shown. */
export async function nativeFrames(path: string): Promise<string[]> {
  const lines = new TextDecoder().decode(await native(["-i", path, "-an", "-vsync", "0", "-f", "framemd5", "-"]));
  return lines.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) =>
    line.split(", ").at(-1)!
  );
}

/** The same pictures in less time. */
export function faster(file: VideoFile, times: number): VideoFile {
  const units = file.units.map((unit) => ({ ...unit, pts: unit.pts / times, dts: unit.dts / times }));
  return { ...file, frameRate: file.frameRate * times, units };
}

const CLIPS = decodeURIComponent(new URL("../../../shared/clips", import.meta.url).pathname);

/** Clips of real cameras, which lie beside this project's folder and are no part of it; null where they are not there. */
export const REAL_CLIPS: Record<string, string> | null = (() => {
  const clips = {
    cars: `${CLIPS}/car-detection.mp4`,
    people: `${CLIPS}/one-by-one-person-detection.mp4`,
  };
  try {
    for (const path of Object.values(clips)) Deno.statSync(path);
    return clips;
  } catch {
    console.error("Skipping the clips of real cameras: there is no folder shared/clips beside this one");
    return null;
  }
})();
