import { assert, assertEquals } from "@std/assert";
import { openRtsp } from "../../src/ingest/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { reorderedClip } from "../support/clips.ts";
import { HAS_GSTREAMER, startGstServer } from "../support/gst_server.ts";
import { reaches } from "../support/observe.ts";
import { assertDecodable, assertPlays, take } from "../support/pictures.ts";

const ignore = !HAS_GSTREAMER;
/** Characters that people's passwords have, and URLs do not like. */
const PASSWORD = "p@ss/w#rd ?";

for (const transport of ["tcp", "udp"] as const) {
  for (const auth of [undefined, "basic", "digest"] as const) {
    Deno.test({
      name: `openRtsp() gets every access unit of GStreamer's server over ${transport}, ${auth ?? "no"} credentials`,
      ignore,
      async fn() {
        const path = await reorderedClip();
        const file = await readVideoFile(path);
        await using server = await startGstServer({
          launch: `( filesrc location=${path} ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 mtu=1200 )`,
          ...(auth && { user: "viewer", password: PASSWORD, auth }),
        });
        const credentials = auth && { username: "viewer", password: PASSWORD };
        await using camera = await openRtsp(server.url, { transport, ...credentials });
        const units = await take(camera.video.branch(), file.units.length - 1);
        assertPlays(units, file);
        assertDecodable(units);
        assertEquals([camera.info.width, camera.info.height], [file.width, file.height]);
        const stats = camera.stats();
        assertEquals(stats.transport, transport);
        assertEquals([stats.lost, stats.corrupt, stats.skipped, stats.discarded], [0, 0, 0, 0]);
        assert(transport === "tcp" ? stats.receiveBuffer === 0 : stats.receiveBuffer > 0);
      },
    });
  }
}

Deno.test({
  name: "openRtsp() comes back when GStreamer's server was killed and starts again; times go on",
  ignore,
  async fn() {
    await using first = await startGstServer();
    await using camera = await openRtsp(first.url, {
      transport: "tcp",
      reconnect: { minDelay: 100, maxDelay: 300 },
    });
    const states: string[] = [];
    const following = (async () => {
      for await (const { state } of camera.states()) if (states.at(-1) !== state) states.push(state);
    })();
    const units = camera.video.branch()[Symbol.asyncIterator]();
    const before = (await units.next()).value!;
    await first[Symbol.asyncDispose]();
    await reaches(camera, "offline");
    assertEquals(camera.stats().lastError?.code, "closed");
    await using _second = await startGstServer({ port: first.port });
    await reaches(camera, "live");
    let last = before.pts, keyframe = false;
    for (const since = Date.now();;) {
      const unit = (await units.next()).value!;
      assert(unit.pts > last, `pts goes from ${last} to ${unit.pts}`);
      last = unit.pts;
      keyframe ||= unit.keyframe && unit.receivedAt > since;
      if (keyframe && unit.receivedAt > camera.stats().since) break;
    }
    // As long as the camera was away is how far its times went on.
    assert(last - before.pts > 300_000);
    await units.return?.();
    await camera[Symbol.asyncDispose]();
    await following;
    assertEquals(states[0], "live");
    assertEquals(states.at(-1), "offline");
    assertEquals(states.filter((state) => state === "live").length, 2);
    assertEquals(camera.stats().connections, 2);
  },
});
