import { assert, assertEquals, assertRejects } from "@std/assert";
import { decode, openRtsp, type OpenRtspOptions, type RtspCamera } from "../../mod.ts";
import { RtspError } from "../../src/media/mod.ts";
import { makeClip, VirtualCamera } from "../../src/camera/mod.ts";
import { readVideoFile, type VideoFile } from "../../src/file/mod.ts";
import { shortClip } from "../support/clips.ts";
import { readDialogue } from "../support/dialogue.ts";
import { reaches } from "../support/observe.ts";
import { assertDecodable, take } from "../support/pictures.ts";
import { freePort } from "../support/ports.ts";
import { QuirkyCamera } from "../support/quirky_camera.ts";
import { startScriptedServer } from "../support/scripted_server.ts";

const CACHE = decodeURIComponent(new URL("../../.millrace/build", import.meta.url).pathname);
const file = await readVideoFile(await shortClip());
const files = { street: file };
const sleep = (time: number) => new Promise((resolve) => setTimeout(resolve, time));

/** How long after its port was opened a camera that was away is live again, in milliseconds. */
async function timeToReturn(camera: RtspCamera, server: VirtualCamera, away: number): Promise<number> {
  await server.reboot(away);
  const opened = performance.now();
  await reaches(camera, "live");
  return performance.now() - opened;
}

Deno.test("a camera that was away for a while is live again within 5 s of its port opening", async () => {
  await using server = await VirtualCamera.start({ files });
  await using camera = await openRtsp(server.url("street"));
  // Long enough for the delay to have reached its bound.
  const offline = reaches(camera, "offline");
  const back = await timeToReturn(camera, server, 4_000);
  await offline;
  assert(back < 5_000, `it took ${back} ms`);
  assertEquals(camera.stats().connections, 2);
});

Deno.test('a camera that is not there yet is waited for, with retry: "from-start"', async () => {
  const port = freePort();
  const opening = openRtsp(`rtsp://127.0.0.1:${port}/street`, {
    retry: "from-start",
    reconnect: { minDelay: 50, maxDelay: 200 },
  });
  await sleep(400);
  await using server = await VirtualCamera.start({ files, port });
  await using camera = await opening;
  assertEquals(camera.state, "live");
  assertDecodable(await take(camera.video.branch(), 5));
  assertEquals(server.stats().connections, 1);
});

Deno.test('retry: "from-start" ends at the total time-out, and by the signal, and a refused password at once', async () => {
  const url = `rtsp://127.0.0.1:${freePort()}/street`;
  const reconnect = { minDelay: 50, maxDelay: 200 };
  const late = await assertRejects(
    () => openRtsp(url, { retry: "from-start", reconnect, totalTimeout: 300 }),
    RtspError,
    "no picture came in 0.3 s, all attempts together",
  );
  assertEquals([late.code, late.timeout], ["timeout", "total"]);
  const signal = AbortSignal.timeout(200);
  const aborted = await assertRejects(() => openRtsp(url, { retry: "from-start", reconnect, signal }));
  assertEquals(aborted, signal.reason);
  await using server = await VirtualCamera.start({ files, username: "viewer", password: "right" });
  const wrong = { username: "viewer", password: "wrong", retry: "from-start", reconnect } as const;
  const refused = await assertRejects(() => openRtsp(server.url("street"), wrong), RtspError);
  assertEquals([refused.code, server.stats().connections], ["unauthorized", 1]);
});

Deno.test('retry: "from-start" asks the name server again', async () => {
  const options = { retry: "from-start", totalTimeout: 400, reconnect: { maxConnectDelay: 50 } } as const;
  const error = await assertRejects(() => openRtsp("rtsp://nobody.invalid/live", options), RtspError);
  assertEquals(error.timeout, "total");
});

