import { makeClip } from "../src/camera/mod.ts";
import { cacheFolder } from "../src/cli/cache_folder.ts";
import { readVideoFile } from "../src/file/mod.ts";
import { videoPacketizer } from "../src/rtp/mod.ts";
import { describe } from "../src/serve/description.ts";
import { compileRival } from "./native.ts";

const RATE = 25;
const MAX_PACKET = 1400;

/** A program of its own that is any number of cameras of 4 Mb/s, 1080p25 (`native/cameras.c`). */
export class CameraServer implements AsyncDisposable {
  readonly rate = RATE;
  readonly url: string;
  readonly #child: Deno.ChildProcess;
  readonly #folder: string;

  private constructor(child: Deno.ChildProcess, port: string, folder: string) {
    this.#child = child;
    this.url = `rtsp://127.0.0.1:${port}/live`;
    this.#folder = folder;
  }

  static async start(): Promise<CameraServer> {
    const folder = await Deno.makeTempDir({ prefix: "millrace-bench-" });
    const program = await compileRival("cameras", [], folder);
    const clip = { width: 1920, height: 1080, rate: RATE, bitRate: 4_000_000, gop: 50, seconds: 8 };
    const path = await makeClip({ cacheDir: cacheFolder(), picture: "life", ...clip });
    const { codec, width, height, frameRate, parameterSets, units } = await readVideoFile(path);
    await Deno.writeFile(`${folder}/packets`, new Blob(units.flatMap(({ data }) => packetsOf(data))).stream());
    const sdp = describe({ name: "bench", codec, parameterSets, frameRate, width, height }, "127.0.0.1");
    await Deno.writeTextFile(`${folder}/sdp`, sdp);
    const child = new Deno.Command(program, {
      args: [`${folder}/packets`, `${folder}/sdp`, String(RATE)],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    let said = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream()).values({ preventCancel: true })) {
      said += text;
      if (said.includes("\n")) return new CameraServer(child, said.trim(), folder);
    }
    throw new Error("the cameras did not start");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.stdin.close();
    await this.#child.status;
    await this.#child.stdout.cancel().catch(() => {});
    await Deno.remove(this.#folder, { recursive: true });
  }
}

/** An access unit's packets as `cameras.c` reads them. */
function packetsOf(unit: Uint8Array): Uint8Array<ArrayBuffer>[] {
  const packetizer = videoPacketizer("h264", { payloadType: 96, ssrc: 0, sequence: 0, mtu: MAX_PACKET });
  const parts: Uint8Array<ArrayBuffer>[] = [];
  packetizer.packetize(unit, 0, (packet) => {
    parts.push(Uint8Array.of(packet.length & 0xff, packet.length >> 8), packet.slice());
  });
  const count = parts.length / 2;
  return [Uint8Array.of(count, count >> 8, count >> 16, count >> 24), ...parts];
}
