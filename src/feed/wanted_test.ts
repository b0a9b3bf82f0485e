import { assert, assertEquals } from "@std/assert";
import { decode } from "../decode/mod.ts";
import { gate, interval } from "../filter/mod.ts";
import type { AccessUnit, Filter, Frame } from "../media/mod.ts";
import { reorderedClip, shortClip } from "../../tests/support/clips.ts";
import {
  assertAddsUp,
  assertExact,
  begin,
  cameraOf,
  collect,
  type Pictures,
  type Stream,
  stream,
} from "../../tests/support/partial_decoding.ts";
import { FileSource } from "../../tests/support/file_source.ts";
import { encodedFeed } from "./mod.ts";
import type { PlannedFeed } from "./planned_feed.ts";
import { heldFrames, until } from "./testing.ts";

const STREAMS: Record<string, () => Promise<Stream>> = {
  "without B-frames": async () => await stream(await shortClip(), 4),
  "with B-frames": async () => await stream(await reorderedClip(), 4),
};

for (const [name, make] of Object.entries(STREAMS)) {
  Deno.test(`interval() has few pictures decoded, each the same to the bit as among all: ${name}`, async () => {
    const made = await make();
    const { gop, rate, file } = made;
    const pictureMs = 1_000 / rate;
    // Keyframes alone; keyframes at most an interval late; what lies between; nearly all.
    for (const pictures of [2 * gop, gop, Math.ceil(gop / 2), Math.ceil(gop / 3), 3]) {
      const { source, decoded, play } = cameraOf(made);
      const seen = await begin(decoded, decoded.branch({ capacity: 1_000 }).pipe(interval(pictures * pictureMs)));
      await play();
      source.end();
      const frames = await seen();
      assertExact(frames, made);
      const { unwanted, accessUnits } = await assertAddsUp(decoded, file.units.length);
      const count = Math.floor(file.units.length / Math.max(pictures, gop));
      assert(frames.size >= count, `${pictures}: ${frames.size} of ${count}`);
      if (2 * pictures >= gop) {
        // All but the first group, and one after a guess that was wrong.
        assert(unwanted >= file.units.length - 3 * gop - frames.size, `${pictures}: ${unwanted}`);
        assert([...frames.keys()].filter((n) => n >= 2 * gop).every((n) => file.units[n].keyframe));
      }
      const times = [...frames.keys()].map((n) => file.units[n].pts);
      for (let i = 1; i < times.length; i++) {
        const apart = (times[i] - times[i - 1]) / 1_000 / pictureMs;
        assert(apart >= pictures * 7 / 8 - 0.1 && apart <= 2 * pictures + 1, `${pictures}: ${apart} apart`);
      }
      assert(accessUnits <= file.units.length);
      assertEquals(await heldFrames(decoded), 0);
      await decoded[Symbol.asyncDispose]();
    }
  });

  Deno.test(`branches with different needs share one decoder, which decodes their union as they come and go: ${name}`, async () => {
    const made = await make();
    const { gop, file } = made;
    const { source, decoded, play } = cameraOf(made);
    const seldom = await begin(
      decoded,
      decoded.branch({ capacity: 1_000 }).pipe(interval(gop * 1_000 / made.rate)),
    );
    await play(3 * gop + 2);
    const before = await decoded.decoderStats();
    assert(before.unwanted > gop, `${before.unwanted}`);
    const all: Pictures = new Map(), branch = decoded.branch({ capacity: 1_000 });
    const allSeen = await begin(decoded, branch, all);
    await play(gop);
    // In the middle of a group: what it needs is decoded once more from the last keyframe on.
    await until(() => all.size >= gop - 5);
    assert(Math.min(...all.keys()) <= 3 * gop + 7, `${[...all.keys()]}`);
    await branch[Symbol.asyncDispose]();
    await allSeen();
    const between = await decoded.decoderStats();
    await play();
    source.end();
    const few = await seldom();
    assertExact(few, made);
    assertExact(all, made);
    const after = await assertAddsUp(decoded, file.units.length);
    const rest = file.units.length - 4 * gop - 2;
    assert(after.unwanted - between.unwanted >= rest - 3 * gop, `${after.unwanted - between.unwanted} of ${rest}`);
    assertEquals(await heldFrames(decoded), 0);
    await decoded[Symbol.asyncDispose]();
  });

  Deno.test(`a gate that is shut has nothing decoded, and when it opens pictures come at once: ${name}`, async () => {
    const made = await make();
    const { gop, file } = made;
    const { source, decoded, play } = cameraOf(made);
    const door = gate<Frame>();
    const pictures: Pictures = new Map();
    const seen = await begin(decoded, decoded.branch({ capacity: 1_000 }).pipe(door as Filter<Frame, Frame>), pictures);
    await play(gop);
    await until(() => pictures.size >= gop - 4);
    door.open = false;
    const shutAt = source.pushed, { accessUnits } = await decoded.decoderStats();
    await play(2 * gop + 3);
    const shut = await decoded.decoderStats();
    assertEquals(shut.accessUnits, accessUnits);
    assertEquals(door.held >= 2 * gop + 3, true, `${door.held}`);
    door.open = true;
    const openedAt = source.pushed;
    await play();
    source.end();
    await seen();
    assertExact(pictures, made);
    const numbers = [...pictures.keys()].sort((a, b) => a - b);
    assertEquals(numbers.filter((n) => n >= shutAt && n < openedAt), []);
    // From the very first one that came after it, though that is in the middle of a group.
    assertEquals(numbers.filter((n) => n >= openedAt).length, file.units.length - openedAt);
    await assertAddsUp(decoded, file.units.length);
    assertEquals(await heldFrames(decoded), 0);
    await decoded[Symbol.asyncDispose]();
  });

  Deno.test(`decode({ frames }) decodes all, or keyframes alone: ${name}`, async () => {
    const made = await make();
    const { gop, file } = made;
    for (const frames of ["all", "keyframes"] as const) {
      const { source, decoded, play } = cameraOf(made, { frames });
      const feed = decoded.branch({ capacity: 1_000 });
      const seen = await begin(decoded, frames === "all" ? feed.pipe(interval(gop * 1_000 / made.rate)) : feed);
      await play();
      source.end();
      const pictures = await seen();
      assertExact(pictures, made);
      const { accessUnits } = await assertAddsUp(decoded, file.units.length);
      const keyframes = file.units.flatMap(({ keyframe }, n) => keyframe ? [n] : []);
      assertEquals(accessUnits, frames === "all" ? file.units.length : keyframes.length);
      assertEquals([...pictures.keys()], keyframes);
      await decoded[Symbol.asyncDispose]();
    }
  });
}

