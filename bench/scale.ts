import { decoderModule } from "../src/decode/mod.ts";
import { packedBytes, packedPlanes } from "../src/media/mod.ts";
import { type Algorithm, type BridgeFormat, FfmpegInstance } from "../wasm/mod.ts";
import { stockInstance } from "./decode_stock.ts";
import { compileRival, run } from "./native.ts";
import { median, type Results } from "./results.ts";

const SOURCE = { width: 1920, height: 1080, format: "I420", matrix: 1 } as const;
/** As many as the native program takes by turns, so that none lies in the nearest cache. */
const PICTURES = 4;
const ROUNDS = 9;

/** What users ask for. */
interface Case {
  name: string;
  width: number;
  height: number;
  format: BridgeFormat;
  algorithm: Algorithm;
}

const rgb = (name: string, width: number, height: number, algorithm: Algorithm = "bilinear"): Case => ({
  ...{ name, width, height, format: "RGB24", algorithm },
});
const CASES: readonly Case[] = [
  rgb("480x270-rgb24-bilinear", 480, 270),
  rgb("480x270-rgb24-area", 480, 270, "area"),
  rgb("480x270-rgb24-bicubic", 480, 270, "bicubic"),
  rgb("1080p-rgb24", 1920, 1080),
  { ...rgb("1080p-rgba", 1920, 1080), format: "RGBA" },
  { ...rgb("320x180-gray8", 320, 180), format: "GRAY8" },
  rgb("640x640-rgb24", 640, 640),
  rgb("960x540-rgb24", 960, 540),
  rgb("960x540-rgb24-area", 960, 540, "area"),
  { ...rgb("640x640-tensor", 640, 640), format: "RGBPF32" },
];
const QUICK = ["480x270-rgb24-bilinear", "1080p-rgb24", "320x180-gray8"];

/** A scaler's milliseconds for one picture, from each of so many runs. */
type Measure = (runs: number) => Promise<number[]> | number[];

/**
 * Our scaler beside native libswscale with its assembly, one thread each, the same pictures, alternating rounds; with swscale's
 * fastest ways and with its accurate rounding, and beside swscale in WebAssembly without our kernels.
 */
export async function scaleBench(results: Results, { quick }: { quick: boolean }): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-bench-" });
  try {
    const native = await compileRival("scale", ["libswscale", "libavutil"], folder);
    const path = `${folder}/pictures.yuv`;
    const { width, height } = SOURCE;
    const noise = `testsrc2=size=${width}x${height}:rate=25,noise=alls=12:allf=t:all_seed=1`;
    const raw = ["-frames:v", String(PICTURES), "-pix_fmt", "yuv420p", "-f", "rawvideo", path];
    await run("ffmpeg", ["-v", "error", "-f", "lavfi", "-i", noise, ...raw]);
    const pictures = await Deno.readFile(path);
    const here = new Side(await FfmpegInstance.create(await decoderModule()), pictures);
    const other = await stockInstance(folder);
    const stock = other && new Side(other, pictures);

    for (const what of CASES) {
      if (quick && !QUICK.includes(what.name)) continue;
      const program = (rounding: string): Measure => async (runs) => {
        const shape = [width, height, what.width, what.height, what.format, what.algorithm, rounding, runs].map(String);
        return (await run(native, [path, ...shape])).trim().split("\n").map(Number);
      };
      const rivals: [suffix: string, label: string, measure: Measure][] = [
        ["", "native swscale", program("fast")],
        [".accurate", "native swscale with accurate_rnd", program("accurate")],
      ];
      using ours = here.scaler(what);
      using theirs = stock?.scaler(what);
      if (theirs) rivals.push([".stock", "swscale in WebAssembly without our kernels", theirs.measure]);
      const figures = await measure(ours.measure, rivals.map(([, , measure]) => measure));
      for (const [i, [suffix, rival]] of rivals.entries()) {
        const ratio = median(figures.ours.map((value, round) => value / figures.theirs[i][round]));
        results.add({ name: `scale.${what.name}${suffix}`, value: median(figures.ours), unit: "ms", ratio, rival });
      }
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** An instance with the pictures in its memory. */
class Side {
  readonly #instance: FfmpegInstance;
  readonly #pictures: { offset: number; stride: number }[][];

  constructor(instance: FfmpegInstance, pictures: Uint8Array) {
    const bytes = pictures.length / PICTURES;
    this.#instance = instance;
    this.#pictures = Array.from({ length: PICTURES }, (_, i) => {
      const at = this.#alloc(bytes);
      instance.bytes.set(pictures.subarray(i * bytes, (i + 1) * bytes), at);
      const planes = packedPlanes(SOURCE.format, SOURCE.width, SOURCE.height);
      return planes.map(({ offset, stride }) => ({ offset: at + offset, stride }));
    });
  }

  /** A scaler that the engine has compiled as well as it does. */
  scaler(what: Case): { measure: Measure } & Disposable {
    const planes = packedPlanes(what.format, what.width, what.height);
    const room = this.#alloc(packedBytes(what.format, what.width, what.height));
    const to = planes.map(({ offset, stride }) => ({ offset: room + offset, stride }));
    const scaler = this.#instance.scaler({ source: SOURCE, target: what, algorithm: what.algorithm });
    const measure = (runs: number) =>
      Array.from({ length: runs }, (_, i) => {
        const began = performance.now();
        scaler.run(this.#pictures[i % PICTURES], to);
        return performance.now() - began;
      });
    measure(100);
    const dispose = () => {
      scaler[Symbol.dispose]();
      this.#instance.free(room);
    };
    return { measure, [Symbol.dispose]: dispose };
  }

  #alloc(bytes: number): number {
    const at = this.#instance.alloc(bytes);
    if (at === 0) throw new Error("there is no memory for the pictures");
    return at;
  }
}

/** The median of each round's runs; the order of the programs turns, so that none is always behind the same. */
async function measure(ours: Measure, theirs: Measure[]): Promise<{ ours: number[]; theirs: number[][] }> {
  const all = [ours, ...theirs], figures: number[][] = all.map(() => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (let turn = 0; turn < all.length; turn++) {
      const which = (round + turn) % all.length;
      const times = await all[which](30);
      // The first ones fill the caches, in the native program as well.
      figures[which].push(median(times.slice(5)));
    }
  }
  return { ours: figures[0], theirs: figures.slice(1) };
}
