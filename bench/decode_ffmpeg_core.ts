import { type RivalRun, serveRival } from "./package_rival.ts";

/*
 * The rival of decode.ts in WebAssembly: the package @ffmpeg/core, FFmpeg's own program compiled by Emscripten. Neither the
 * library nor its tests import this file.
 */

/** Not a literal where it is imported, so that who only checks types does not download 32 MB. */
const PACKAGE = "npm:@ffmpeg/core@0.12.10";

/** What of the package is used. */
interface FfmpegCore {
  FS: { writeFile(path: string, data: Uint8Array): void; unlink(path: string): void };
  exec(...args: string[]): number;
  reset(): void;
  setLogger(logger: (line: { type: string; message: string }) => void): void;
}

/** The time of FFmpeg's program with a file in its memory, less the time of the same program when it decodes no packet. */
async function load(): Promise<(path: string) => Promise<RivalRun>> {
  const { default: create } = await import(PACKAGE) as { default: () => Promise<FfmpegCore> };
  const core = await create();
  let frames = 0;
  core.setLogger(({ message }) => {
    const count = message.match(/^frame=\s*(\d+)/)?.[1];
    if (count) frames = Number(count);
  });
  const timed = (...args: string[]) => {
    core.reset();
    const began = performance.now();
    const code = core.exec(...args);
    if (code !== 0) throw new Error(`@ffmpeg/core gave ${code} for ${args.join(" ")}`);
    return (performance.now() - began) / 1000;
  };
  return async (path) => {
    const input = `in${path.match(/\.\w+$/)?.[0] ?? ""}`;
    core.FS.writeFile(input, await Deno.readFile(path));
    const reading = timed("-i", input, "-an", "-c:v", "copy", "-f", "null", "-");
    const all = timed("-threads", "1", "-i", input, "-an", "-vsync", "passthrough", "-f", "null", "-");
    core.FS.unlink(input);
    return { frames, seconds: all - reading };
  };
}

serveRival(load);
