import { makeClip, VirtualCamera } from "../src/camera/mod.ts";
import { cacheFolder } from "../src/cli/cache_folder.ts";
import { BadNetwork, type Impairments } from "../tests/support/bad_network.ts";
import { watch, type Watched } from "../tests/support/watch.ts";
import { nativeFrames } from "../tests/streams/streams.ts";
import type { Results } from "./results.ts";

const SECONDS = 120;
const RATE = 25;

/** What befalls a camera. */
interface Case {
  impairments: Impairments;
  /** What happens once, `seconds` being all there are. */
  event?: (server: VirtualCamera, network: BadNetwork, seconds: number) => Promise<void>;
}

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

const CASES: Record<string, Case> = {
  none: { impairments: {} },
  "loss-1": { impairments: { loss: 0.01 } },
  "loss-5": { impairments: { loss: 0.05 } },
  "loss-20": { impairments: { loss: 0.2 } },
  reordering: { impairments: { reorder: { share: 0.2, by: 60 } } },
  jitter: { impairments: { jitter: 200 } },
  cut: {
    impairments: {},
    event: async (_, network, seconds) => {
      await sleep(seconds / 4);
      network.isCut = true;
      await sleep(Math.min(10, seconds / 4));
      network.isCut = false;
    },
  },
  reboot: {
    impairments: {},
    event: async (server, _, seconds) => {
      await sleep(seconds / 4);
      await server.reboot(Math.min(5, seconds / 8) * 1000);
    },
  },
};

/**
 * What comes of a camera over UDP through bad networks: the share of its frames that are delivered, and how many of those are another
 * than native FFmpeg decodes of the lossless stream.
 */
export async function lossBench(results: Results, options: { seconds?: number; quick: boolean }): Promise<void> {
  const seconds = options.seconds ?? (options.quick ? 15 : SECONDS);
  const clip = { width: 640, height: 360, rate: RATE, seconds: 10, bitRate: 1_000_000, gop: 25 };
  const path = await makeClip({ cacheDir: cacheFolder(), mark: "counter", ...clip });
  const expected = await nativeFrames(path);
  await Promise.all(
    Object.entries(CASES).map(async ([name, { impairments, event }]) => {
      await using server = await VirtualCamera.start({ files: { street: path } });
      await using network = new BadNetwork(server.port, impairments);
      let happening: Promise<void> | undefined;
      const watched = await watch(`rtsp://127.0.0.1:${network.port}/street`, { expected, rate: RATE }, {
        transport: "udp",
        milliseconds: seconds * 1000,
        firstPicture: () => happening = event?.(server, network, seconds),
      });
      await happening;
      add(results, name, watched);
    }),
  );
}

function add(results: Results, name: string, { share, wrong, frames, stats }: Watched): void {
  results.add({ name: `loss.${name}.delivered`, value: share * 100, unit: "% of frames" });
  results.add({ name: `loss.${name}.wrong`, value: wrong, unit: `of ${frames} frames` });
  results.add({ name: `loss.${name}.packets-lost`, value: stats.lost, unit: `of ${stats.packets + stats.lost}` });
  if (stats.reconnects > 0) results.add({ name: `loss.${name}.reconnects`, value: stats.reconnects, unit: "times" });
}
