import { assert, assertEquals } from "@std/assert";
import { Turns } from "./turns.ts";

/** A camera that takes so many milliseconds for each picture, of which so many a second come. */
class Camera {
  had = 0;
  pictures = 0;
  /** The longest that a picture waited. */
  longest = 0;
  readonly #begins: number;

  constructor(readonly cost: number, readonly rate: number, begins = 0) {
    this.#begins = begins;
  }

  /** Decodes a picture where one is there at a time; the milliseconds that it takes. */
  turn(at: number): number | null {
    const since = this.#begins + this.pictures * 1_000 / this.rate;
    if (since > at) return null;
    this.longest = Math.max(this.longest, at - since);
    this.pictures++;
    this.had += this.cost;
    return this.cost;
  }
}

/** Has one thread decode cameras for so many milliseconds. */
async function play(turns: Turns<Camera>, milliseconds: number, from = 0): Promise<void> {
  let at = from;
  while (at < from + milliseconds) {
    const began = at;
    const worked = await turns.give((camera) => {
      const took = camera.turn(began);
      if (took !== null) at += took;
      return took;
    });
    if (!worked) at++;
  }
}

/** Asserts that cameras had so many milliseconds, give or take two turns. */
function assertNear(cameras: Camera[], expected: number[]): void {
  const had = cameras.map((camera) => camera.had);
  assert(had.every((time, i) => Math.abs(time - expected[i]) <= 20), `${had}`);
}

Deno.test("Turns gives a large camera no more time than the small ones, and these all that they need", async () => {
  const turns = new Turns<Camera>();
  const large = new Camera(120, 25), small = Array.from({ length: 4 }, () => new Camera(6, 25));
  for (const camera of [large, ...small]) turns.add(camera);
  await play(turns, 20_000);
  // Four times 15 percent are for the small ones; what is left the large one has.
  for (const camera of small) {
    assert(camera.pictures >= 490, `${camera.pictures}`);
    assert(camera.longest <= 120 + 4 * 6, `${camera.longest}`);
  }
  assert(large.had > 0.38 * 20_000 && large.had < 0.42 * 20_000, `${large.had}`);
});

Deno.test("Turns shares the time out by priority where there is not enough", async () => {
  const turns = new Turns<Camera>();
  const [low, normal, high] = (["low", "normal", "high"] as const).map((priority) => {
    const camera = new Camera(10, 1_000);
    turns.add(camera, priority);
    return camera;
  });
  await play(turns, 42_000);
  assertEquals([low, normal, high].map(({ had }) => Math.round(had / 1_000)), [2, 8, 32]);
});

Deno.test("Turns lets nobody save up what he did not use", async () => {
  const turns = new Turns<Camera>();
  const early = new Camera(10, 1_000), late = new Camera(10, 1_000, 10_000);
  turns.add(early);
  turns.add(late);
  await play(turns, 10_000);
  assertEquals(early.had, 10_000);
  const newest = new Camera(10, 1_000, 10_000);
  turns.add(newest);
  await play(turns, 3_000, 10_000);
  assertNear([early, late, newest], [11_000, 1_000, 1_000]);
  turns.delete(late);
  await play(turns, 1_000, 13_000);
  assertNear([early, late, newest], [11_500, 1_000, 1_500]);
});

Deno.test("Turns forgets what one turn took beyond all measure, as the first one does, whose code is not compiled", async () => {
  const turns = new Turns<Camera>();
  const cameras = Array.from({ length: 50 }, () => new Camera(10, 1_000));
  for (const camera of cameras) turns.add(camera);
  await turns.give((camera) => camera.turn(0)! + 2_000);
  await play(turns, 50 * 110);
  const most = Math.max(...cameras.map(({ pictures }) => pictures));
  assert(cameras[0].pictures >= 2 && most <= 12, `${cameras[0].pictures} of ${most}`);
});

Deno.test("Turns.give() says when nobody has anything to do", async () => {
  const turns = new Turns<string>();
  assertEquals(await turns.give(() => 1), false);
  turns.add("a");
  turns.add("b");
  const asked: string[] = [];
  assertEquals(await turns.give((member) => (asked.push(member), null)), false);
  assertEquals(asked, ["a", "b"]);
  // Who is deleted while it works is asked no more.
  assertEquals(await turns.give((member) => (turns.delete(member), Promise.resolve(5))), true);
  asked.length = 0;
  await turns.give((member) => (asked.push(member), null));
  assertEquals(asked, ["b"]);
});
