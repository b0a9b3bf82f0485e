import { assertEquals } from "@std/assert";
import { loadWorkers } from "../../workers/spawn.ts";
import { DecodeHelper } from "./decode_helper.ts";

/** A module whose `mr_helper_run` never returns. */
const ENDLESS = new WebAssembly.Module(
  new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 4, 1, 0x60, 0, 0], // one type, () -> ()
    ...[3, 2, 1, 0], // one function of it
    ...[6, 6, 1, 0x7f, 1, 0x41, 0, 0x0b], // one global, i32, mutable, 0
    ...[7, 35, 2, 15, ...new TextEncoder().encode("__stack_pointer"), 3, 0],
    ...[13, ...new TextEncoder().encode("mr_helper_run"), 0, 0],
    ...[10, 9, 1, 7, 0, 3, 0x40, 0x0c, 0, 0x0b, 0x0b], // loop, br 0
  ]),
);

Deno.test("a second thread that never comes to its end is ended with its instance", async () => {
  await loadWorkers();
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const { promise: over, resolve } = Promise.withResolvers<string | null>();
  const helper = new DecodeHelper(ENDLESS, memory, 1024, resolve);
  helper.stop();
  assertEquals(await over, "The second thread did not end");
});
