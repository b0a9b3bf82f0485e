import { assertEquals, assertMatch } from "@std/assert";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { reorderedClip, shortClip } from "../support/clips.ts";
import { FlvServer, PLAYS, tagsOf } from "../support/flv_server.ts";
import { freeMediaPort } from "../support/ports.ts";
import { startSender } from "../support/rtp_sender.ts";
import { millrace } from "./command.ts";

/** What native FFmpeg prints, but for the line with its name. */
async function nativeMd5(path: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("ffmpeg", {
    args: ["-loglevel", "error", "-i", path, "-f", "framemd5", "-"],
    stdin: "null",
  }).output();
  return linesOf(new TextDecoder().decode(stdout));
}

function linesOf(text: string): string[] {
  return text.trim().split("\n").filter((line) => !line.startsWith("#software"));
}

Deno.test("millrace decode --framemd5 prints what ffmpeg prints, with and without B-frames", async () => {
  for (const path of [await shortClip(), await reorderedClip()]) {
    const [ours, native] = await Promise.all([millrace("decode", path, "--framemd5"), nativeMd5(path)]);
    assertEquals([ours.code, ours.stderr], [0, ""]);
    assertEquals(linesOf(ours.stdout), native);
  }
});

Deno.test("millrace decode ends after so many frames, of a file and of a camera", async () => {
  const clip = await shortClip();
  await using server = await VirtualCamera.start({ files: { street: clip } });
  const [file, camera] = await Promise.all([
    millrace("decode", clip, "--frames", "7"),
    millrace("decode", server.url("street"), "--frames", "7"),
  ]);
  assertEquals([file.code, file.stderr, camera.code, camera.stderr], [0, "", 0, ""]);
  assertMatch(file.stdout, /^7 frames in \d+\.\d\d s \(\d+\.\d a second\): h264 320x240\n$/);
  assertMatch(camera.stdout, /^7 frames in \d+\.\d\d s \(\d+\.\d a second\): h264 320x240 from rtsp:\/\/127\.0\.0\.1/);
});

Deno.test("millrace decode takes a camera that sends FLV by HTTP, and a stream by its description", async () => {
  const clip = await shortClip();
  const tags = tagsOf(await readVideoFile(clip), "legacy");
  await using server = new FlvServer(tags, () => ({ head: PLAYS, plays: true }));
  await using sender = await startSender(await reorderedClip(), "127.0.0.1", freeMediaPort());
  const [flv, described] = await Promise.all([
    millrace("decode", `http://127.0.0.1:${server.port}/flv?user=admin&password=p@ss`, "--frames", "7"),
    millrace("decode", sender.sdp, "--frames", "7"),
  ]);
  assertEquals([flv.code, flv.stderr, described.code, described.stderr], [0, "", 0, ""]);
  assertMatch(flv.stdout, /^7 frames in .*: h264 320x240 from http:.*password=\*\*\*\n$/);
  assertMatch(described.stdout, /^7 frames in .*: h264 320x240 from \S+\.sdp\n$/);
});
