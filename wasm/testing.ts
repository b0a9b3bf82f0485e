/** What this folder's tests share: streams made by the native FFmpeg, and what it says of them. */
import { createHash } from "node:crypto";
import { artifact } from "../ffi/artifact.ts";
import { packedPlanes } from "../src/media/mod.ts";
import {
  type Codec,
  type DecodedFrame,
  type Decoder,
  FfmpegInstance,
  InstanceHelper,
  type InstanceOptions,
} from "./mod.ts";

let compiled: Promise<WebAssembly.Module> | null = null;

/** The module that `deno task build` made. */
export function testModule(): Promise<WebAssembly.Module> {
  return compiled ??= artifact("wasm").then(async (built) => WebAssembly.compile(await built.bytes()));
}

export async function testInstance(options: InstanceOptions = {}): Promise<FfmpegInstance> {
  return await FfmpegInstance.create(await testModule(), options);
}

/** The second thread of an instance; disposed of, it has ended. */
export interface TestHelper extends AsyncDisposable {
  readonly helper: InstanceHelper;
  /** Settles when the thread is over: with what it trapped with, or null. */
  readonly over: Promise<string | null>;
}

/**
 * Starts a second thread for an instance.
 *
 * @param samples How large pictures must be that it helps with.
 */
export async function startHelper(instance: FfmpegInstance, samples = 0): Promise<TestHelper> {
  const source = `
    import { InstanceHelper } from ${JSON.stringify(new URL("./mod.ts", import.meta.url).href)};
    onmessage = async ({ data: { module, memory, at } }) => {
      let error = null;
      try {
        await new InstanceHelper(memory, at).run(module);
      } catch (thrown) {
        error = String(thrown);
      }
      postMessage(error);
      close();
    };`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module", deno: { permissions: "none" } });
  const over = new Promise<string | null>((resolve) => worker.onmessage = ({ data }) => resolve(data));
  const at = instance.prepareHelper(samples);
  const helper = new InstanceHelper(instance.memory, at);
  worker.postMessage({ module: await testModule(), memory: instance.memory, at });
  while (!helper.running) await new Promise((resolve) => setTimeout(resolve, 1));
  URL.revokeObjectURL(url);
  const end = async () => {
    helper.end(instance.dead ? "now" : "free");
    await over;
  };
  return { helper, over, [Symbol.asyncDispose]: end };
}

/** Whether there is a native FFmpeg to compare with; a test without it says that it was left out. */
export const HAS_FFMPEG = await new Deno.Command("ffmpeg", { args: ["-version"], stdout: "null", stderr: "null" })
  .output().then(({ success }) => success, () => false);

/** One access unit as the encoder gave it. */
export interface TestUnit {
  data: Uint8Array;
  /** In frames. */
  pts: number;
}

/** An encoded stream, its access units in the order of decoding. */
export interface TestStream {
  codec: Codec;
  data: Uint8Array<ArrayBuffer>;
  units: TestUnit[];
}

/**
 * A picture in which everything moves, with noise, so that an encoder uses all it has.
 *
 * @param options.filter FFmpeg filters that the picture goes through last.
 */
export function picture(width: number, height: number, options: { frames: number; filter?: string }): string[] {
  // The generator works on whole 4:2:0 samples only: what is odd is cut out of more.
  const source = `testsrc2=size=${width + width % 2}x${height + height % 2}:rate=25,format=yuv444p,` +
    `noise=alls=10:allf=t:all_seed=7,crop=${width}:${height}:0:0:exact=1${options.filter ? `,${options.filter}` : ""}`;
  return ["-f", "lavfi", "-i", source, "-frames:v", String(options.frames)];
}

/** Encodes with the native FFmpeg. */
export async function encode(codec: Codec, input: readonly string[], encoder: readonly string[]): Promise<TestStream> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-stream-" });
  try {
    const outputs = `[f=${codec}]${folder}/stream|[f=framecrc]${folder}/packets`;
    await native([...input, "-threads", "1", ...encoder, "-map", "0:v", "-f", "tee", outputs]);
    const data = await Deno.readFile(`${folder}/stream`);
    const units: TestUnit[] = [];
    let at = 0;
    for (const line of (await Deno.readTextFile(`${folder}/packets`)).split("\n")) {
      if (line === "" || line.startsWith("#")) continue;
      const [, , pts, , bytes] = line.split(",").map(Number);
      units.push({ data: data.subarray(at, at + bytes), pts });
      at += bytes;
    }
    if (at !== data.length) throw new Error(`The packets have ${at} bytes, the stream has ${data.length}`);
    return { codec, data, units };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** MD5 of every frame that the native FFmpeg decodes, in the order shown. */
export async function nativeMd5(stream: TestStream, options: readonly string[] = []): Promise<string[]> {
  const args = [...options, "-f", stream.codec, "-i", "pipe:0", "-vsync", "passthrough", "-f", "framemd5", "pipe:1"];
  const lines = new TextDecoder().decode(await native(args, stream.data)).split("\n");
  return lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.split(",").at(-1)!.trim());
}

/** Which of the frames that the native FFmpeg decodes are keyframes, in the order shown. */
export async function nativeKeyframes(stream: TestStream): Promise<boolean[]> {
  const args = ["-f", stream.codec, "-i", "pipe:0", "-show_entries", "frame=key_frame", "-of", "default=nk=1:nw=1"];
  const shown = new TextDecoder().decode(await run("ffprobe", ["-loglevel", "error", ...args], stream.data));
  return shown.split("\n").filter((line) => /^[01]$/.test(line)).map((line) => line === "1");
}

/** Runs the native FFmpeg and gives what it wrote. */
export async function native(
  args: readonly string[],
  input: Uint8Array<ArrayBuffer> = new Uint8Array(0),
): Promise<Uint8Array<ArrayBuffer>> {
  return await run("ffmpeg", ["-hide_banner", "-loglevel", "error", "-y", ...args], input);
}

async function run(name: string, args: string[], input: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const child = new Deno.Command(name, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [{ success, stdout, stderr }] = await Promise.all([
    child.output(),
    new Blob([input]).stream().pipeTo(child.stdin).catch(() => {}),
  ]);
  if (!success) throw new Error(`${name} ${args.join(" ")}\n${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/** A frame's pixels without padding, plane after plane, as FFmpeg's rawvideo writes them. */
export function pixelsOf(instance: FfmpegInstance, frame: DecodedFrame): Uint8Array<ArrayBuffer> {
  if (frame.format === null) throw new Error("The frame's format is none of the bridge's");
  const planes = packedPlanes(frame.format, frame.width, frame.height);
  const last = planes[planes.length - 1];
  const pixels = new Uint8Array(last.offset + last.stride * last.rows);
  planes.forEach(({ offset, stride, rows }, i) => {
    for (let row = 0; row < rows; row++) {
      const from = frame.planes[i].offset + row * frame.planes[i].stride;
      pixels.set(instance.bytes.subarray(from, from + stride), offset + row * stride);
    }
  });
  return pixels;
}

export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** Sends every access unit, drains, and shows each frame before it is released. */
export function decodeAll(decoder: Decoder, units: readonly TestUnit[], show: (frame: DecodedFrame) => void): void {
  const receive = () => {
    for (let frame = decoder.receive(); frame; frame = decoder.receive()) {
      show(frame);
      frame.release();
    }
  };
  for (const { data, pts } of units) {
    decoder.send(data, pts);
    receive();
  }
  decoder.drain();
  receive();
}
