import { assert, assertEquals } from "@std/assert";
import { encodeAddress } from "../../ffi/address.ts";
import { loadLibrary } from "../../ffi/load.ts";
import { TEST_LIBRARY } from "../../ffi/testing.ts";
import { Connection } from "./connection.ts";
import { ERRNO } from "./native.ts";
import { Poller } from "./poller.ts";

const library = loadLibrary(TEST_LIBRARY);

/** A connection to a port of the loopback, and what it told. */
function open(port: number) {
  const poll = library.symbols.mr_poll_new();
  const poller = new Poller(library, poll);
  const told = { connected: 0, bytes: 0, over: [] as number[] };
  const connection = new Connection(library, poller, encodeAddress({ hostname: "127.0.0.1", port }), {
    connected: () => told.connected++,
    received: (bytes) => told.bytes += bytes.length,
    over: (errno) => told.over.push(errno),
    broken: (error) => {
      throw error;
    },
  });
  return {
    poller,
    connection,
    told,
    [Symbol.dispose]: () => (connection.close(), void library.symbols.mr_close(poll)),
  };
}

function listen(): { listener: Deno.TcpListener; port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return { listener, port: (listener.addr as Deno.NetAddr).port };
}

Deno.test("Connection keeps what it is given before it stands, and sends it in order", async () => {
  const { listener, port } = listen();
  using _ = listener;
  using end = open(port);
  end.connection.send(new Uint8Array([1, 2]));
  end.connection.send(new Uint8Array([3]));
  using peer = await listener.accept();
  while (end.told.connected === 0) assert(end.poller.wait(1_000));
  const bytes = new Uint8Array(8);
  let count = 0;
  while (count < 3) count += (await peer.read(bytes.subarray(count)))!;
  assertEquals([...bytes.subarray(0, count)], [1, 2, 3]);
});

Deno.test("Connection is full when its peer does not read, and empties again in order", async () => {
  const { listener, port } = listen();
  using _ = listener;
  using end = open(port);
  using peer = await listener.accept();
  let sent = 0;
  while (!end.connection.full) {
    end.connection.send(new Uint8Array(32_768).fill(sent++));
    end.poller.wait(0);
  }
  const chunk = new Uint8Array(65_536);
  let received = 0;
  while (received < sent * 32_768) {
    end.poller.wait(0);
    const count = (await peer.read(chunk))!;
    for (let i = 0; i < count; i++) assertEquals(chunk[i], (received + i) / 32_768 & 255);
    received += count;
  }
  assertEquals(end.connection.full, false);
});

Deno.test("Connection.gather() has nothing received before there is so much, or the peer is gone, unless it is asked for", async () => {
  const { listener, port } = listen();
  using _ = listener;
  using end = open(port);
  const peer = await listener.accept();
  while (end.told.connected === 0) assert(end.poller.wait(1_000));
  end.connection.gather(100);
  await peer.write(new Uint8Array(40));
  assert(end.poller.wait(20));
  assertEquals(end.told.bytes, 0);
  while (end.told.bytes === 0) end.connection.receive();
  await peer.write(new Uint8Array(60));
  assert(end.poller.wait(20));
  assertEquals(end.told.bytes, 40);
  await peer.write(new Uint8Array(40));
  while (end.told.bytes < 140) assert(end.poller.wait(1_000));
  end.connection.gather(1);
  await peer.write(new Uint8Array(1));
  while (end.told.bytes < 141) assert(end.poller.wait(1_000));
  end.connection.receive(); // nothing gathers: this is the poller's to tell
  end.connection.gather(100);
  peer.close();
  while (end.told.over.length === 0) assert(end.poller.wait(1_000));
  assertEquals(end.told, { connected: 1, bytes: 141, over: [0] });
});

Deno.test("Connection says once why it is over: refused, or ended by the peer", async () => {
  const { listener, port } = listen();
  {
    using end = open(port);
    const peer = await listener.accept();
    while (end.told.connected === 0) assert(end.poller.wait(1_000));
    await peer.write(new Uint8Array(5));
    peer.close();
    while (end.told.over.length === 0) assert(end.poller.wait(1_000));
    assertEquals(end.told, { connected: 1, bytes: 5, over: [0] });
  }
  listener.close();
  using refused = open(port);
  if (refused.connection.failure === 0) {
    while (refused.told.over.length === 0) assert(refused.poller.wait(1_000));
    assertEquals(refused.told.over, [ERRNO.ECONNREFUSED]);
  } else assertEquals(refused.connection.failure, ERRNO.ECONNREFUSED);
});
