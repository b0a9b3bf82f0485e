import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ReceiverStats } from "./receiver_stats.ts";
import {
  buildBye,
  buildReceiverReport,
  buildSenderReport,
  ntpMiddle,
  ntpOf,
  parseRtcp,
  type ReportBlock,
  reportInterval,
  type RtcpPacket,
  unixOf,
} from "./rtcp.ts";

/** The packet, known to be of a type. */
function as<Type extends RtcpPacket["type"]>(packet: RtcpPacket, type: Type): Extract<RtcpPacket, { type: Type }> {
  assertEquals(packet.type, type);
  return packet as Extract<RtcpPacket, { type: Type }>;
}

const BLOCK: ReportBlock = {
  ssrc: 0xdeadbeef,
  fractionLost: 255,
  cumulativeLost: -3,
  highestSequence: 0x00020001,
  jitter: 77,
  lastReport: 0x80000000,
  delaySinceLastReport: 65_536,
};

Deno.test("parseRtcp() reads what buildSenderReport() writes", () => {
  const bytes = buildSenderReport({
    ssrc: 5,
    unixMs: 1_700_000_000_123.5,
    rtpTimestamp: 0xfffffffe,
    packets: 10,
    octets: 2 ** 32 - 1,
    cname: "camera",
    blocks: [BLOCK],
  });
  assertEquals(bytes.length % 4, 0);
  const { packets, malformed } = parseRtcp(bytes);
  assertEquals(malformed, 0);
  const description = packets[1];
  const report = as(packets[0], "sender-report");
  assertEquals(report.blocks, [BLOCK]);
  assertEquals([report.ssrc, report.rtpTimestamp, report.packets, report.octets], [5, 0xfffffffe, 10, 2 ** 32 - 1]);
  assert(Math.abs(unixOf(report.ntpSeconds, report.ntpFraction) - 1_700_000_000_123.5) < 0.001);
  assertEquals(description, { type: "description", sources: [{ ssrc: 5, cname: "camera" }] });
});

Deno.test("parseRtcp() reads receiver reports and BYE for names of every length", () => {
  for (const cname of ["", "a", "ab", "abc", "abcd", "x".repeat(300)]) {
    const { packets, malformed } = parseRtcp(buildBye({ ssrc: 9, cname }));
    assertEquals(malformed, 0);
    assertEquals(packets.map((packet) => packet.type), ["receiver-report", "description", "bye"]);
    assertEquals(as(packets[1], "description").sources, [{ ssrc: 9, cname: cname.slice(0, 255) }]);
  }
  const { packets } = parseRtcp(buildReceiverReport({ ssrc: 1, cname: "a", blocks: [BLOCK, BLOCK] }));
  assertEquals(as(packets[0], "receiver-report").blocks.length, 2);
});

Deno.test("parseRtcp() keeps the report in front of what is damaged", () => {
  const whole = buildSenderReport({ ssrc: 5, unixMs: 0, rtpTimestamp: 0, packets: 0, octets: 0, cname: "camera" });
  const { packets, malformed } = parseRtcp(whole.subarray(0, 40));
  assertEquals(packets[0].type, "sender-report");
  assertEquals(malformed, 1);
  assertEquals(parseRtcp(new Uint8Array([0x80, 204, 0, 0])), { packets: [], malformed: 0 }, "APP is passed over");
});

Deno.test("parseRtcp() survives any bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(200, 201, 202, 203), (bytes, type) => {
    if (bytes.length > 3) [bytes[0], bytes[1], bytes[2]] = [0x80 | bytes[0] & 31, type, 0];
    const { packets, malformed } = parseRtcp(bytes);
    assert(packets.length + malformed <= 52);
  }));
});

Deno.test("ntpOf() and unixOf() undo each other on both sides of 2036", () => {
  for (const unixMs of [1_000_000_000_000.25, 1_763_678_000_999.75, 2_200_000_000_000.5]) {
    const { seconds, fraction } = ntpOf(unixMs);
    assert(Math.abs(unixOf(seconds, fraction) - unixMs) < 0.001);
  }
  assertEquals(ntpMiddle(0x12345678, 0x9abcdef0), 0x56789abc);
});

Deno.test("reportInterval() stays under five seconds", () => {
  for (const random of [0, 0.5, 1]) {
    for (const bandwidth of [0, 1000, 4_000_000]) {
      const interval = reportInterval({ averageBytes: 100, bandwidth, random });
      assert(interval > 500 && interval <= 5000, `${interval}`);
    }
  }
});

Deno.test("ReceiverStats counts losses over the wrap, and for each interval", () => {
  const stats = new ReceiverStats({ clockRate: 90_000 });
  assertEquals(stats.reportBlock(0), null);
  for (const sequence of [65_534, 65_535, 1, 2]) stats.update(3, sequence, 0, 0);
  const first = stats.reportBlock(0)!;
  assertEquals([first.cumulativeLost, first.fractionLost, first.highestSequence], [1, 51, 65_538]);
  stats.update(3, 3, 0, 0);
  stats.update(3, 3, 0, 0);
  assertEquals(stats.reportBlock(0)!.fractionLost, 0);
  assertEquals([stats.expected, stats.received, stats.lost], [6, 6, 0], "a duplicate makes up for a loss");
});

Deno.test("ReceiverStats.jitter is 0 for an even stream and follows an uneven one", () => {
  const even = new ReceiverStats({ clockRate: 90_000 });
  const uneven = new ReceiverStats({ clockRate: 90_000 });
  for (let i = 0; i < 400; i++) {
    const rtp = 0xffffff00 + i * 3600 >>> 0;
    even.update(1, i, rtp, i * 40);
    uneven.update(1, i, rtp, i * 40 + (i % 2) * 10);
  }
  assert(even.jitter < 0.001, `${even.jitter}`);
  assert(Math.abs(uneven.jitter - 10) < 0.1, `${uneven.jitter}`);
});

Deno.test("ReceiverStats.jitter takes nothing from packets that lay somewhere before they were received", () => {
  const stats = new ReceiverStats({ clockRate: 90_000 });
  for (let i = 0; i < 400; i++) stats.update(1, i, i * 3600, i % 10 < 5 ? NaN : i * 40);
  assert(stats.jitter < 0.001, `${stats.jitter}`);
  assertEquals([stats.received, stats.lost], [400, 0]);
});

Deno.test("ReceiverStats.reportBlock() refers to the last sender report, and begins anew with a new source", () => {
  const stats = new ReceiverStats({ clockRate: 90_000 });
  stats.update(1, 10, 0, 0);
  stats.senderReport(1, 0xabcd1234, 1000);
  stats.senderReport(2, 1, 1500);
  const block = stats.reportBlock(3000)!;
  assertEquals([block.lastReport, block.delaySinceLastReport], [0xabcd1234, 131_072]);
  stats.update(2, 500, 0, 0);
  assertEquals([stats.expected, stats.ssrc, stats.reportBlock(0)!.lastReport], [1, 2, 0]);
});
