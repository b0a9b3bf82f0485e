import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { RtspHeaders } from "./headers.ts";
import { frameInterleaved, serializeRequest, serializeResponse } from "./message.ts";
import { RtspParser, type RtspParserLimits } from "./parser.ts";
import { bytes, text } from "./testing.ts";

function harness(limits: RtspParserLimits = {}) {
  const log: string[] = [];
  const parser = new RtspParser({
    request: ({ method, url, body }) => log.push(`${method} ${url} ${text(body)}`),
    response: ({ protocol, status, reason, body }) => log.push(`${protocol} ${status} ${reason} ${text(body)}`),
    interleaved: (channel, data, start, end) => log.push(`$${channel} ${data.slice(start, end).toHex()}`),
    fault: (error) => log.push(`fault ${error.message}`),
  }, limits);
  parser.isKnownChannel = (channel) => channel < 2;
  return { log, parser };
}

/** One of everything, and what is to be read from it. */
const ITEMS: [Uint8Array, string][] = [
  [
    serializeResponse({ status: 200, headers: new RtspHeaders([["CSeq", "1"]]), body: "v=0\r\n" }),
    "RTSP 200 OK v=0\r\n",
  ],
  [frameInterleaved(0, Uint8Array.of(0x80, 0x24, 0x52, 0x54)), "$0 80245254"],
  [frameInterleaved(1, new Uint8Array(0)), "$1 "],
  [
    serializeRequest({ method: "GET_PARAMETER", url: "rtsp://a/b", headers: new RtspHeaders() }),
    "GET_PARAMETER rtsp://a/b ",
  ],
  [bytes("RTSP/1.0 404\nCSeq: 4\n\n"), "RTSP 404  "],
  [bytes("\r\nHTTP/1.1 400 Bad Request\r\n\r\n"), "HTTP 400 Bad Request "],
];

Deno.test("RtspParser.receive() reads the same however the bytes are cut", () => {
  const items = fc.array(fc.constantFrom(...ITEMS), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(items, fc.infiniteStream(fc.integer({ min: 1, max: 40 })), (chosen, sizes) => {
      const stream = Uint8Array.from(chosen.flatMap(([part]) => [...part]));
      const { log, parser } = harness();
      for (let at = 0; at < stream.length;) {
        const size = sizes.next().value!;
        parser.receive(stream.slice(at, at + size));
        at += size;
      }
      assertEquals(log, chosen.map(([, what]) => what));
      assertEquals([parser.garbageBytes, parser.heldBytes], [0, 0]);
    }),
    { numRuns: 300 },
  );
});

Deno.test("RtspParser.receive() hands on a frame that lies whole in a chunk without copying it", () => {
  const chunk = Uint8Array.from([
    ...frameInterleaved(0, Uint8Array.of(0x80, 1)),
    ...frameInterleaved(1, Uint8Array.of(0x80)),
  ]);
  const seen: [Uint8Array, number, number][] = [];
  const parser = new RtspParser({
    request: () => {},
    response: () => {},
    interleaved: (_, data, start, end) => seen.push([data, start, end]),
    fault: () => {},
  });
  parser.receive(chunk);
  assert(seen.every(([data]) => data === chunk));
  assertEquals(seen.map(([, start, end]) => [start, end]), [[4, 6], [10, 11]]);
});

Deno.test("RtspParser.receive() finds the next frame or message behind garbage (Canon, Axis)", () => {
  const frame = frameInterleaved(1, Uint8Array.of(0x80, 7));
  for (
    const garbage of [[0, 1, 2], [0x24, 9, 0, 1, 0x80], [0x24, 0, 0, 50, 0x10], [82, 84, 83, 80, 47, 10], [
      65,
      66,
      67,
      32,
      10,
    ]]
  ) {
    const { log, parser } = harness();
    // A known frame first, so that it is in step; then garbage that does not begin like a frame.
    parser.receive(frame);
    parser.receive(Uint8Array.from([0xff, ...garbage, ...frame, ...bytes("RTSP/1.0 200 OK\r\n\r\n")]));
    assertEquals(log, ["$1 8007", "$1 8007", "RTSP 200 OK "], JSON.stringify(garbage));
    assert(parser.garbageBytes >= 1);
  }
});

Deno.test("RtspParser.receive() survives any bytes, and holds no more than its limits", () => {
  const any = fc.array(fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.constantFrom(...ITEMS).map(([part]) => part),
    fc.constant(bytes("RTSP/1.0 200 OK\r\nContent-Length: 9999999\r\n\r\n")),
    fc.constant(bytes("DESCRIBE ")),
  ));
  fc.assert(
    fc.property(any, (chunks) => {
      const { parser } = harness({ maxHeadBytes: 200, maxBodyBytes: 500 });
      for (const chunk of chunks) {
        const before = chunk.slice();
        parser.receive(chunk);
        assertEquals(chunk, before, "the input is unchanged");
        assert(parser.heldBytes <= 65_539);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("RtspParser.receive() says which limit was passed", () => {
  const head = harness({ maxHeadBytes: 100 });
  head.parser.receive(bytes("RTSP/1.0 200 OK\r\n" + "A: b\r\n".repeat(50)));
  assert(head.log[0].includes("head has more than 100 bytes"), head.log[0]);
  const body = harness();
  body.parser.receive(bytes("RTSP/1.0 200 OK\r\nContent-Length: 2000000\r\n\r\n"));
  assert(body.log[0].includes("2000000") && body.log[0].includes("1048576"), body.log[0]);
  const garbage = harness({ maxGarbageBytes: 10 });
  garbage.parser.receive(new Uint8Array(20));
  garbage.parser.receive(bytes("RTSP/1.0 200 OK\r\n\r\n"));
  assertEquals(garbage.log.length, 1, "nothing follows a fault");
});

Deno.test("parseHead() takes folded lines, names without case, values more than once, and lines without a colon", () => {
  const seen: RtspHeaders[] = [];
  const parser = new RtspParser({
    request: () => {},
    response: ({ headers }) => seen.push(headers),
    interleaved: () => {},
    fault: () => {},
  });
  parser.receive(bytes("RTSP/1.0 200 OK\r\ncseq:7\r\nnonsense\r\nPublic: OPTIONS,\r\n PLAY\r\nA: 1\r\na: 2\r\n\r\n"));
  const [headers] = seen;
  assertEquals([headers.get("CSeq"), headers.get("public"), headers.get("B")], ["7", "OPTIONS, PLAY", null]);
  assertEquals(headers.getAll("A"), ["1", "2"]);
  assertEquals([...headers.set("a", "3")].filter(([name]) => name === "a"), [["a", "3"]]);
});

Deno.test("serializeRequest() lets no line break turn one field into two", () => {
  const request = { method: "PLAY", url: "rtsp://a\r\nX: y", headers: new RtspHeaders() };
  assertThrows(() => serializeRequest(request), TypeError, "line break");
  const headers = new RtspHeaders([["Session", "a\nb"]]);
  assertThrows(() => serializeResponse({ status: 200, headers }), TypeError, "Session");
  assertThrows(() => frameInterleaved(0, new Uint8Array(70_000)), RangeError, "70000");
});
