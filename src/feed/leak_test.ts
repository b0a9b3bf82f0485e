import { assert, assertEquals } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { decode } from "../decode/mod.ts";
import { encodedFeed } from "./mod.ts";
import type { PlannedFeed } from "./planned_feed.ts";
import { clipSource, until } from "./testing.ts";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

Deno.test("readers and decoders that come and go leave nothing with a camera that stays", async () => {
  const source = await clipSource(4);
  const encoded = encodedFeed(source);
  const gone: WeakRef<object>[] = [];
  const snapshot = async () => {
    const frames = encoded.branch().pipe(decode()) as PlannedFeed;
    const reading = (async () => {
      for await (using _frame of frames) break;
    })();
    await until(async () => {
      source.push(10);
      return await Promise.race([reading.then(() => true), new Promise<false>((done) => setTimeout(done, 50, false))]);
    });
    gone.push(new WeakRef((await frames.decoding.attached!).worker));
    await frames[Symbol.asyncDispose]();
    const units = encoded.branch();
    gone.push(new WeakRef(units));
    for await (const _unit of units) break;
  };
  for (let i = 0; i < 3; i++) await snapshot();
  // The thread itself takes a moment to end.
  for (let i = 0; i < 100 && gone.some((ref) => ref.deref()); i++) {
    await new Promise((done) => setTimeout(done, 20));
    collect();
  }
  assertEquals(gone.map((ref) => ref.deref() === undefined), gone.map(() => true));
  assert(gone.length === 6);
  source.end();
});
