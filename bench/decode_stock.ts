import { artifact } from "../ffi/artifact.ts";
import type { BuiltFrom } from "../wasm/build.ts";
import { BRIDGE_FUNCTIONS } from "../wasm/exports.ts";
import { linkModule, TOOL_ENVIRONMENT } from "../wasm/link.ts";
import { FfmpegInstance } from "../wasm/mod.ts";

/**
 * The decoder as it is without our kernels: the same FFmpeg, compiled by the same compiler with the same options, SIMD and
 * all, linked with the bridge alone. Null where that cannot be made, as with a release, which has no compiler.
 */
export async function stockInstance(folder: string): Promise<FfmpegInstance | null> {
  try {
    const path = await (await artifact("wasm")).path();
    const { ffmpeg }: BuiltFrom = JSON.parse(await Deno.readTextFile(path.replace(/[^/]*$/, "built-from.json")));
    const what = { sources: ["bridge.c", "helper.c", "platform.c"], functions: BRIDGE_FUNCTIONS, ffmpeg, into: folder };
    await linkModule({ ...what, name: "stock.wasm" }, { env: TOOL_ENVIRONMENT });
    return await FfmpegInstance.create(await WebAssembly.compile(await Deno.readFile(`${folder}/stock.wasm`)));
  } catch (error) {
    console.error(`Without stock FFmpeg: ${error instanceof Error ? error.message : error}`);
    return null;
  }
}