Deno.test("each time-out says which it was", async () => {
  const expect = async (timeout: RtspError["timeout"], url: string, options: OpenRtspOptions) => {
    const error = await assertRejects(() => openRtsp(url, options), RtspError);
    assertEquals([error.code, error.timeout], ["timeout", timeout]);
  };
  await using silent = startScriptedServer(() => null);
  await expect("answer", silent.url, { responseTimeout: 200 });
  await expect("total", silent.url, { totalTimeout: 200 });
  await using server = await VirtualCamera.start({ files, faults: { drop: 1 } });
  await expect("first-packet", server.url("street"), { transport: "tcp", firstPacketTimeout: 200 });
  server.faults.drop = 0.5;
  await expect("first-picture", server.url("street"), { transport: "tcp", firstPictureTimeout: 300 });
  server.faults.drop = 0;
  await using camera = await openRtsp(server.url("street"), {
    transport: "tcp",
    idleTimeout: 300,
    reconnect: "never",
  });
  server.faults.stall = { every: 0.001, for: 1_000 };
  assertEquals((await camera.ended as RtspError).timeout, "idle");
  await assertRejects(() => openRtsp("rtsp://127.0.0.1/", { totalTimeout: 0 }), RangeError, "totalTimeout is 0");
});

Deno.test("nothing of a camera that is gone is handed out again, and what a late reader finds says how old it is", async () => {
  await using server = await VirtualCamera.start({ files });
  await using camera = await openRtsp(server.url("street"), { reconnect: { minDelay: 50, maxConnectDelay: 100 } });
  const units = camera.video.branch()[Symbol.asyncIterator]();
  let last = (await units.next()).value!;
  const reboot = server.reboot(1_000);
  await reaches(camera, "offline");
  const { since } = camera.stats();
  // A decoded picture of someone who comes too late is an old one by its own account.
  await using frames = camera.video.branch().pipe(decode());
  for await (using frame of frames.branch()) {
    assert(frame.receivedAt <= since && frame.age > 0, "an old picture, and no other");
    break;
  }
  const sequences = new Set([last.sequence]);
  await reboot;
  await reaches(camera, "live");
  while (last.receivedAt < camera.stats().since) {
    const unit = (await units.next()).value!;
    assert(!sequences.has(unit.sequence) && unit.receivedAt >= last.receivedAt);
    // Between the last picture before and the first one after there is none.
    assert(
      unit.receivedAt <= since + 1 || unit.receivedAt >= since + 500,
      `received ${unit.receivedAt - since} ms later`,
    );
    sequences.add(unit.sequence);
    last = unit;
  }
  await units.return?.();
});

Deno.test("a picture that changes its size goes on as a new generation, and is decoded", async () => {
  const clip = { cacheDir: CACHE, rate: 50, seconds: 1, bitRate: 1_000_000, gop: 25 };
  const small = await readVideoFile(await makeClip({ ...clip, width: 192, height: 144 }));
  const large = await readVideoFile(await makeClip({ ...clip, width: 320, height: 192 }));
  const both: VideoFile = { ...small, units: [...small.units, ...large.units] };
  await using server = new QuirkyCamera(await readDialogue("generic_cam_linefeed"), both);
  await using camera = await openRtsp(server.url("/live"), { transport: "tcp" });
  await using frames = camera.video.branch({ capacity: 500 }).pipe(decode());
  const seen: string[] = [];
  let generation = -1, sequence = -1;
  for await (using frame of frames.branch({ capacity: 16, overflow: "block" })) {
    assert(!frame.corrupt && frame.sequence > sequence);
    sequence = frame.sequence;
    if (frame.generation !== generation) seen.push(`${frame.width}x${frame.height}`);
    generation = frame.generation;
    assertEquals(`${frame.width}x${frame.height}`, seen.at(-1), "a size of its own in each generation");
    if (seen.length === 4) break;
  }
  assertEquals(seen, ["192x144", "320x192", "192x144", "320x192"]);
  assertEquals([camera.stats().connections, camera.info.width], [1, 320]);
});
