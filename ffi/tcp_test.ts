import { assert, assertEquals } from "@std/assert";
import { decodeAddress, encodeAddress } from "./address.ts";
import { ERRNO } from "./errno.ts";
import { ADDRESS_BYTES, cString, type NativeSymbols, POLL_IN, POLL_OUT } from "./symbols.ts";
import { nativeTest } from "./testing.ts";

const LOOPBACK = { hostname: "127.0.0.1", port: 0 };

/** Blocks until one of the wanted events of a socket is there; its bits. */
function until(library: NativeSymbols, handle: number, events: number): number {
  const poll = library.mr_poll_new();
  const tags = new Uint32Array(1), seen = new Uint32Array(1);
  assertEquals(library.mr_poll_set(poll, handle, events, 1), 0);
  assertEquals(library.mr_poll_wait(poll, 5_000, tags, seen, 1), 1);
  assertEquals(library.mr_close(poll), 0);
  return seen[0];
}

/** A listener, a connection to it and its other end; the caller closes all three. */
function connected(library: NativeSymbols, hostname = "127.0.0.1") {
  const listener = library.mr_tcp_listen(encodeAddress({ hostname, port: 0 }), 4);
  assert(listener > 0);
  const address = new Uint8Array(ADDRESS_BYTES);
  assertEquals(library.mr_local(listener, address), 0);
  const client = library.mr_tcp_connect(address);
  assert(client > 0);
  until(library, listener, POLL_IN);
  const peer = new Uint8Array(ADDRESS_BYTES);
  const server = library.mr_accept(listener, peer);
  assert(server > 0);
  until(library, client, POLL_OUT);
  assertEquals(library.mr_tcp_status(client), 0);
  return { listener, client, server, address, peer };
}

nativeTest("mr_tcp_connect() and mr_accept() meet, and each knows the other's address", (library) => {
  for (const hostname of ["127.0.0.1", "::1"]) {
    const { listener, client, server, address, peer } = connected(library, hostname);
    const own = new Uint8Array(ADDRESS_BYTES), other = new Uint8Array(ADDRESS_BYTES);
    assertEquals(library.mr_local(client, own), 0);
    assertEquals(peer, own);
    assertEquals(library.mr_peer(client, other), 0);
    assertEquals(other, address);
    assertEquals(decodeAddress(other)?.hostname, hostname);
    for (const handle of [listener, client, server]) assertEquals(library.mr_close(handle), 0);
  }
});

nativeTest("mr_tcp_gather() has the poll tell of so many bytes, and of the end", (library) => {
  const { listener, client, server } = connected(library);
  const poll = library.mr_poll_new(), tags = new Uint32Array(1), seen = new Uint32Array(1);
  const told = (timeout: number) => library.mr_poll_wait(poll, timeout, tags, seen, 1);
  assertEquals(library.mr_poll_set(poll, server, POLL_IN, 1), 0);
  assertEquals(library.mr_tcp_gather(server, 10), 0);
  assertEquals(library.mr_send(client, new Uint8Array(9), 9), 9);
  assertEquals(told(20), 0);
  assertEquals(library.mr_send(client, new Uint8Array(1), 1), 1);
  assertEquals(told(5_000), 1);
  const into = new Uint8Array(16);
  assertEquals(library.mr_recv(server, into, 16), 10);
  assertEquals(library.mr_send(client, new Uint8Array(2), 2), 2);
  assertEquals(told(20), 0);
  assertEquals(library.mr_tcp_gather(server, 1), 0);
  assertEquals(told(5_000), 1);
  assertEquals(library.mr_recv(server, into, 16), 2);
  assertEquals(library.mr_tcp_gather(server, 10), 0);
  assertEquals([0, 2 ** 31].map((bytes) => library.mr_tcp_gather(server, bytes)), [-ERRNO.EINVAL, -ERRNO.EINVAL]);
  library.mr_close(client);
  assertEquals(told(5_000), 1);
  assertEquals(library.mr_recv(server, into, 16), 0);
  for (const handle of [listener, server, poll]) assertEquals(library.mr_close(handle), 0);
  assertEquals(library.mr_tcp_gather(server, 1), -ERRNO.EBADF);
});

