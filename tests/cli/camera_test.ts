import { assert, assertEquals, assertMatch } from "@std/assert";
import { shortClip } from "../support/clips.ts";
import { HAS_GSTREAMER, startGstServer } from "../support/gst_server.ts";
import { launcher, Listener, millrace } from "./command.ts";

/** A virtual camera in another process, as a user starts it. */
async function startCamera(...args: string[]) {
  const process = launcher(["millrace", "camera", ...args]).spawn();
  const stdout = new Listener(process.stdout), stderr = new Listener(process.stderr);
  const [url] = await stdout.heard(/rtsp:\/\/\S+(?=\n)/);
  return {
    url,
    stdout,
    stderr,
    process,
    async [Symbol.asyncDispose]() {
      process.kill("SIGTERM");
      const { code } = await process.status;
      // Where the clip was not there yet, it says that it makes it.
      assertEquals([code, (await stderr.all()).replaceAll(/^\[.*% .*\n/gm, "")], [0, ""]);
    },
  };
}

async function probed(url: string, ...args: string[]) {
  const { code, stdout, stderr } = await millrace("probe", url, "--json", ...args);
  assertEquals([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}

Deno.test("millrace camera without a file plays a clip of its own, which millrace probe finds nothing wrong with", async () => {
  await using camera = await startCamera("--user", "viewer", "--password", "s3cr#t");
  assertMatch(camera.url, /^rtsp:\/\/127\.0\.0\.1:\d+\/clock$/);
  const args = ["--user", "viewer", "--password", "s3cr#t", "--seconds", "4.5"];
  const { code, stdout, stderr } = await millrace("probe", camera.url, ...args);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^rtsp:.*\/clock\n {2}tracks +video H264 \(decoded\)\n {2}video +h264 avc1\.\w+, 1280x720\n/);
  assertMatch(stdout, /\n {2}frame rate +2[45]\.\d+ a second, announced 25\n/);
  assertMatch(stdout, /\n {2}keyframes +every 50 frames, 2\.0 s\n/);
  assertMatch(stdout, /\n {2}packets +\d+, lost 0, out of order 0\n/);
  assertMatch(stdout, /\nNothing is wrong\.\n$/);
  assert(!stdout.includes("s3cr#t"));
});

Deno.test("millrace camera plays files, each under a name of its own", async () => {
  const clip = await shortClip();
  await using camera = await startCamera(clip, clip);
  await camera.stdout.heard(/\n.*\n/);
  const name = clip.split("/").at(-1)!.replace(".h264", "");
  const paths = camera.stdout.text.trim().split("\n").map((url) => new URL(url).pathname);
  assertEquals(paths, [`/${name}`, `/${name}-2`]);
});

Deno.test("millrace probe says in plain words what is wrong with a camera", async () => {
  const clip = await shortClip();
  await using dropping = await startCamera(clip, "--drop", "2%");
  await using stalling = await startCamera(clip, "--stall", "1/1");
  await using mixing = await startCamera(clip, "--reorder", "10%");
  await using leaving = await startCamera(clip, "--reboot", "4/60");
  const [drop, stall, mix, leave] = await Promise.all([
    probed(dropping.url, "--transport", "udp", "--seconds", "2"),
    probed(stalling.url, "--seconds", "3"),
    probed(mixing.url, "--transport", "udp", "--seconds", "2"),
    probed(leaving.url, "--seconds", "20"),
  ]);
  const only = ({ findings }: { findings: string[] }, pattern: RegExp) => {
    assertEquals(findings.length, 1, findings.join("\n"));
    assertMatch(findings[0], pattern);
  };
  only(drop, /^\d+ packets were lost \(\d\.\d %\), which damaged \d+ pictures: try --transport tcp/);
  // What is damaged was sent all the same.
  assert(drop.video.frameRate > 40 && drop.packets.reordered === 0, JSON.stringify(drop));
  only(stall, /^no picture came for 1\.\d s at a time: the network, or the camera, stalls$/);
  only(mix, /^\d+ packets came out of order \(\d+\.\d %\), and were put back/);
  assertEquals(mix.packets.lost, 0);
  only(leave, /^it went away after \d(\.\d)? s \(Lost rtsp:.*\): look at its power and its network$/);
  assert(leave.seconds < 10);
});

Deno.test({
  name: "millrace probe reads GStreamer's server",
  ignore: !HAS_GSTREAMER,
  async fn() {
    await using server = await startGstServer();
    const { video, packets, tracks, findings } = await probed(server.url, "--seconds", "2.5");
    assertEquals([video.width, video.height, video.gopFrames, packets.lost], [640, 360, 25, 0]);
    assertEquals(tracks.map(({ kind, encoding, as }: Record<string, string>) => [kind, encoding, as]), [
      ["video", "H264", "video"],
    ]);
    assertEquals(findings, []);
  },
});
