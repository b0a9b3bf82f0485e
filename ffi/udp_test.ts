import { assert, assertEquals } from "@std/assert";
import { decodeAddress, encodeAddress } from "./address.ts";
import { ERRNO } from "./errno.ts";
import { ADDRESS_BYTES, type NativeSymbols, POLL_IN } from "./symbols.ts";
import { nativeTest } from "./testing.ts";

const LOOPBACK = encodeAddress({ hostname: "127.0.0.1", port: 0 });

function open(library: NativeSymbols, bind = LOOPBACK): { handle: number; address: Uint8Array<ArrayBuffer> } {
  const handle = library.mr_udp_open(bind, 0, new Int32Array(1));
  assert(handle > 0, String(handle));
  const address = new Uint8Array(ADDRESS_BYTES);
  assertEquals(library.mr_local(handle, address), 0);
  return { handle, address };
}

function untilReadable(library: NativeSymbols, handle: number): void {
  const poll = library.mr_poll_new();
  assertEquals(library.mr_poll_set(poll, handle, POLL_IN, 1), 0);
  assertEquals(library.mr_poll_wait(poll, 5_000, new Uint32Array(1), new Uint32Array(1), 1), 1);
  library.mr_close(poll);
}

nativeTest("mr_udp_pair() gives an even port and the next one, and says what buffers it got", (library) => {
  const handles = new Int32Array(2), ports = new Int32Array(2), got = new Int32Array(2);
  const made: number[] = [];
  for (let i = 0; i < 20; i++) {
    assertEquals(library.mr_udp_pair(LOOPBACK, 65_536, handles, ports, got), 0);
    assertEquals(ports[0] % 2, 0);
    assertEquals(ports[1], ports[0] + 1);
    assert(got[0] >= 65_536, `asked for 65536, got ${got[0]}`);
    assert(got[1] > 0);
    const address = new Uint8Array(ADDRESS_BYTES);
    assertEquals(library.mr_local(handles[1], address), 0);
    assertEquals(decodeAddress(address)?.port, ports[1]);
    made.push(...handles);
  }
  // A given port: taken, then free, then odd.
  const taken = encodeAddress({ hostname: "127.0.0.1", port: ports[0] });
  assertEquals(library.mr_udp_pair(taken, 0, handles, ports, got), -ERRNO.EADDRINUSE);
  for (const handle of made.splice(-2)) library.mr_close(handle);
  assertEquals(library.mr_udp_pair(taken, 0, handles, ports, got), 0);
  made.push(...handles);
  const odd = encodeAddress({ hostname: "127.0.0.1", port: ports[1] });
  assertEquals(library.mr_udp_pair(odd, 0, handles, ports, got), -ERRNO.EINVAL);
  assertEquals(library.mr_udp_pair(LOOPBACK, -1, handles, ports, got), -ERRNO.EINVAL);
  assertEquals(library.mr_udp_pair(LOOPBACK, 0, null, ports, got), -ERRNO.EFAULT);
  for (const handle of made) assertEquals(library.mr_close(handle), 0);
});

nativeTest("mr_udp_pair() frees the even port where the odd one is taken", (library) => {
  const handles = new Int32Array(2), ports = new Int32Array(2), got = new Int32Array(2);
  assertEquals(library.mr_udp_pair(LOOPBACK, 0, handles, ports, got), 0);
  library.mr_close(handles[0]);
  const odd = handles[1];
  const bind = encodeAddress({ hostname: "127.0.0.1", port: ports[0] });
  for (let i = 0; i < 3; i++) {
    assertEquals(library.mr_udp_pair(bind, 0, handles, ports, got), -ERRNO.EADDRINUSE);
  }
  library.mr_close(odd);
  assertEquals(library.mr_udp_pair(bind, 0, handles, ports, got), 0);
  library.mr_close(handles[0]);
  library.mr_close(handles[1]);
});

