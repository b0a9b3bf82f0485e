import { Command, Option } from "commander";
import { redactUrl, type TransportPolicy } from "../rtsp/mod.ts";
import { count } from "./arguments.ts";
import { CAMERA_SOURCE, cameraSource, isCamera, openSource } from "./camera_source.ts";
import { decodeFile } from "./decode_file.ts";
import { FrameMd5 } from "./frame_md5.ts";
import { print } from "./print.ts";

interface DecodeFlags {
  framemd5?: boolean;
  frames?: number;
  user?: string;
  password?: string;
  transport: TransportPolicy;
}

/** `millrace decode` */
export function decode(): Command {
  return new Command("decode").description("decode a file or a camera")
    .argument("<source>", `a file (.mp4, .h264, .h265), ${CAMERA_SOURCE}`)
    .option("--framemd5", "print the MD5 of every frame, as `ffmpeg -f framemd5` does")
    .option("--frames <number>", "end after so many", count)
    .option("--user <name>", "user name for the camera")
    .option("--password <word>", "password for the camera")
    .addOption(new Option("--transport <name>", "how the camera sends").choices(["auto", "udp", "tcp"]).default("auto"))
    .addHelpText(
      "after",
      "\nExamples:\n  millrace decode street.mp4 --framemd5\n  millrace decode rtsp://cam.local/h264 --frames 100",
    )
    .action(run);
}

async function run(source: string, flags: DecodeFlags): Promise<void> {
  const limit = flags.frames ?? Infinity;
  if (isCamera(source)) await decodeCamera(cameraSource(source), flags, limit);
  else {
    const md5 = flags.framemd5 ? new FrameMd5() : null;
    const { frames, seconds, width, height, codec } = await decodeFile(source, { limit, md5 });
    if (!md5) print(summary(frames, seconds, `${codec} ${width}x${height}`));
  }
}

async function decodeCamera(url: string, flags: DecodeFlags, limit: number): Promise<void> {
  const { decode } = await import("../decode/mod.ts");
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, onSignal);
  const began = performance.now();
  let decoded = 0, shape = "";
  try {
    const { user: username, password, transport } = flags;
    await using camera = await openSource(url, {
      username,
      password,
      transport,
      reconnect: "never",
      signal: stop.signal,
    });
    await using frames = camera.video.branch().pipe(decode());
    const md5 = flags.framemd5 ? new FrameMd5() : null;
    for await (using frame of frames.branch({ capacity: 64, overflow: "block" })) {
      if (decoded === 0) {
        shape = `${camera.info.codec} ${frame.width}x${frame.height} from ${redactUrl(url)}`;
        md5?.begin({ width: frame.width, height: frame.height, frameRate: camera.info.frameRate || 25 });
      }
      md5?.frame(frame.copy(), decoded);
      if (++decoded >= limit || stop.signal.aborted) break;
    }
    if (!md5) print(summary(decoded, (performance.now() - began) / 1000, shape));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    if (!flags.framemd5) print(summary(decoded, (performance.now() - began) / 1000, shape));
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, onSignal);
  }
}

function summary(frames: number, seconds: number, what: string): string {
  return `${frames} frames in ${seconds.toFixed(2)} s (${(frames / seconds).toFixed(1)} a second): ${what}`;
}
