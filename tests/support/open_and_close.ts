/*
 * deno run … tests/support/open_and_close.ts URL: takes a picture from a camera, and closes it. Must end by itself; run
 * with the least permissions.
 */
import { openRtsp } from "../../src/ingest/mod.ts";

{
  await using camera = await openRtsp(Deno.args[0]);
  for await (const unit of camera.video.branch()) {
    console.log(`${unit.keyframe ? "keyframe" : "picture"} ${camera.stats().transport}`);
    break;
  }
}