nativeTest("mr_send() and mr_recv() carry bytes, EAGAIN when there are none, and 0 at the end", (library) => {
  const { listener, client, server } = connected(library);
  const into = new Uint8Array(16);
  assertEquals(library.mr_recv(server, into, 16), -ERRNO.EAGAIN);
  assertEquals(library.mr_send(client, new TextEncoder().encode("OPTIONS"), 7), 7);
  until(library, server, POLL_IN);
  assertEquals(library.mr_recv(server, into, 3), 3);
  assertEquals(library.mr_recv(server, into.subarray(3), 13), 4);
  assertEquals(new TextDecoder().decode(into.subarray(0, 7)), "OPTIONS");
  library.mr_close(client);
  until(library, server, POLL_IN);
  assertEquals(library.mr_recv(server, into, 16), 0);
  library.mr_close(server);
  library.mr_close(listener);
});

nativeTest("mr_send() gives EAGAIN when the other end does not read, and does not kill when it is gone", (library) => {
  const { listener, client, server } = connected(library);
  const block = new Uint8Array(1 << 20);
  let sent = 0, result = 0;
  while ((result = library.mr_send(client, block, block.length)) > 0) sent += result;
  assertEquals(result, -ERRNO.EAGAIN);
  assert(sent > 0);
  library.mr_close(server);
  do result = library.mr_send(client, block, block.length); while (result === -ERRNO.EAGAIN);
  assert([-ERRNO.EPIPE, -ERRNO.ECONNRESET].includes(result as -32), String(result));
  library.mr_close(client);
  library.mr_close(listener);
});

nativeTest("mr_tcp_status() keeps saying why a connection was refused", (library) => {
  const listener = library.mr_tcp_listen(encodeAddress(LOOPBACK), 1);
  const address = new Uint8Array(ADDRESS_BYTES);
  library.mr_local(listener, address);
  library.mr_close(listener);
  const client = library.mr_tcp_connect(address);
  // Loopback may refuse on the spot.
  if (client > 0) {
    until(library, client, POLL_OUT);
    assertEquals(library.mr_tcp_status(client), -ERRNO.ECONNREFUSED);
    assertEquals(library.mr_tcp_status(client), -ERRNO.ECONNREFUSED);
    library.mr_close(client);
  } else assertEquals(client, -ERRNO.ECONNREFUSED);
});

nativeTest("mr_tcp_listen() refuses an address in use and one that this machine does not have", (library) => {
  const listener = library.mr_tcp_listen(encodeAddress(LOOPBACK), 1);
  const address = new Uint8Array(ADDRESS_BYTES);
  library.mr_local(listener, address);
  assertEquals(library.mr_tcp_listen(address, 1), -ERRNO.EADDRINUSE);
  assertEquals(library.mr_accept(listener, null), -ERRNO.EAGAIN);
  library.mr_close(listener);
  const elsewhere = encodeAddress({ hostname: "192.0.2.1", port: 0 });
  assertEquals(library.mr_tcp_listen(elsewhere, 1), -ERRNO.EADDRNOTAVAIL);
});

nativeTest("the TCP functions check what they are given", (library) => {
  const bytes = new Uint8Array(4);
  const noFamily = new Uint8Array(ADDRESS_BYTES);
  assertEquals(library.mr_tcp_connect(null), -ERRNO.EFAULT);
  assertEquals(library.mr_tcp_connect(noFamily), -ERRNO.EAFNOSUPPORT);
  assertEquals(library.mr_tcp_listen(noFamily, 1), -ERRNO.EAFNOSUPPORT);
  assertEquals(library.mr_tcp_listen(encodeAddress(LOOPBACK), -1), -ERRNO.EINVAL);
  const listener = library.mr_tcp_listen(encodeAddress(LOOPBACK), 1);
  assertEquals(library.mr_recv(listener, bytes, 4), -ERRNO.EBADF, "a listener receives nothing");
  assertEquals(library.mr_peer(listener, noFamily), -ERRNO.ENOTCONN);
  library.mr_close(listener);
  for (const handle of [listener, 0, -1, 0x7fffffff]) {
    assertEquals(library.mr_recv(handle, bytes, 4), -ERRNO.EBADF);
    assertEquals(library.mr_send(handle, bytes, 4), -ERRNO.EBADF);
    assertEquals(library.mr_accept(handle, null), -ERRNO.EBADF);
    assertEquals(library.mr_tcp_status(handle), -ERRNO.EBADF);
    assertEquals(library.mr_local(handle, noFamily), -ERRNO.EBADF);
    assertEquals(library.mr_close(handle), -ERRNO.EBADF);
  }
  assertEquals(library.mr_recv(1, null, 4), -ERRNO.EFAULT);
  assertEquals(library.mr_recv(1, bytes, 0), -ERRNO.EINVAL, "0 would look like the end");
});

