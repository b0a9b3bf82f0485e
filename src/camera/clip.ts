/** The package of Debian that making a clip needs, and what for. */
export const CLIP_PACKAGES: readonly { readonly name: string; readonly why: string }[] = [
  { name: "ffmpeg", why: "makes the clips that the virtual camera plays" },
];

/** What a clip looks like. */
export interface ClipOptions {
  width: number;
  height: number;
  /** Frames a second. */
  rate: number;
  seconds: number;
  /** Bits a second. */
  bitRate: number;
  /** Pictures from keyframe to keyframe. */
  gop: number;
  /** `"clock"`: colours, moving shapes and a running clock; `"life"`: cells that come and go all over. */
  picture: "clock" | "life";
}

/** What an ordinary camera sends: 720p at 25 frames a second, a keyframe every two seconds, no B-frames. */
export const CAMERA_CLIP: ClipOptions = {
  width: 1280,
  height: 720,
  rate: 25,
  seconds: 10,
  bitRate: 2_000_000,
  gop: 50,
  picture: "clock",
};

/**
 * Makes a clip as a camera would send it, or finds it made: an H.264 stream with a moving picture and a running clock.
 *
 * Needs `--allow-run=ffmpeg`, and to read and write `cacheDir`.
 *
 * @throws {Deno.errors.NotFound} where there is no ffmpeg.
 */
export async function makeClip(options: { cacheDir: string } & Partial<ClipOptions>): Promise<string> {
  const { cacheDir, ...rest } = options;
  const clip: ClipOptions = { ...CAMERA_CLIP, ...rest };
  const args = encoderArguments(clip);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(args.join("\0")));
  const path = `${cacheDir}/clip-${new Uint8Array(digest, 0, 8).toHex()}.h264`;
  try {
    if ((await Deno.stat(path)).size > 0) return path;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  await Deno.mkdir(cacheDir, { recursive: true });
  const part = `${path}.${crypto.randomUUID()}`;
  const command = new Deno.Command("ffmpeg", { args: [...args, part], stdin: "null", stdout: "null", stderr: "piped" });
  const { success, stderr } = await command.output();
  if (!success) {
    await Deno.remove(part).catch(() => {});
    throw new Error(`Cannot make a clip: ffmpeg said: ${new TextDecoder().decode(stderr).trim().slice(-400)}`);
  }
  await Deno.rename(part, path);
  return path;
}

function encoderArguments(clip: ClipOptions): string[] {
  const { width, height, rate, seconds, bitRate, gop, picture } = clip;
  const size = `${width}x${height}`;
  const source = picture === "clock"
    ? `testsrc2=size=${size}:rate=${rate}`
    : `life=size=${size}:rate=${rate}:mold=10:ratio=0.1:death_color=0x203040:life_color=0xc0d0e0:seed=1`;
  return [
    ...["-hide_banner", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source, "-t", String(seconds)],
    ...["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-bf", "0"],
    ...["-g", String(gop), "-keyint_min", String(gop), "-sc_threshold", "0"],
    ...["-b:v", String(bitRate), "-maxrate", String(bitRate), "-bufsize", String(bitRate), "-f", "h264"],
  ];
}
