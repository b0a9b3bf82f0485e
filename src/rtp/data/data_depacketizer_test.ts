import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { RtpPacketView, writeRtpHeader } from "../packet.ts";
import { DataDepacketizer } from "./data_depacketizer.ts";

type Packet = { payload: string; timestamp: number; marker?: boolean; gap?: number };

function depacketize(packets: Packet[], options: { joined: boolean; maxUnitBytes?: number }) {
  const units: { text: string; corrupt: boolean; discontinuity: boolean; rtpTimestamp: number }[] = [];
  const depacketizer = new DataDepacketizer({
    ...options,
    onUnit: ({ data, receivedAt: _, ...rest }) => units.push({ text: new TextDecoder().decode(data), ...rest }),
  });
  const view = new RtpPacketView();
  for (const { payload, timestamp, marker = true, gap = 0 } of packets) {
    if (gap > 0) depacketizer.gap(gap);
    const text = new TextEncoder().encode(payload);
    const bytes = new Uint8Array(12 + text.length);
    writeRtpHeader(bytes, { payloadType: 107, sequence: 0, timestamp, ssrc: 1, marker });
    bytes.set(text, 12);
    view.parse(bytes);
    depacketizer.push(view, timestamp);
  }
  return { units, depacketizer };
}

const XML = '<?xml version="1.0"?><tt:MetadataStream><tt:Event/></tt:MetadataStream>';

Deno.test("DataDepacketizer.push() joins the packets of an ONVIF document up to the marker, or to the next time", () => {
  const { units } = depacketize([
    { payload: XML.slice(0, 30), timestamp: 0, marker: false },
    { payload: XML.slice(30), timestamp: 0 },
    { payload: XML, timestamp: 1 },
    { payload: XML, timestamp: 2, marker: false },
    { payload: XML, timestamp: 3 },
  ], { joined: true });
  assertEquals(units.map(({ text, corrupt }) => [text, corrupt]), new Array(4).fill([XML, false]));
});

Deno.test("DataDepacketizer.gap() flags a document that lacks a part, and none that shows its begin", () => {
  const { units } = depacketize([
    { payload: XML.slice(0, 30), timestamp: 0, marker: false },
    { payload: XML.slice(40), timestamp: 0, gap: 1 },
    { payload: XML.slice(30), timestamp: 1, gap: 1 },
    { payload: XML, timestamp: 2, gap: 1 },
  ], { joined: true });
  assertEquals(units.map(({ corrupt, discontinuity }) => [corrupt, discontinuity]), [
    [true, true],
    [true, true],
    [false, true],
  ]);
});

Deno.test("DataDepacketizer.push() gives other payloads as they are", () => {
  const { units } = depacketize([
    { payload: "one", timestamp: 0, marker: false },
    { payload: "", timestamp: 0 },
    { payload: "two", timestamp: 0, gap: 3 },
  ], { joined: false });
  assertEquals(units.map(({ text, corrupt, discontinuity }) => [text, corrupt, discontinuity]), [
    ["one", false, false],
    ["two", false, true],
  ]);
});

Deno.test("DataDepacketizer.push() drops a document larger than the limit, and goes on with the next", () => {
  const { units, depacketizer } = depacketize([
    { payload: XML.repeat(2), timestamp: 0, marker: false },
    { payload: XML, timestamp: 0 },
    { payload: XML, timestamp: 1 },
  ], { joined: true, maxUnitBytes: 100 });
  assertEquals(units.map(({ text, discontinuity }) => [text, discontinuity]), [[XML, true]]);
  assertEquals(depacketizer.stats, { units: 1, corrupt: 0, oversize: 1 });
});

Deno.test("DataDepacketizer.push() survives any packets, in bounded memory", () => {
  const packet = fc.record({
    payload: fc.string({ maxLength: 40 }),
    timestamp: fc.nat(4),
    marker: fc.boolean(),
    gap: fc.constantFrom(0, 0, 1),
  });
  fc.assert(fc.property(fc.array(packet, { maxLength: 50 }), fc.boolean(), (packets, joined) => {
    const { units } = depacketize(packets, { joined, maxUnitBytes: 200 });
    for (const { text } of units) assert(text.length <= 200);
  }));
});
