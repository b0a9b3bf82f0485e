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
  /**
   * A number below 256 that every picture bears, so that it can be told from other cameras'; or `"counter"`: each bears
   * its own number, modulo 256 (`readMark`).
   */
  mark?: number | "counter";
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
  const marked = clip.mark === undefined ? source : [source, ...markBoxes(clip.mark, clip)].join(",");
  return [
    ...["-hide_banner", "-loglevel", "error", "-y", "-f", "lavfi", "-i", marked, "-t", String(seconds)],
    ...["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main", "-bf", "0"],
    ...["-g", String(gop), "-keyint_min", String(gop), "-sc_threshold", "0"],
    ...["-b:v", String(bitRate), "-maxrate", String(bitRate), "-bufsize", String(bitRate), "-f", "h264"],
  ];
}

const MARK_BITS = 8;
/** Squares of the mark across a picture's width. */
const MARK_ACROSS = 40;

/** The filters that draw a mark: its bits as black and white squares at the top left, the highest first. */
function markBoxes(mark: number | "counter", { width }: { width: number }): string[] {
  if (mark !== "counter" && !(Number.isInteger(mark) && mark >= 0 && mark < 2 ** MARK_BITS)) {
    throw new RangeError(
      `Cannot make a clip: the mark is ${mark}, expected an integer from 0 to ${2 ** MARK_BITS - 1}`,
    );
  }
  const side = Math.floor(width / MARK_ACROSS);
  const box = (i: number, colour: string) => `drawbox=x=${i * side}:y=0:w=${side}:h=${side}:color=${colour}:t=fill`;
  return Array.from({ length: MARK_BITS }, (_, i) => {
    const bit = MARK_BITS - 1 - i;
    if (mark !== "counter") return box(i, mark >> bit & 1 ? "white" : "black");
    return `${box(i, "black")},${box(i, "white")}:enable='mod(floor(n/${2 ** bit}),2)'`;
  });
}

/** The mark that a picture of a clip bears, read from its first plane: luma, or RGB of `bytesPerPixel` bytes. */
export function readMark(
  plane: { data: Uint8Array; stride: number },
  width: number,
  bytesPerPixel = 1,
): number {
  const side = width / MARK_ACROSS;
  const row = Math.floor(side / 2) * plane.stride;
  let mark = 0;
  for (let i = 0; i < MARK_BITS; i++) {
    mark = mark << 1 | (plane.data[row + Math.floor((i + 0.5) * side) * bytesPerPixel] > 127 ? 1 : 0);
  }
  return mark;
}