nativeTest("mr_udp_recv_many() takes more datagrams than one system call gives, each in its slot", (library) => {
  const receiver = open(library), sender = open(library);
  const count = 100, slot = 64;
  for (let i = 0; i < count; i++) {
    const datagram = new Uint8Array(i % 50).fill(i);
    assertEquals(library.mr_udp_send(sender.handle, datagram, datagram.length, receiver.address), datagram.length);
  }
  untilReadable(library, receiver.handle);
  const into = new Uint8Array(slot * 128).fill(255), lens = new Int32Array(128);
  const peers = new Uint8Array(128 * ADDRESS_BYTES);
  assertEquals(library.mr_udp_recv_many(receiver.handle, into, slot, 128, lens, peers), count);
  for (let i = 0; i < count; i++) {
    assertEquals(lens[i], i % 50);
    assert(into.subarray(i * slot, i * slot + lens[i]).every((byte) => byte === i));
    assertEquals(peers.subarray(i * ADDRESS_BYTES, (i + 1) * ADDRESS_BYTES), sender.address);
  }
  assertEquals(library.mr_udp_recv_many(receiver.handle, into, slot, 128, lens, null), 0);
  library.mr_close(receiver.handle);
  library.mr_close(sender.handle);
});

nativeTest("mr_udp_recv_many() says which datagram was longer than its slot, and writes not past it", (library) => {
  const receiver = open(library), sender = open(library);
  for (const bytes of [8, 9, 7]) library.mr_udp_send(sender.handle, new Uint8Array(bytes), bytes, receiver.address);
  untilReadable(library, receiver.handle);
  const into = new Uint8Array(24).fill(255), lens = new Int32Array(2);
  assertEquals(library.mr_udp_recv_many(receiver.handle, into, 8, 2, lens, null), 2);
  assertEquals([...lens], [8, -ERRNO.EMSGSIZE]);
  assert(into.subarray(16).every((byte) => byte === 255));
  assertEquals(library.mr_udp_recv_many(receiver.handle, into, 8, 2, lens, null), 1);
  assertEquals(lens[0], 7);
  library.mr_close(receiver.handle);
  library.mr_close(sender.handle);
});

nativeTest("mr_udp_connect() lets in nobody else", (library) => {
  const receiver = open(library), friend = open(library), stranger = open(library);
  assertEquals(library.mr_udp_connect(receiver.handle, friend.address), 0);
  const word = new Uint8Array([1, 2, 3]);
  library.mr_udp_send(stranger.handle, word, 1, receiver.address);
  library.mr_udp_send(friend.handle, word, 3, receiver.address);
  untilReadable(library, receiver.handle);
  const lens = new Int32Array(4);
  assertEquals(library.mr_udp_recv_many(receiver.handle, new Uint8Array(32), 8, 4, lens, null), 1);
  assertEquals(lens[0], 3);
  assertEquals(library.mr_udp_send(receiver.handle, word, 2, null), 2);
  for (const { handle } of [receiver, friend, stranger]) library.mr_close(handle);
});

nativeTest("mr_udp_dropped() counts what the system threw away", (library) => {
  const got = new Int32Array(1), dropped = new Uint32Array(1);
  const handle = library.mr_udp_open(LOOPBACK, 4096, got);
  const address = new Uint8Array(ADDRESS_BYTES);
  library.mr_local(handle, address);
  const sender = open(library);
  assertEquals(library.mr_udp_dropped(handle, dropped), 0);
  assertEquals(dropped[0], 0);
  const datagram = new Uint8Array(1400);
  for (let i = 0; i < 200; i++) library.mr_udp_send(sender.handle, datagram, datagram.length, address);
  const into = new Uint8Array(1500 * 256), lens = new Int32Array(256);
  const received = library.mr_udp_recv_many(handle, into, 1500, 256, lens, null);
  assertEquals(library.mr_udp_dropped(handle, dropped), 0);
  assert(dropped[0] > 0);
  assertEquals(received + dropped[0], 200);
  library.mr_close(handle);
  library.mr_close(sender.handle);
});

