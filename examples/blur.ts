/*
 * blur.ts URL [COUNT]: libValkka's OpenCV client. Each second one picture goes through a Gaussian blur of OpenCV's, in a
 * process that may do nothing (blur_analyzer.ts), and is written as a PNG file beside this program's caller.
 */
import { decode, interval, openRtsp, scale, startAnalysis } from "../mod.ts";

const [url, count = "5"] = Deno.args;

await using camera = await openRtsp(url);
await using frames = camera.video.branch().pipe(decode());
const input = frames.branch().pipe(interval(1_000)).pipe(scale({ width: 480, height: 270, format: "RGB24" }));
await using blurred = await startAnalysis<{ pts: number; png: string }>(
  new URL("./blur_analyzer.ts", import.meta.url),
  {
    input,
    permissions: "none",
  },
);

let left = Number(count);
for await (const { pts, png } of blurred) {
  const file = `blurred-${Math.round(pts / 1e6)}s.png`;
  await Deno.writeFile(file, Uint8Array.fromBase64(png));
  console.log(file);
  if (--left <= 0) break;
}
