import { assertEquals } from "@std/assert";
import { HAS_FFMPEG, native } from "../../wasm/testing.ts";
import { outcomeOf, program } from "../cli/command.ts";
import { fileOf, HEVC_STREAMS, REAL_CLIPS, STREAMS } from "./streams.ts";

/** What the native FFmpeg prints of a file for a user who asks for nothing else, but for the line with its name. */
async function nativeLines(path: string): Promise<string[]> {
  return linesOf(new TextDecoder().decode(await native(["-i", path, "-an", "-f", "framemd5", "-"])));
}

function linesOf(text: string): string[] {
  return text.trim().split("\n").filter((line) => !line.startsWith("#software"));
}

async function assertSame(path: string): Promise<void> {
  const [ours, expected] = await Promise.all([
    outcomeOf(await program(["decode", path, "--framemd5"])),
    nativeLines(path),
  ]);
  assertEquals([ours.code, ours.stderr], [0, ""]);
  assertEquals(linesOf(ours.stdout), expected);
}

Deno.test({
  name: "millrace decode --framemd5 prints what ffmpeg prints of every generated stream",
  ignore: !HAS_FFMPEG,
  async fn(test) {
    for (const stream of STREAMS) {
      await test.step(stream.name, async () => await assertSame(await fileOf(stream, "mp4")));
      await test.step(`${stream.name}, its bytes alone`, async () => await assertSame(await fileOf(stream, "h264")));
    }
    for (const stream of HEVC_STREAMS) {
      await test.step(stream.name, async () => await assertSame(await fileOf(stream, "mp4")));
      await test.step(`${stream.name}, its bytes alone`, async () => await assertSame(await fileOf(stream, "hevc")));
    }
  },
});

Deno.test({
  name: "millrace decode --framemd5 prints what ffmpeg prints of both real clips",
  ignore: !HAS_FFMPEG || REAL_CLIPS === null,
  async fn() {
    await Promise.all(Object.values(REAL_CLIPS!).map(assertSame));
  },
});