nativeTest("mr_udp_join() receives a group over loopback until it leaves", (library) => {
  const group = { hostname: "239.255.77.7", port: 0 };
  const receiver = open(library, encodeAddress(group));
  const port = decodeAddress(receiver.address)!.port;
  const to = encodeAddress({ ...group, port });
  // Bound to loopback, and so sent over it, whatever routes there are. Interface 1 is loopback on every Linux.
  const sender = open(library);
  const send = (bytes: number) =>
    assertEquals(library.mr_udp_send(sender.handle, new Uint8Array(bytes), bytes, to), bytes);
  const received = (handle: number) => {
    const lens = new Int32Array(8);
    const count = library.mr_udp_recv_many(handle, new Uint8Array(64), 8, 8, lens, null);
    return [...lens.subarray(0, count)];
  };
  send(1);
  assertEquals(library.mr_udp_join(receiver.handle, to, 1, null), 0);
  send(2);
  untilReadable(library, receiver.handle);
  assertEquals(received(receiver.handle), [2], "what came before is not ours");
  assertEquals(library.mr_udp_join(receiver.handle, to, 1, new Uint8Array(ADDRESS_BYTES)), -ERRNO.EADDRINUSE);
  assertEquals(library.mr_udp_leave(receiver.handle, to, 1, null), 0);
  send(3);
  assertEquals(received(receiver.handle), []);
  // Of one sender only, which is another one.
  const stranger = encodeAddress({ hostname: "127.0.0.9", port: 0 });
  const friend = encodeAddress({ hostname: "127.0.0.1", port: 0 });
  assertEquals(library.mr_udp_join(receiver.handle, to, 1, stranger), 0);
  send(4);
  assertEquals(received(receiver.handle), []);
  assertEquals(library.mr_udp_join(receiver.handle, to, 1, friend), 0);
  send(5);
  untilReadable(library, receiver.handle);
  assertEquals(received(receiver.handle), [5]);
  // A second program may listen to the same group and port.
  const second = library.mr_udp_open(to, 0, new Int32Array(1));
  assert(second > 0, String(second));
  for (const source of [friend, stranger]) assertEquals(library.mr_udp_leave(receiver.handle, to, 1, source), 0);
  assertEquals(library.mr_udp_leave(receiver.handle, to, 1, friend), -ERRNO.EINVAL, "it has left");
  for (const handle of [second, sender.handle, receiver.handle]) library.mr_close(handle);
});

nativeTest("the UDP functions check what they are given", (library) => {
  const { handle, address } = open(library);
  const bytes = new Uint8Array(8), lens = new Int32Array(1);
  const v6 = encodeAddress({ hostname: "::1", port: 9 });
  assertEquals(library.mr_udp_join(handle, address, 0, null), -ERRNO.EINVAL, "no group");
  const group = encodeAddress({ hostname: "239.1.1.1", port: 0 });
  assertEquals(library.mr_udp_join(handle, group, 0, v6), -ERRNO.EINVAL, "two families");
  assertEquals(library.mr_udp_recv_many(handle, bytes, 0, 1, lens, null), -ERRNO.EINVAL);
  assertEquals(library.mr_udp_recv_many(handle, bytes, 8, 0, lens, null), -ERRNO.EINVAL);
  assertEquals(library.mr_udp_recv_many(handle, bytes, 65537, 1, lens, null), -ERRNO.EINVAL);
  assertEquals(library.mr_udp_recv_many(handle, null, 8, 1, lens, null), -ERRNO.EFAULT);
  assertEquals(library.mr_udp_send(handle, bytes, 65536, address), -ERRNO.EMSGSIZE);
  assertEquals(library.mr_udp_send(handle, bytes, 8, new Uint8Array(ADDRESS_BYTES)), -ERRNO.EAFNOSUPPORT);
  assertEquals(library.mr_udp_open(LOOPBACK, -1, lens), -ERRNO.EINVAL);
  assertEquals(library.mr_recv(handle, bytes, 8), -ERRNO.EBADF, "TCP only");
  library.mr_close(handle);
  assertEquals(library.mr_udp_send(handle, bytes, 8, address), -ERRNO.EBADF);
  assertEquals(library.mr_udp_dropped(handle, new Uint32Array(1)), -ERRNO.EBADF);
  assertEquals(library.mr_udp_connect(handle, address), -ERRNO.EBADF);
  assertEquals(library.mr_udp_recv_many(handle, bytes, 8, 1, lens, null), -ERRNO.EBADF);
});
