import { assert, assertEquals, assertRejects } from "@std/assert";
import { accessUnitsOfFile, decode, openVideoFile } from "../../mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { md5 } from "../../wasm/testing.ts";
import { reorderedClip, shortClip } from "../support/clips.ts";
import { assertDecodable, assertPlays, take } from "../support/pictures.ts";
import { nativeFrames } from "../streams/streams.ts";

for (const [kind, path] of [["a raw stream", await shortClip()], ["an MP4 file", await reorderedClip()]] as const) {
  Deno.test(`openVideoFile() plays every picture of ${kind} when it is due, and ends`, async () => {
    const file = await readVideoFile(path);
    await using played = await openVideoFile(path, { streamId: 5 });
    const began = performance.now();
    const units = await take(played.video.branch(), Infinity);
    assert(performance.now() - began > 900, "it was played in less than its second");
    assertEquals(units.length, file.units.length);
    assertPlays(units, file);
    assertDecodable(units);
    assertEquals(await played.ended, undefined);
  });

  Deno.test(`accessUnitsOfFile() gives every picture of ${kind}, and each decodes`, async () => {
    const seen: string[] = [];
    for await (using frame of decode()(accessUnitsOfFile(path))) seen.push(md5(frame.copy()));
    assertEquals(seen, await nativeFrames(path));
  });
}

Deno.test('openVideoFile() with atEnd: "again" goes on with its times, as fast as it was told', async () => {
  const path = await shortClip();
  const file = await readVideoFile(path);
  await using played = await openVideoFile(path, { atEnd: "again", speed: 10 });
  const units = await take(played.video.branch(), 2 * file.units.length + 5);
  assertPlays(units, file);
  assertDecodable(units);
  assertEquals(units[file.units.length].pts - units[0].pts, 1_000_000);
});

Deno.test("openVideoFile() ends with its signal, and says what it cannot play", async () => {
  const path = await shortClip();
  const controller = new AbortController();
  const played = await openVideoFile(path, { atEnd: "again", signal: controller.signal });
  const reading = take(played.video.branch(), Infinity);
  controller.abort();
  await reading;
  assertEquals(await played.ended, undefined);
  await played[Symbol.asyncDispose]();
  await assertRejects(() => openVideoFile(path, { speed: 0 }), RangeError, "speed is 0");
  await assertRejects(() => openVideoFile(new URL(import.meta.url)), TypeError);
  await assertRejects(() => openVideoFile("/nowhere.mp4"), Deno.errors.NotFound);
});
