import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { probeRtsp } from "../../src/ingest/mod.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { shortClip } from "../support/clips.ts";
import { HAS_GSTREAMER, startGstServer } from "../support/gst_server.ts";

Deno.test("probeRtsp() measures what a camera sends", async () => {
  const files = { street: await shortClip() };
  await using server = await VirtualCamera.start({ files, faults: { clockOffset: 60_000 } });
  const report = await probeRtsp(server.url("street"), { seconds: 1.5 });
  const { video, packets } = report;
  assertEquals([report.transport, video.codec, video.width, video.height], ["udp", "h264", 320, 240]);
  assertMatch(video.codecString, /^avc1\.[0-9a-f]{6}$/);
  assertAlmostEquals(video.frameRate, 50, 1);
  assertEquals([video.announcedRate, video.gopFrames], [50, 10]);
  assertAlmostEquals(video.gopSeconds, 0.2, 0.01);
  assert(video.bitRate > 1e6 && video.bitRate < 8e6, `${video.bitRate} bits a second`);
  assert(packets.received > 100 && packets.lost === 0);
  const [track, ...others] = report.tracks;
  assertEquals([track.kind, track.encoding, track.as, others], ["video", "H264", "video", []]);
  assertAlmostEquals(track.unitRate, 50, 10);
  assert(track.bitRate > 0.5e6 && track.bitRate < 12e6, `${track.bitRate} bits a second`);
  assertAlmostEquals(report.clockOffset!, 60_000, 500);
  assertEquals(report.findings, ["the camera's clock is 60.0 s off this machine's: set up NTP in the camera"]);
});

Deno.test("probeRtsp() says in plain words what is wrong", async () => {
  const files = { street: await shortClip() };
  await using server = await VirtualCamera.start({ files, faults: { drop: 0.01 } });
  const { findings, packets } = await probeRtsp(server.url("street"), { seconds: 2, transport: "udp" });
  assert(packets.lost > 0);
  assert(findings.some((text) => /^\d+ packets were lost \([\d.]+ %\)/.test(text)), findings.join("\n"));
});

Deno.test({
  name: "probeRtsp() names every track of GStreamer's server, and a keyframe that is long in coming",
  ignore: !HAS_GSTREAMER,
  async fn() {
    const launch = "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 ! " +
      "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=250 ! rtph264pay name=pay0 pt=96 " +
      "audiotestsrc is-live=true ! alawenc ! rtppcmapay name=pay1 pt=8 )";
    await using server = await startGstServer({ launch });
    const { tracks, findings, video } = await probeRtsp(server.url, { seconds: 1, transport: "tcp" });
    assertEquals(tracks.map(({ kind, encoding, as, refused }) => [kind, encoding, as, refused]), [
      ["video", "H264", "video", ""],
      ["audio", "PCMA", "audio", ""],
    ]);
    const [, { sampleRate, channels, unitRate, bitRate }] = tracks;
    assertEquals([sampleRate, channels], [8_000, 1]);
    assert(unitRate > 0 && bitRate > 0, `${unitRate} units, ${bitRate} bits a second`);
    assertEquals(video.gopFrames, 0);
    assert(findings.some((text) => text.startsWith("there were fewer than two keyframes in 1 s")), findings.join("\n"));
  },
});
