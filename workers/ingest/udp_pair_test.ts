import { assert, assertEquals } from "@std/assert";
import { encodeAddress } from "../../ffi/address.ts";
import { loadLibrary } from "../../ffi/load.ts";
import { TEST_LIBRARY } from "../../ffi/testing.ts";
import { Poller } from "./poller.ts";
import { UdpPair } from "./udp_pair.ts";

const camera = encodeAddress({ hostname: "127.0.0.1", port: 554 });

/** A pair of sockets for packets of `camera`, and what came in by them. */
function openPair(rtp?: () => void) {
  const library = loadLibrary(TEST_LIBRARY);
  const poll = library.symbols.mr_poll_new();
  const poller = new Poller(library, poll);
  const heard: string[] = [];
  const take = (name: string) => (data: Uint8Array, start: number, end: number) =>
    void heard.push(`${name} ${new TextDecoder().decode(data.slice(start, end))}`);
  const broken: unknown[] = [];
  const pair = new UdpPair(library, poller, {
    peer: camera,
    receiveBuffer: 65_536,
    rtp: rtp ?? take("rtp"),
    rtcp: take("rtcp"),
    broken: (error) => broken.push(error),
  });
  return { poller, pair, heard, broken, [Symbol.dispose]: () => (pair.close(), void library.symbols.mr_close(poll)) };
}

async function send(from: string, words: string, port: number): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: from, port: 0 });
  await socket.send(new TextEncoder().encode(words), { transport: "udp", hostname: "127.0.0.1", port });
  socket.close();
}

Deno.test("UdpPair takes packets of the camera alone, on neighbouring ports, and counts the others", async () => {
  using open = openPair();
  const { pair, poller, heard } = open;
  assertEquals([pair.rtpPort % 2, pair.rtcpPort], [0, pair.rtpPort + 1]);
  await send("127.0.0.2", "forged", pair.rtpPort);
  await send("127.0.0.1", "media", pair.rtpPort);
  await send("127.0.0.1", "report", pair.rtcpPort);
  while (heard.length < 2) assert(poller.wait(1_000));
  assertEquals([heard.toSorted(), pair.foreign], [["rtcp report", "rtp media"], 1]);
});

Deno.test("UdpPair.setServer() lets packets in from where the camera says, and sends nothing there", async () => {
  using open = openPair();
  const { pair, poller, heard } = open;
  const server = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = server.addr as Deno.NetAddr;
  pair.setServer({ rtpPort: port, rtcpPort: port, source: encodeAddress({ hostname: "127.0.0.2", port: 0 }) });
  await send("127.0.0.2", "media", pair.rtpPort);
  while (heard.length < 1) assert(poller.wait(1_000));
  assertEquals([heard, pair.foreign], [["rtp media"], 0]);
  pair.sendMedia(new Uint8Array([1]));
  pair.sendControl(new Uint8Array([2]));
  const ports = [(await server.receive())[1], (await server.receive())[1]].map((from) => (from as Deno.NetAddr).port);
  server.close();
  assertEquals(ports, [pair.rtpPort, pair.rtcpPort]);
});

Deno.test("Poller hands what a handler throws to its owner, and goes on", async () => {
  let calls = 0;
  using open = openPair(() => {
    calls++;
    throw new Error("cannot read this");
  });
  await send("127.0.0.1", "bad", open.pair.rtpPort);
  while (calls === 0) assert(open.poller.wait(1_000));
  assertEquals(open.broken.map(String), ["Error: cannot read this"]);
  await send("127.0.0.1", "report", open.pair.rtcpPort);
  while (open.heard.length === 0) assert(open.poller.wait(1_000));
});

Deno.test("Poller.wait() says that its handle was closed", () => {
  const library = loadLibrary(TEST_LIBRARY);
  const poll = library.symbols.mr_poll_new();
  const poller = new Poller(library, poll);
  assertEquals(poller.wait(0), true);
  library.symbols.mr_close(poll);
  assertEquals(poller.wait(0), false);
});
