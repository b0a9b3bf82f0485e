import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { gate, inspect, interval } from "../filter/mod.ts";
import type { Filter, Frame, FrameFeed } from "../media/mod.ts";
import { feedOf, frameFeedOf } from "./mod.ts";
import { FrameMaker, until } from "./testing.ts";

async function* counted(maker: FrameMaker, count: number, error?: Error): AsyncGenerator<Frame> {
  for (let i = 0; i < count; i++) {
    yield maker.frame();
    await new Promise((done) => setTimeout(done, 0));
  }
  if (error) throw error;
}

/** A source that gives one frame, and nothing ever after. */
async function* silent(maker: FrameMaker, gone: () => void = () => {}): AsyncGenerator<Frame> {
  try {
    yield maker.frame();
    await new Promise(() => {});
  } finally {
    gone();
  }
}

async function numbersOf(feed: AsyncIterable<Frame>): Promise<number[]> {
  const numbers: number[] = [];
  for await (using frame of feed) numbers.push(frame.sequence);
  return numbers;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

Deno.test("every branch of a feed gets every frame, on a lease of its own, and none is out in the end", async () => {
  const maker = new FrameMaker();
  await using feed = frameFeedOf(counted(maker, 30));
  const branches = [feed.branch({ capacity: 30 }), feed.branch({ overflow: "block" }), feed.branch({ capacity: 30 })];
  assertEquals(await Promise.all(branches.map(numbersOf)), [upTo(30), upTo(30), upTo(30)]);
  assertEquals([maker.made, maker.held, feed.stats().delivered], [30, 0, 30]);
});

Deno.test("a branch that is behind drops by its policy, and counts; the others do not notice", async () => {
  const maker = new FrameMaker();
  await using feed = frameFeedOf(counted(maker, 20));
  const slow = [feed.branch({ capacity: 3 }), feed.branch({ capacity: 3, overflow: "drop-newest" })];
  const fast = feed.branch({ capacity: 20 });
  assertEquals(await numbersOf(fast), upTo(20));
  assertEquals(await Promise.all(slow.map(numbersOf)), [[17, 18, 19], [0, 1, 2]]);
  assertEquals(slow.map((branch) => branch.stats()), [0, 1].map(() => ({ received: 20, delivered: 3, dropped: 17 })));
  assertEquals(maker.held, 0);
});

Deno.test("a frame says what its branch lost before it, beside what was missing before, and gives back its lease once", async () => {
  const maker = new FrameMaker();
  async function* source() {
    for (let i = 0; i < 6; i++) {
      using frame = maker.frame();
      yield frame.clone({ missed: 2 });
    }
  }
  await using feed = frameFeedOf(source());
  const [slow, fast] = [feed.branch({ capacity: 2 }), feed.branch({ capacity: 6 })];
  const missedOf = async (branch: FrameFeed) => {
    const missed: number[] = [];
    for await (using frame of branch) missed.push(frame.missed);
    return missed;
  };
  assertEquals([await missedOf(fast), await missedOf(slow)], [[2, 2, 2, 2, 2, 2], [2 + 4 * 3, 2]]);
  assertEquals(maker.held, 0);
});

Deno.test("the failure of a source ends every branch with the same error, after what was queued", async () => {
  const maker = new FrameMaker(), error = new RangeError("the cable was pulled");
  const feed = frameFeedOf(counted(maker, 3, error));
  const branches = [feed.branch(), feed.branch().pipe(interval(1)), feed.branch().pipe(inspect(() => {}))];
  const seen = branches.map(() => 0);
  const errors = await Promise.all(branches.map((branch, i) =>
    assertRejects(async () => {
      for await (using _frame of branch) seen[i]++;
    })
  ));
  assertEquals([errors.every((one: unknown) => one === error), seen, maker.held], [true, [3, 3, 3], 0]);
  // Who comes late hears of it as well.
  assertEquals(await assertRejects(() => numbersOf(feed.branch())), error);
  assertEquals(await assertRejects(() => feed.branch().pipeTo({ write() {} })), error);
});

Deno.test("what a filter throws ends its own branch alone", async () => {
  const maker = new FrameMaker();
  await using feed = frameFeedOf(counted(maker, 10));
  const failing = feed.branch({ capacity: 10 }).pipe(inspect((frame: Frame) => {
    if (frame.sequence === 2) throw new SyntaxError("unreadable");
  }));
  const [, rest] = await Promise.all([
    assertRejects(() => numbersOf(failing), SyntaxError, "unreadable"),
    numbersOf(feed.branch({ capacity: 10 })),
  ]);
  assertEquals(rest, upTo(10));
  await failing[Symbol.asyncDispose]();
  assertEquals(maker.held, 0);
});

Deno.test("a reader that leaves early gives back what waits for it, and does not stop the others", async () => {
  const maker = new FrameMaker();
  await using feed = frameFeedOf(counted(maker, 12));
  const left = feed.branch({ capacity: 12 });
  const leaving = (async () => {
    for await (using frame of left) if (frame.sequence === 1) return;
  })();
  const [rest] = await Promise.all([numbersOf(feed.branch({ capacity: 12 })), leaving]);
  assertEquals([rest, maker.held], [upTo(12), 0]);
});

Deno.test("disposing of a feed ends its branches and its source, gives back all frames, and may be done twice", async () => {
  const maker = new FrameMaker();
  let gone = 0;
  async function* endless(): AsyncGenerator<Frame> {
    try {
      for (;;) {
        yield maker.frame();
        await new Promise((done) => setTimeout(done, 1));
      }
    } finally {
      gone++;
    }
  }
  const feed = frameFeedOf(endless());
  const branches = [feed.branch({ capacity: 2 }), feed.branch().pipe(interval(1)), feed.branch({ overflow: "block" })];
  const reading = branches.slice(0, 2).map(numbersOf);
  const unread = branches[2];
  await until(() => maker.made > 5);
  await Promise.all([feed[Symbol.asyncDispose](), feed[Symbol.asyncDispose]()]);
  await feed[Symbol.asyncDispose]();
  const numbers = await Promise.all(reading);
  assert(numbers.every((list) => list.length > 0));
  assertEquals([gone, maker.held, await numbersOf(unread)], [1, 0, []]);
});

Deno.test("disposing of what was piped ends what it was piped from, from the source on", async () => {
  const maker = new FrameMaker(), order: string[] = [];
  const named = (name: string): Filter<Frame, Frame> =>
    async function* (source) {
      try {
        yield* source;
      } finally {
        order.push(name);
      }
    };
  {
    await using last = frameFeedOf(counted(maker, 100)).pipe(named("first")).pipe(named("second"));
    for await (using _frame of last) break;
  }
  assertEquals([order, maker.held], [["first", "second"], 0]);
});

Deno.test("pipeTo() hands every item to the sink, one after the other, and gives it back", async () => {
  const maker = new FrameMaker(), written: number[] = [];
  let busy = 0;
  await frameFeedOf(counted(maker, 5)).pipeTo({
    async write(frame) {
      assertEquals(++busy, 1);
      await new Promise((done) => setTimeout(done, 1));
      written.push(frame.sequence);
      busy--;
    },
  });
  assertEquals([written, maker.held], [upTo(5), 0]);
});

Deno.test("pipeTo() rejects with what the sink throws, and ends the feed", async () => {
  const maker = new FrameMaker();
  let gone = false;
  const feed = frameFeedOf(silent(maker, () => gone = true));
  await assertRejects(
    () => feed.pipeTo({ write: () => Promise.reject(new TypeError("disk full")) }),
    TypeError,
    "disk full",
  );
  assertEquals([gone, maker.held], [true, 0]);
});

Deno.test("pipeTo() rejects with the signal's reason: before it begins, between two items, and where none comes", async () => {
  const reason = new Error("enough");
  const maker = new FrameMaker();
  const sink = { write() {} };
  assertEquals(
    await assertRejects(() => frameFeedOf(silent(maker)).pipeTo(sink, { signal: AbortSignal.abort(reason) })),
    reason,
  );
  assertEquals(maker.made, 0);
  const writing = new AbortController();
  await assertRejects(
    () => frameFeedOf(counted(maker, 9)).pipeTo({ write: () => writing.abort(reason) }, { signal: writing.signal }),
    Error,
    "enough",
  );
  assertEquals([maker.made, maker.held], [1, 0]);
  const waiting = new AbortController();
  const rejected = assertRejects(
    () => frameFeedOf(silent(maker)).pipeTo(sink, { signal: waiting.signal }),
    Error,
    "enough",
  );
  await until(() => maker.made === 2 && maker.held === 0);
  waiting.abort(reason);
  await rejected;
});

Deno.test("pipeTo() gives back a frame that comes after the abort", async () => {
  const maker = new FrameMaker(), late = Promise.withResolvers<void>();
  async function* source(): AsyncGenerator<Frame> {
    await late.promise;
    yield maker.frame();
  }
  const controller = new AbortController();
  const piping = assertRejects(() => frameFeedOf(source()).pipeTo({ write() {} }, { signal: controller.signal }));
  controller.abort();
  await piping;
  late.resolve();
  await until(() => maker.made === 1 && maker.held === 0);
});

Deno.test("a feed that is read cannot be read again or branched, and says what to do", async () => {
  await using feed = feedOf((async function* () {
    yield 1;
    yield 2;
  })());
  const reading = feed[Symbol.asyncIterator]();
  assertEquals((await reading.next()).value, 1);
  assertThrows(() => feed[Symbol.asyncIterator](), TypeError, "branch it, and read the branches");
  assertThrows(() => (feed as unknown as { branch(): void }).branch(), TypeError, "branch it first");
});

Deno.test("feedOf() carries anything: items that are no frames are passed on as they are", async () => {
  const doubled = feedOf((async function* () {
    yield* [1, 2, 3];
  })()).pipe<string>(async function* (source) {
    for await (const item of source) yield `${item * 2}`;
  });
  const words: string[] = [];
  for await (const word of doubled) words.push(word);
  assertEquals(words, ["2", "4", "6"]);
});

Deno.test("interval(), gate() and inspect() give back the frames that they do not pass", async () => {
  const maker = new FrameMaker(), seen: number[] = [];
  const door = gate<Frame>({ open: false });
  const feed = frameFeedOf(counted(maker, 100))
    .pipe(interval(200)).pipe(inspect((frame: Frame) => {
      seen.push(frame.sequence);
      if (frame.sequence === 50) door.open = true;
    })).pipe(door);
  assertEquals(await numbersOf(feed), upTo(20).map((i) => i * 5).filter((number) => number >= 50));
  assertEquals([seen, door.held, maker.held], [upTo(20).map((i) => i * 5), 10, 0]);
});