Deno.test("between keyframes a decoder that needs no others is not woken, and misses nothing", async () => {
  const made = await STREAMS["with B-frames"]();
  const { gop, file } = made;
  const { source, decoded } = cameraOf(made);
  source.heedful = true;
  const pictures: Pictures = new Map();
  const few = decoded.branch({ capacity: 1_000 }).pipe(interval(gop * 1_000 / made.rate));
  const seen = await begin(decoded, few, pictures);
  const has = (n: number) => until(() => pictures.has(n));
  await until(() => source.wakesFor("others"));
  // Until it knows how far apart keyframes are.
  while (source.pushed <= gop) source.push();
  await has(gop);
  const before = source.rings;
  for (let group = 1; group < 4; group++) {
    await until(() => !source.wakesFor("others"));
    assert(source.wakesFor("keyframes"));
    source.push(gop);
    await has((group + 1) * gop);
  }
  assertEquals(source.rings, before + 3);
  assertEquals([...pictures.keys()].filter((n) => n > gop), [2 * gop, 3 * gop, 4 * gop]);
  // Somebody who wants more is heard of at once, in the middle of a group.
  await until(() => !source.wakesFor("others"));
  source.push(3);
  const all: Pictures = new Map(), branch = decoded.branch({ capacity: 1_000 });
  const allSeen = await begin(decoded, branch, all);
  await until(() => source.wakesFor("others"));
  source.push(gop - 4);
  await until(() => all.size > 0);
  await branch[Symbol.asyncDispose]();
  await allSeen();
  while (source.push());
  source.end();
  await seen();
  assertExact(pictures, made);
  assertExact(all, made);
  await assertAddsUp(decoded, file.units.length);
  await decoded[Symbol.asyncDispose]();
  assertEquals([source.wakesFor("keyframes"), source.wakesFor("others")], [false, false]);
});

Deno.test("a decoder that is woken for keyframes alone looks around by itself where none comes", async () => {
  const made = await STREAMS["without B-frames"]();
  const { gop } = made;
  const file = {
    ...made.file,
    units: made.file.units.map((unit, n) => ({ ...unit, keyframe: unit.keyframe && n <= gop })),
  };
  // More come unheard of than may wait.
  const source = new FileSource(file, 1_024);
  source.heedful = true;
  const decoded = encodedFeed(source).branch({ capacity: 2 * gop }).pipe(decode()) as PlannedFeed;
  const pictures: Pictures = new Map();
  const few = decoded.branch({ capacity: 1_000 }).pipe(interval(gop * 1_000 / made.rate));
  const seen = await begin(decoded, few, pictures);
  await until(() => source.wakesFor("others"));
  while (source.pushed <= gop) source.push();
  await until(() => pictures.has(gop) && !source.wakesFor("others"));
  source.push(3 * gop); // past twice its interval
  await until(() => [...pictures.keys()].some((n) => n > gop));
  source.end();
  await seen();
  assertExact(pictures, made);
  await assertAddsUp(decoded, source.pushed);
  await decoded[Symbol.asyncDispose]();
});

Deno.test("while no branch is read nothing is decoded, and that counts as not wanted", async () => {
  const made = await STREAMS["without B-frames"]();
  const { source, decoded, play } = cameraOf(made);
  const first: Pictures = new Map(), branch = decoded.branch({ capacity: 1_000 });
  const reading = await begin(decoded, branch, first);
  await play(20);
  await until(() => first.size === 20);
  await branch[Symbol.asyncDispose]();
  await reading();
  const { accessUnits } = await decoded.decoderStats();
  source.push(50);
  await new Promise((done) => setTimeout(done, 100));
  assertEquals((await decoded.decoderStats()).accessUnits, accessUnits);
  const second = await begin(decoded, decoded.branch({ capacity: 1_000 }));
  await play();
  source.end();
  const pictures = await second();
  assertExact(pictures, made);
  const { unwanted } = await assertAddsUp(decoded, made.file.units.length);
  assert(unwanted >= 40, `${unwanted}`);
  await decoded[Symbol.asyncDispose]();
});

Deno.test('decode({ frames: "keyframes" }) on any other sequence gives keyframes alone', async () => {
  const { file, expected } = await STREAMS["with B-frames"]();
  async function* units(): AsyncGenerator<AccessUnit> {
    for (const [sequence, unit] of file.units.entries()) {
      yield { ...unit, codec: file.codec, corrupt: false, generation: 0, receivedAt: 0, wallTime: null, sequence };
    }
  }
  const pictures = await collect(decode({ frames: "keyframes" })(units()));
  const keyframes = file.units.flatMap(({ keyframe }, n) => keyframe ? [n] : []);
  assertEquals([...pictures], keyframes.map((n) => [n, expected.get(n)!]));
});
