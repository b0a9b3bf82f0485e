import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { RtpPacketView, writeRtpHeader } from "./packet.ts";

Deno.test("RtpPacketView.parse() reads contributing sources, extension and padding", () => {
  const bytes = Uint8Array.fromHex(
    "ff" + "b2e1" + "fffe" + "fedcba98" + "80000001" + "0000000a".repeat(2) + "abac0001deadbeef" + "010203" + "0002",
  ).slice(1);
  bytes[0] = 0xb2;
  bytes[1] = 0xe1;
  const view = new RtpPacketView();
  assertEquals(view.parse(bytes), null);
  assertEquals([view.marker, view.payloadType, view.sequence], [true, 97, 0xfffe]);
  assertEquals([view.timestamp, view.ssrc, view.csrcCount], [0xfedcba98, 0x80000001, 2]);
  assertEquals([view.extensionProfile, view.extensionEnd - view.extensionStart], [0xabac, 4]);
  assertEquals([view.paddingBytes, view.payload.toHex()], [2, "010203"]);
});

Deno.test("RtpPacketView.parse() says why bytes are no packet", () => {
  const view = new RtpPacketView();
  const header = (first: number, length: number) => Uint8Array.of(first, 96, ...new Array(length - 2).fill(0));
  assertEquals(view.parse(header(0x80, 11)), "short");
  assertEquals(view.parse(header(0x40, 12)), "version");
  assertEquals(view.parse(header(0x82, 12)), "short", "contributing sources are missing");
  assertEquals(view.parse(header(0x90, 14)), "short", "the extension is missing");
  assertEquals(view.parse(header(0xa0, 14)), "padding", "the count is 0");
  assertEquals(view.parse(Uint8Array.of(0xa0, 96, ...new Array(10).fill(0), 200)), "padding");
});

Deno.test("RtpPacketView.parse() reads what writeRtpHeader() writes, at any offset", () => {
  const fields = fc.record({
    payloadType: fc.integer({ min: 0, max: 127 }),
    sequence: fc.integer({ min: 0, max: 0xffff }),
    timestamp: fc.integer({ min: 0, max: 0xffffffff }),
    ssrc: fc.integer({ min: 0, max: 0xffffffff }),
    marker: fc.boolean(),
  });
  fc.assert(fc.property(fields, fc.uint8Array({ maxLength: 40 }), fc.nat(20), (header, payload, offset) => {
    const bytes = new Uint8Array(offset + 12 + payload.length + 3);
    writeRtpHeader(bytes, header, offset);
    bytes.set(payload, offset + 12);
    const view = new RtpPacketView();
    assertEquals(view.parse(bytes, offset, offset + 12 + payload.length), null);
    const { payloadType, sequence, timestamp, ssrc, marker } = view;
    assertEquals({ payloadType, sequence, timestamp, ssrc, marker }, header);
    assertEquals([...view.payload], [...payload]);
  }));
  assertThrows(() => writeRtpHeader(new Uint8Array(11), fc.sample(fields, 1)[0]), RangeError, "11");
});

Deno.test("RtpPacketView.parse() keeps the payload inside any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
    if (bytes.length > 0) bytes[0] = bytes[0] & 0x3f | 0x80;
    const view = new RtpPacketView();
    if (view.parse(bytes) !== null) return;
    assert(view.payloadStart >= 12 && view.payloadStart <= view.payloadEnd && view.payloadEnd <= bytes.length);
  }));
});
