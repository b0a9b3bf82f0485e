import { assert, assertEquals } from "@std/assert";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { BadNetwork, type Impairments } from "../support/bad_network.ts";
import { shortClip } from "../support/clips.ts";
import { watch, type Watched } from "../support/watch.ts";
import { nativeFrames } from "../streams/streams.ts";

/** How long each is watched, in milliseconds; `deno task bench loss` takes two minutes and worse networks. */
const WATCHED = 3_000;

/** What a network does, and what there is to see of it. */
const NETWORKS: { name: string; impairments: Impairments; shows: (watched: Watched) => void }[] = [
  { name: "1 % of packets lost", impairments: { loss: 0.01 }, shows: ({ stats }) => assert(stats.lost > 0) },
  { name: "5 % of packets lost", impairments: { loss: 0.05 }, shows: ({ stats }) => assert(stats.lost > 0) },
  {
    name: "20 % of packets passed by others",
    impairments: { reorder: { share: 0.2, by: 30 } },
    shows: ({ stats }) => assert(stats.reordered > 0),
  },
  // An average over the last few packets, of which some come together: as it is at one moment, it says little more.
  {
    name: "200 ms of jitter",
    impairments: { jitter: 200 },
    shows: ({ stats }) => assert(stats.jitterMs > 1, `${stats.jitterMs}`),
  },
];

Deno.test("no frame that comes through a bad network differs from what native FFmpeg decodes of the stream", async (t) => {
  const clip = await shortClip();
  const expected = await nativeFrames(clip);
  await using server = await VirtualCamera.start({ files: { street: clip } });
  // Beside each other: what is waited for is the time that passes.
  const watched = await Promise.all(NETWORKS.map(async ({ impairments }) => {
    await using network = new BadNetwork(server.port, impairments);
    const url = `rtsp://127.0.0.1:${network.port}/street`;
    return await watch(url, { expected, rate: 50 }, { transport: "udp", milliseconds: WATCHED });
  }));
  for (const [i, { name, shows }] of NETWORKS.entries()) {
    const { frames, wrong, share } = watched[i];
    await t.step(`${name}: ${Math.round(share * 100)} % of the frames came`, () => {
      assert(frames > 0, "none came");
      assertEquals(wrong, 0, `of ${frames} frames`);
      shows(watched[i]);
    });
  }
});
