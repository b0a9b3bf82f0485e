import { assert, assertEquals } from "@std/assert";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { openRtsp } from "../../src/ingest/mod.ts";
import { type AccessUnit, type EncodedFeed, now } from "../../src/media/mod.ts";
import { shortClip } from "../support/clips.ts";
import { indexIn } from "../support/pictures.ts";

const file = await readVideoFile(await shortClip());
const FRAME_MS = 20;
const HOUR_MS = 3_600_000;

/** The wall times of a camera's pictures by their numbers in the file, of one round of it. */
async function wallTimes(feed: EncodedFeed): Promise<Map<number, AccessUnit>> {
  const units = new Map<number, AccessUnit>();
  for await (const unit of feed) {
    // Nothing is known before the camera's first report.
    if (unit.wallTime === null) continue;
    units.set(indexIn(file, unit.data), unit);
    if (units.size === file.units.length) break;
  }
  return units;
}

Deno.test("cameras of one host are aligned by their wall time to within a frame, whatever its clock says", async () => {
  await using server = await VirtualCamera.start({ files: { street: file }, faults: { clockOffset: -HOUR_MS } });
  await using first = await openRtsp(server.url("street"), { transport: "tcp" });
  await using second = await openRtsp(server.url("street"), { transport: "udp" });
  const [one, other] = await Promise.all([wallTimes(first.video.branch()), wallTimes(second.video.branch())]);
  const period = 1_000 * file.units.length / file.frameRate;
  for (const [index, { wallTime }] of one) {
    // They may have begun in different rounds of the file.
    const apart = Math.abs(wallTime! - other.get(index)!.wallTime!) % period;
    assert(Math.min(apart, period - apart) < FRAME_MS, `picture ${index}: ${apart} ms apart`);
  }
  const wrongBy = [...one.values()].map(({ wallTime, receivedAt }) =>
    wallTime! - (Date.now() - now() + receivedAt) + HOUR_MS
  ).sort((a, b) => a - b);
  const median = wrongBy[wrongBy.length >> 1];
  assert(Math.abs(median) < 2_000, `it is the camera's clock that is told: ${median} ms`);
  assertEquals([first.stats().ntpQuality, second.stats().ntpQuality], ["reports", "reports"]);
});

Deno.test("a camera's clock that is set while it plays is told, and costs no picture", async () => {
  await using server = await VirtualCamera.start({ files: { street: file } });
  await using camera = await openRtsp(server.url("street"), { transport: "tcp" });
  let last: AccessUnit | undefined, before = 0, after = 0;
  for await (const unit of camera.video.branch({ capacity: 200 })) {
    assert(!last || unit.sequence === last.sequence + 1, "no picture is lost");
    assert(!last || Math.abs(unit.pts - last.pts - 1_000 * FRAME_MS) < 1_000, "presentation times know nothing of it");
    const jumped = last?.wallTime && unit.wallTime! - last.wallTime > HOUR_MS / 2;
    last = unit;
    if (unit.wallTime === null) continue;
    if (before === 0) server.faults.clockOffset = HOUR_MS;
    before++;
    if (jumped) after = before;
    if (after > 0 && camera.stats().ntpQuality === "stepped") break;
  }
  assertEquals(camera.stats().ntpQuality, "stepped");
  assert(after > 1);
});
