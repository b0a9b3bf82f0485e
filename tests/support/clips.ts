import { CLIP_PACKAGES, makeClip } from "../../src/camera/clip.ts";

/** Where this checkout keeps what its tests make. */
const CACHE = decodeURIComponent(new URL("../../.millrace/build", import.meta.url).pathname);

/** A short stream, large enough for pictures of many packets: 320x240 at 50 frames a second, a keyframe every ten pictures. */
export async function shortClip(): Promise<string> {
  return await makeClip({
    cacheDir: CACHE,
    width: 320,
    height: 240,
    rate: 50,
    seconds: 1,
    bitRate: 4_000_000,
    gop: 10,
  });
}

/** Eight pictures of HEVC, 2560x1440, each out as soon as it is decoded. */
export async function largeClip(): Promise<string> {
  return await encoded("clip-large.h265", [
    ...["-f", "lavfi", "-i", "testsrc2=size=2560x1440:rate=25", "-frames:v", "8", "-pix_fmt", "yuv420p"],
    ...["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:bframes=0:keyint=50"],
  ]);
}

/** The same pictures in an MP4 file, with B-frames and three slices each, so that their times are not in order. */
export async function reorderedClip(): Promise<string> {
  return await encoded("clip-reordered.mp4", [
    ...["-i", await shortClip(), "-c:v", "libx264", "-bf", "3", "-g", "25", "-b:v", "4M"],
    ...["-x264-params", "slices=3:scenecut=0", "-f", "mp4"],
  ]);
}

/** Has ffmpeg make a file, or finds it made. */
async function encoded(name: string, args: string[]): Promise<string> {
  const path = `${CACHE}/${name}`;
  if (await Deno.stat(path).then(() => true, () => false)) return path;
  await Deno.mkdir(CACHE, { recursive: true });
  const part = `${path}.${crypto.randomUUID()}.${name.split(".").at(-1)}`;
  const { success, stderr } = await new Deno.Command(CLIP_PACKAGES[0].name, {
    args: ["-loglevel", "error", ...args, part],
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  await Deno.rename(part, path);
  return path;
}
