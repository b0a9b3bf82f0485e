import { assert, assertEquals } from "@std/assert";
import { encodeAddress } from "./address.ts";
import { ERRNO } from "./errno.ts";
import { ADDRESS_BYTES, type NativeSymbols, POLL_ERROR, POLL_IN, POLL_OUT, POLL_WOKEN } from "./symbols.ts";
import { nativeTest } from "./testing.ts";

const LOOPBACK = encodeAddress({ hostname: "127.0.0.1", port: 0 });

function udp(library: NativeSymbols) {
  const handle = library.mr_udp_open(LOOPBACK, 0, new Int32Array(1));
  const address = new Uint8Array(ADDRESS_BYTES);
  assertEquals(library.mr_local(handle, address), 0);
  return { handle, address };
}

/** One wait; tag to events, in order of tags. */
function wait(library: NativeSymbols, poll: number, timeoutMs: number, cap = 8): [number, number][] {
  const tags = new Uint32Array(cap), events = new Uint32Array(cap);
  const count = library.mr_poll_wait(poll, timeoutMs, tags, events, cap);
  assert(count >= 0, String(count));
  return Array.from({ length: count }, (_, i): [number, number] => [tags[i], events[i]]).sort(([a], [b]) => a - b);
}

nativeTest("mr_poll_wait() reports each socket by its tag, for as long as it is ready", (library) => {
  const poll = library.mr_poll_new();
  const a = udp(library), b = udp(library), c = udp(library);
  library.mr_poll_set(poll, a.handle, POLL_IN, 10);
  library.mr_poll_set(poll, b.handle, POLL_IN, 0xfffffffe);
  library.mr_poll_set(poll, c.handle, POLL_IN, 12);
  assertEquals(wait(library, poll, 0), []);
  for (const { address } of [a, b]) library.mr_udp_send(c.handle, new Uint8Array(1), 1, address);
  assertEquals(wait(library, poll, 5_000), [[10, POLL_IN], [0xfffffffe, POLL_IN]]);
  assertEquals(wait(library, poll, 0).length, 2, "what was not read is still there");
  assertEquals(wait(library, poll, 0, 1).length, 1, "no more than there is room for");
  library.mr_udp_recv_many(a.handle, new Uint8Array(8), 8, 1, new Int32Array(1), null);
  assertEquals(wait(library, poll, 0), [[0xfffffffe, POLL_IN]]);
  // Other events and another tag; forgotten; closed.
  assertEquals(library.mr_poll_set(poll, a.handle, POLL_IN | POLL_OUT, 20), 0);
  assertEquals(wait(library, poll, 0), [[20, POLL_OUT], [0xfffffffe, POLL_IN]]);
  assertEquals(library.mr_poll_set(poll, a.handle, 0, 0), 0);
  assertEquals(library.mr_poll_set(poll, a.handle, 0, 0), 0, "forgotten twice is fine");
  assertEquals(wait(library, poll, 0), [[0xfffffffe, POLL_IN]]);
  library.mr_close(b.handle);
  assertEquals(wait(library, poll, 0), []);
  for (const handle of [a.handle, c.handle, poll]) assertEquals(library.mr_close(handle), 0);
});

nativeTest("mr_poll_wait() reports the end of a connection", (library) => {
  const poll = library.mr_poll_new();
  const listener = library.mr_tcp_listen(LOOPBACK, 1);
  const address = new Uint8Array(ADDRESS_BYTES);
  library.mr_local(listener, address);
  const client = library.mr_tcp_connect(address);
  library.mr_poll_set(poll, listener, POLL_IN, 1);
  assertEquals(wait(library, poll, 5_000), [[1, POLL_IN]]);
  library.mr_close(listener);
  library.mr_poll_set(poll, client, POLL_IN, 2);
  const [[tag, events]] = wait(library, poll, 5_000);
  assertEquals(tag, 2);
  assert(events & POLL_ERROR, "the connection that nobody accepted was reset");
  library.mr_close(client);
  library.mr_close(poll);
});

nativeTest("mr_poll_wake() ends the next wait once, however often it was called", (library) => {
  const poll = library.mr_poll_new();
  for (let i = 0; i < 3; i++) assertEquals(library.mr_poll_wake(poll), 0);
  assertEquals(wait(library, poll, 5_000), [[POLL_WOKEN, POLL_IN]]);
  assertEquals(wait(library, poll, 0), []);
  library.mr_close(poll);
});

nativeTest("mr_poll_wake() ends a wait that another thread is in", async (library) => {
  const poll = library.mr_poll_new();
  const tags = new Uint32Array(1), events = new Uint32Array(1);
  const waiting = library.mr_poll_wait_async(poll, -1, tags, events, 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  library.mr_poll_wake(poll);
  assertEquals(await waiting, 1);
  assertEquals(tags[0], POLL_WOKEN);
  library.mr_close(poll);
});

nativeTest("mr_close() ends all waits of other threads with EBADF", async (library) => {
  const poll = library.mr_poll_new();
  const waiting = [1, 2, 3].map(() => library.mr_poll_wait_async(poll, -1, new Uint32Array(1), new Uint32Array(1), 1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(library.mr_close(poll), 0);
  assertEquals(await Promise.all(waiting), [-ERRNO.EBADF, -ERRNO.EBADF, -ERRNO.EBADF]);
});

nativeTest("mr_poll_wait() waits as long as it was told when nothing happens", (library) => {
  const poll = library.mr_poll_new();
  const before = performance.now();
  assertEquals(wait(library, poll, 30), []);
  assert(performance.now() - before >= 29);
  library.mr_close(poll);
});

nativeTest("the poll functions check what they are given", (library) => {
  const poll = library.mr_poll_new();
  const { handle } = udp(library);
  const tags = new Uint32Array(1), events = new Uint32Array(1);
  assertEquals(library.mr_poll_set(poll, handle, 8, 1), -ERRNO.EINVAL);
  assertEquals(library.mr_poll_set(poll, handle, POLL_IN, POLL_WOKEN), -ERRNO.EINVAL);
  assertEquals(library.mr_poll_set(poll, poll, POLL_IN, 1), -ERRNO.EBADF, "no socket");
  assertEquals(library.mr_poll_set(handle, handle, POLL_IN, 1), -ERRNO.EBADF, "no poll");
  assertEquals(library.mr_poll_wait(handle, 0, tags, events, 1), -ERRNO.EBADF);
  assertEquals(library.mr_poll_wait(poll, 0, tags, events, 0), -ERRNO.EINVAL);
  assertEquals(library.mr_poll_wait(poll, 0, null, events, 1), -ERRNO.EFAULT);
  assertEquals(library.mr_poll_wake(handle), -ERRNO.EBADF);
  library.mr_close(handle);
  library.mr_close(poll);
});

nativeTest("mr_monotonic_ns() goes forward", (library) => {
  const out = new BigInt64Array(1);
  assertEquals(library.mr_monotonic_ns(out), 0);
  const before = out[0];
  assertEquals(library.mr_monotonic_ns(out), 0);
  assert(before > 0n && out[0] >= before);
  assertEquals(library.mr_monotonic_ns(null), -ERRNO.EFAULT);
});
