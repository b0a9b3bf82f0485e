import { assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InstanceDeadError } from "./mod.ts";
import {
  decodeAll,
  encode,
  HAS_FFMPEG,
  md5,
  nativeMd5,
  picture,
  pixelsOf,
  startHelper,
  testInstance,
  type TestStream,
} from "./testing.ts";

const X265 = ["-c:v", "libx265", "-pix_fmt", "yuv420p", "-x265-params", "log-level=none:pools=1:frame-threads=1"];
let made: Promise<TestStream> | null = null;
/** More commands than the ring has room for at once, so that either thread waits for the other. */
const stream = () => made ??= encode("hevc", picture(640, 480, { frames: 8 }), [...X265, "-qp", "12"]);

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore: !HAS_FFMPEG, fn });

test("pictures below the size that a helper is for are decoded without it", async () => {
  const { codec, units } = await stream();
  const instance = await testInstance();
  await using second = await startHelper(instance, 640 * 480 + 1);
  using decoder = instance.decoder(codec);
  let frames = 0;
  decodeAll(decoder, units, () => frames++);
  assertEquals([frames, second.helper.done], [units.length, 0]);
});

test("a helper can end at any time, and another goes on", async () => {
  const { codec, units } = await stream();
  const expected = await nativeMd5(await stream());
  const instance = await testInstance();
  using decoder = instance.decoder(codec);
  const hashes: string[] = [];
  const take = () => {
    for (let frame = decoder.receive(); frame; frame = decoder.receive()) {
      hashes.push(md5(pixelsOf(instance, frame)));
      frame.release();
    }
  };
  const send = (from: number, to: number) => {
    for (const { data, pts } of units.slice(from, to)) {
      assertEquals(decoder.send(data, pts), "ok");
      take();
    }
  };
  const first = await startHelper(instance);
  send(0, 2);
  const done = first.helper.done;
  assertNotEquals(done, 0);
  // It is told, and decoding goes on before it has heard of it.
  first.helper.end("free");
  send(2, 4);
  assertEquals(await first.over, null);
  assertEquals(first.helper.running, false);
  send(4, 6);
  first.helper.reset();
  await using second = await startHelper(instance);
  send(6, 8);
  assertNotEquals(second.helper.done, done);
  decoder.drain();
  take();
  assertEquals(hashes, expected);
});

test("a helper that traps takes its instance with it, and is not waited for", async () => {
  const { codec, units } = await stream();
  const instance = await testInstance();
  // A stack of so few bytes that the first function that needs one writes below the memory.
  new Uint32Array(instance.memory.buffer, instance.prepareHelper(0), 8)[7] = 16;
  const second = await startHelper(instance);
  using decoder = instance.decoder(codec);
  assertThrows(() => decoder.send(units[0].data, 0), InstanceDeadError);
  assertStringIncludes(await second.over ?? "", "RuntimeError");
  assertEquals([instance.dead, second.helper.running], [true, false]);
});

test("a helper that ended at once is not asked", async () => {
  const { codec, units } = await stream();
  const instance = await testInstance();
  const second = await startHelper(instance);
  second.helper.end("now");
  assertEquals(await second.over, null);
  using decoder = instance.decoder(codec);
  const hashes: string[] = [];
  decodeAll(decoder, units, (frame) => hashes.push(md5(pixelsOf(instance, frame))));
  assertEquals(hashes, await nativeMd5(await stream()));
});
