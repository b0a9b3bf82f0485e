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

/** The same pictures in an MP4 file, with B-frames and three slices each, so that their times are not in order. */
export async function reorderedClip(): Promise<string> {
  const path = `${CACHE}/clip-reordered.mp4`;
  if (await Deno.stat(path).then(() => true, () => false)) return path;
  await Deno.mkdir(CACHE, { recursive: true });
  const part = `${path}.${crypto.randomUUID()}.mp4`;
  const { success, stderr } = await new Deno.Command(CLIP_PACKAGES[0].name, {
    args: [
      ...["-loglevel", "error", "-i", await shortClip(), "-c:v", "libx264", "-bf", "3", "-g", "25", "-b:v", "4M"],
      ...["-x264-params", "slices=3:scenecut=0", "-f", "mp4", part],
    ],
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  await Deno.rename(part, path);
  return path;
}
