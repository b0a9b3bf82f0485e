import { assert, assertEquals } from "@std/assert";
import { IntervalGate } from "../../src/filter/interval.ts";
import { Plan, type Want } from "./plan.ts";

const FRAME = 40_000;

/** A reader of one picture in each interval, or of all. */
class Reader implements Want {
  readonly seen: number[] = [];
  readonly #gate: IntervalGate | null;
  wants: Want["wants"];

  constructor(intervalMs?: number) {
    this.#gate = intervalMs ? new IntervalGate(intervalMs) : null;
    this.wants = intervalMs ? "some" : "all";
  }
  get interval() {
    return this.#gate?.interval ?? 0;
  }
  get due() {
    return this.#gate?.due ?? -Infinity;
  }
  get last() {
    return this.#gate?.last ?? -Infinity;
  }
  isDue(pts: number, early?: number) {
    return this.#gate?.isDue(pts, early) ?? true;
  }
  take(pts: number, early?: number) {
    if (this.wants !== "nothing" && (this.#gate?.pass(pts, early) ?? true)) this.seen.push(pts / FRAME);
  }
}

interface Run {
  plan?: Plan;
  readers: Reader[];
  /** Whether picture `n` is a keyframe. */
  keyframe(n: number): boolean;
  pictures: number;
  isDisposable?: (n: number) => boolean;
  hurried?: (n: number) => boolean;
  /** Whether nothing from here to the next keyframe can be had. */
  lost?: (n: number) => boolean;
  before?: (n: number) => void;
}

/** Plays pictures through a plan, with a decoder that gives each at once; returns the numbers of those that were decoded. */
function play({ plan = new Plan(), readers, keyframe, pictures, isDisposable, hurried, lost, before }: Run) {
  const decoded: number[] = [], shed: number[] = [];
  /** The last picture that the decoder has, of those that others refer to. */
  let has = -1, last = 0, fresh = 0, begun = 0, jumped = false;
  for (let n = 0; n < pictures; n++) {
    if (lost?.(n)) jumped = true;
    if (jumped && (lost?.(n) || !keyframe(n))) continue;
    if (n >= begun) before?.(n);
    begun = Math.max(begun, n + 1);
    const again = n < fresh;
    const unit = { pts: n * FRAME, keyframe: keyframe(n), discontinuity: false };
    if (unit.keyframe) last = n;
    const disposable = () => isDisposable?.(n) ?? false;
    const choice = plan.choose(unit, readers.values(), {
      again,
      jumped,
      hurried: hurried?.(n) ?? false,
      isDisposable: disposable,
    });
    jumped = false;
    if (choice === "again") {
      n = last - 1;
      continue;
    }
    fresh = Math.max(fresh, n + 1);
    if (choice === "shed") shed.push(n);
    if (choice !== "take") continue;
    decoded.push(n);
    for (let before = has + 1; before < n && !unit.keyframe; before++) {
      assert(isDisposable?.(before), `picture ${n} was decoded without ${before}`);
    }
    if (!disposable()) has = n;
    if (unit.keyframe && !again) plan.endsWithKeyframe(readers.values());
    if (again) continue;
    for (const reader of readers) reader.take(unit.pts, unit.keyframe ? plan.earlyFor(reader) : undefined);
  }
  return { decoded, shed };
}

/** What an interval passes where all is decoded. */
function exact(intervalMs: number, pictures: number): number[] {
  const gate = new IntervalGate(intervalMs);
  return Array.from({ length: pictures }, (_, n) => n).filter((n) => gate.pass(n * FRAME));
}

const every = (gop: number) => (n: number) => n % gop === 0;
const multiples = (step: number, below: number) => Array.from({ length: Math.ceil(below / step) }, (_, i) => i * step);

Deno.test("Plan decodes keyframes alone where they are one or two intervals apart, once it knows their distance", () => {
  for (const gop of [25, 30, 50]) {
    const reader = new Reader(1_000);
    const { decoded } = play({ readers: [reader], keyframe: every(gop), pictures: 1_000 });
    // Before the second one its distance is not known, and what is due is decoded.
    const from = 2 * gop;
    assertEquals(decoded.filter((n) => n >= from), multiples(gop, 1_000).slice(2), `${gop}`);
    assertEquals(reader.seen.filter((n) => n >= from), multiples(gop, 1_000).slice(2));
  }
});

Deno.test("Plan leaves out keyframes that are not due", () => {
  const reader = new Reader(5_000);
  const { decoded } = play({ readers: [reader], keyframe: every(25), pictures: 2_000 });
  assertEquals(decoded.filter((n) => n >= 25), multiples(125, 2_000).slice(1));
  assertEquals(reader.seen, multiples(125, 2_000));
  const pictures = new Reader(1_000); // of MJPEG
  assertEquals(play({ readers: [pictures], keyframe: () => true, pictures: 500 }).decoded.length, 20);
});

Deno.test("Plan takes a keyframe that is a little early, where the one after it would be late", () => {
  const reader = new Reader(1_000);
  play({ readers: [reader], keyframe: every(24), pictures: 2_400 });
  // 0.96 s apart: four of five come, and not every other.
  assert(reader.seen.length >= 80, `${reader.seen.length}`);
  for (let i = 2; i < reader.seen.length; i++) assert(reader.seen[i] - reader.seen[i - 1] <= 48);
});

Deno.test("Plan decodes up to the picture that is due, and not from there to the next keyframe, where keyframes are rare", () => {
  for (const gop of [75, 100, 250]) {
    const reader = new Reader(1_000);
    const { decoded } = play({ readers: [reader], keyframe: every(gop), pictures: 1_000 });
    assertEquals(reader.seen, exact(1_000, 1_000));
    const late = decoded.filter((n) => n >= gop).map((n) => n % gop);
    assertEquals(Math.max(...late), gop - 25, `${gop}`);
  }
});

Deno.test("Plan leaves out pictures that no other refers to, and that are not due", () => {
  const reader = new Reader(360); // nine pictures
  const isDisposable = (n: number) => n % 50 % 3 !== 0;
  const { decoded } = play({ readers: [reader], keyframe: every(50), pictures: 900, isDisposable });
  assertEquals(reader.seen, exact(360, 900));
  assert(decoded.length < 400, `${decoded.length}`);
});

Deno.test("Plan goes back to the last keyframe where the next one does not come", () => {
  const reader = new Reader(1_000);
  const { decoded } = play({
    readers: [reader],
    keyframe: (n) => n < 200 ? n % 25 === 0 : n === 200,
    pictures: 500,
  });
  for (let i = 1; i < reader.seen.length; i++) assert(reader.seen[i] - reader.seen[i - 1] <= 54, `${reader.seen}`);
  // From the moment it is late on, pictures come when they are due.
  assert(reader.seen.filter((n) => n > 260).length >= 9);
  assert(decoded.length <= 25 + 8 + 300);
});

Deno.test("Plan passes over what comes while it is too late to go back, up to the next keyframe", () => {
  const plan = new Plan(), reader = new Reader();
  const options = { again: false, hurried: false, isDisposable: () => false };
  const at = (n: number, keyframe = false) => ({ pts: n * FRAME, keyframe, discontinuity: false });
  reader.wants = "nothing";
  assertEquals(plan.choose(at(0, true), [reader], options), "pass");
  reader.wants = "all";
  assertEquals(plan.choose(at(1), [reader], options), "again");
  plan.tooLate();
  assertEquals(plan.choose(at(1), [reader], options), "pass");
  assertEquals(plan.choose(at(2), [reader], options), "pass");
  assertEquals(plan.choose(at(3, true), [reader], options), "take");
  assertEquals(plan.choose(at(4), [reader], options), "take");
});

Deno.test("Plan is the union of what readers want, and follows them as they come and go", () => {
  const seldom = new Reader(1_000), all = new Reader();
  const readers = [seldom];
  const { decoded } = play({
    readers,
    keyframe: every(25),
    pictures: 1_000,
    before: (n) => {
      if (n === 210) readers.push(all);
      if (n === 410) all.wants = "nothing";
      if (n === 610) seldom.wants = "nothing";
      if (n === 710) seldom.wants = "some";
    },
  });
  assertEquals(all.seen, multiples(1, 410).slice(210));
  const between = (from: number, to: number) => decoded.filter((n) => n >= from && n < to);
  assertEquals(between(25, 200), multiples(25, 200).slice(1));
  assertEquals(between(425, 610), [425, 450, 475, 500, 525, 550, 575, 600]);
  assertEquals(between(610, 700), []);
  // Who was away for long has a picture at once.
  assertEquals(seldom.seen.filter((n) => n > 600)[0], 710);
  assertEquals(between(725, 1_000).filter((n) => n % 25 !== 0), []);
});

Deno.test("Plan decodes all, or keyframes alone, where it is told to", () => {
  const readers = [new Reader(1_000)];
  assertEquals(play({ plan: new Plan("all"), readers, keyframe: every(25), pictures: 200 }).decoded.length, 200);
  const all = [new Reader()];
  assertEquals(
    play({ plan: new Plan("keyframes"), readers: all, keyframe: every(25), pictures: 200 }).decoded,
    multiples(25, 200),
  );
  assertEquals(all[0].seen, multiples(25, 200));
});

Deno.test("Plan sheds pictures that no other refers to while it is hurried", () => {
  const isDisposable = (n: number) => n % 25 % 2 === 1;
  const { decoded, shed } = play({
    readers: [new Reader()],
    keyframe: every(25),
    pictures: 200,
    isDisposable,
    hurried: (n) => n >= 100,
  });
  assertEquals(shed, multiples(1, 200).slice(100).filter(isDisposable));
  assertEquals(decoded.length + shed.length, 200);
});

Deno.test("Plan gives readers of few pictures keyframes alone while it is hurried, and counts the rest as shed", () => {
  const reader = new Reader(1_000);
  const { decoded, shed } = play({
    readers: [reader],
    keyframe: every(100),
    pictures: 1_000,
    hurried: (n) => n >= 340 && n < 360 || n >= 605 && n < 710,
  });
  const between = (numbers: number[], from: number, to: number) => numbers.filter((n) => n >= from && n < to);
  // Hurried for a moment: up to the next keyframe nothing can be decoded, and nobody goes back for it.
  assertEquals(between(decoded, 340, 401), [400]);
  assertEquals(between(shed, 300, 400), multiples(1, 400).slice(340));
  assertEquals(between(decoded, 605, 801), [700, 800]);
  assertEquals(between(reader.seen, 401, 600), [425, 450, 475, 500, 525, 550, 575]);
  assertEquals(reader.seen.at(-1), 975);
});

Deno.test("Plan does not take it for the camera's distance of keyframes that it was made to pass some over", () => {
  const reader = new Reader(1_000);
  // Of eight seconds five and a half are lost, again and again.
  const { decoded } = play({
    readers: [reader],
    keyframe: every(25),
    pictures: 4_000,
    lost: (n) => n > 100 && n % 200 > 60,
  });
  assertEquals(decoded.filter((n) => n > 50 && n % 25 !== 0), []);
});
