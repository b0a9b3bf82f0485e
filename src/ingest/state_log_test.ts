import { assertEquals } from "@std/assert";
import { StateLog } from "./state_log.ts";

const record = (state: "connecting" | "live" | "stale" | "offline") => ({ state, reason: state, since: 0 });

Deno.test("StateLog.follow() begins with the present state, and gives each further one to a follower that keeps up", async () => {
  const log = new StateLog();
  log.add(record("live"));
  const states = log.follow();
  assertEquals((await states.next()).value?.state, "live");
  const next = states.next();
  log.add(record("stale"));
  assertEquals((await next).value?.state, "stale");
});

Deno.test("StateLog.follow() gives the newest to one that does not keep up, and ends after the last", async () => {
  const log = new StateLog();
  const states = log.follow();
  log.add(record("live"));
  log.add(record("stale"));
  log.end(record("offline"));
  const seen: string[] = [];
  for await (const { state } of states) seen.push(state);
  assertEquals(seen, ["offline"]);
  for await (const { state } of log.follow()) seen.push(state);
  assertEquals(seen, ["offline", "offline"]);
});

Deno.test("StateLog.follow() can be left while it waits", async () => {
  const log = new StateLog();
  const states = log.follow();
  await states.next();
  const waiting = states.next();
  await states.return!();
  assertEquals(await waiting, { done: true, value: undefined });
});