nativeTest("a handle's number means nothing after it was closed, though its place is used again", (library) => {
  const seen = new Set<number>();
  for (let i = 0; i < 10_000; i++) {
    const handle = library.mr_poll_new();
    assert(handle > 0 && !seen.has(handle));
    seen.add(handle);
    assertEquals(library.mr_close(handle), 0);
    assertEquals(library.mr_close(handle), -ERRNO.EBADF);
  }
});

nativeTest("mr_resolve() finds names and numbers, with the port, and says what it does not find", async (library) => {
  const out = new Uint8Array(8 * ADDRESS_BYTES);
  assertEquals(library.mr_resolve(cString("127.0.0.1"), 554, 0, out, 8), 1);
  assertEquals(decodeAddress(out), { hostname: "127.0.0.1", port: 554, scope: 0 });
  assertEquals(library.mr_resolve(cString("::1"), 8554, 6, out, 8), 1);
  assertEquals(decodeAddress(out), { hostname: "::1", port: 8554, scope: 0 });
  const count = await library.mr_resolve_async(cString("localhost"), 80, 4, out, 8);
  assert(count >= 1);
  assertEquals(decodeAddress(out), { hostname: "127.0.0.1", port: 80, scope: 0 });
  assert(
    [-ERRNO.ENOENT, -ERRNO.EAGAIN].includes(library.mr_resolve(cString("no-such-host.invalid"), 1, 0, out, 8) as -2),
  );
  assertEquals(library.mr_resolve(cString("::1"), 1, 4, out, 8), -ERRNO.ENOENT);
  assertEquals(library.mr_resolve(cString(""), 1, 0, out, 8), -ERRNO.EINVAL);
  assertEquals(library.mr_resolve(cString("x".repeat(256)), 1, 0, out, 8), -ERRNO.EINVAL);
  assertEquals(library.mr_resolve(cString("127.0.0.1"), 65536, 0, out, 8), -ERRNO.EINVAL);
  assertEquals(library.mr_resolve(cString("127.0.0.1"), 1, 5, out, 8), -ERRNO.EINVAL);
  assertEquals(library.mr_resolve(cString("127.0.0.1"), 1, 0, out, 0), -ERRNO.EINVAL);
});

nativeTest("mr_stream_pair() joins two handles, and the end of one is the end of the other", (library) => {
  const pair = new Int32Array(2), into = new Uint8Array(8);
  assertEquals(library.mr_stream_pair(null), -ERRNO.EFAULT);
  assertEquals(library.mr_stream_pair(pair), 0);
  const [near, far] = pair;
  assertEquals(library.mr_recv(far, into, 8), -ERRNO.EAGAIN);
  assertEquals(library.mr_send(near, new TextEncoder().encode("there"), 5), 5);
  until(library, far, POLL_IN);
  assertEquals(library.mr_recv(far, into, 8), 5);
  assertEquals(library.mr_send(far, new TextEncoder().encode("back"), 4), 4);
  assertEquals(library.mr_recv(near, into, 8), 4);
  assertEquals(new TextDecoder().decode(into.subarray(0, 5)), "backe");
  assertEquals(library.mr_close(near), 0);
  until(library, far, POLL_IN);
  assertEquals([library.mr_recv(far, into, 8), library.mr_send(far, into, 1)], [0, -ERRNO.EPIPE]);
  assertEquals(library.mr_close(far), 0);
});
