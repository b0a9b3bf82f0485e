import { assert, assertEquals, assertMatch } from "@std/assert";
import type { AudioUnit, DataUnit, Warning } from "../../src/media/mod.ts";
import { audioUnitOf, createRing, dataUnitOf, ringBytes, RingReader, SharedRingMemory } from "../../src/ring/mod.ts";
import { parseRtspUrl, parseSdp, type RtspTrack, tracksOf } from "../../src/rtsp/mod.ts";
import { buildSenderReport, writeRtpHeader } from "../../src/rtp/mod.ts";
import { SIDE_COUNTER as COUNTER, SIDE_COUNTERS, type SideCondition } from "../ingest_protocol.ts";
import { SideTrack } from "./side_track.ts";

const asked = parseRtspUrl("rtsp://cam/live");

function trackOf(media: string): RtspTrack {
  return tracksOf(parseSdp(`v=0\n${media}\n`), { base: "rtsp://cam/live", asked, codecs: ["h264"] })[0];
}

const PCMA = trackOf("m=audio 0 RTP/AVP 8");
const OPUS = trackOf("m=audio 0 RTP/AVP 111\na=rtpmap:111 opus/48000/2");
const LATM = trackOf("m=audio 0 RTP/AVP 98\na=rtpmap:98 MP4A-LATM/16000\na=fmtp:98 cpresent=0;config=400028103fc0");
const EVENTS = trackOf("m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000");

/** A track with a ring of its own, and what it said. */
function sideTrack(kind: "audio" | "data", arenaBytes = 65_536) {
  const options = { kind: "bytes", policy: "variable", slots: 64, arenaBytes } as const;
  const ring = new SharedArrayBuffer(ringBytes(options));
  createRing(new SharedRingMemory(ring), options);
  const counters = new SharedArrayBuffer(SIDE_COUNTERS.length * 8);
  const conditions: SideCondition[] = [], warnings: Warning[] = [];
  const track = new SideTrack({ kind, ring, counters }, {
    changed: (condition) => conditions.push(condition),
    warning: (warning) => warnings.push(warning),
  });
  const reader = new RingReader(new SharedRingMemory(ring), { start: "first" });
  const units = () => {
    const units: (AudioUnit | DataUnit)[] = [];
    for (;;) {
      let data = new Uint8Array(0);
      const meta = reader.next("every", (bytes) => data = new Uint8Array(bytes));
      if (!meta) return units;
      units.push(kind === "audio" ? audioUnitOf(meta, data)! : dataUnitOf(meta, data, "x"));
    }
  };
  const counted = () => {
    track.count();
    const values = new Float64Array(counters);
    return (name: keyof typeof COUNTER) => values[COUNTER[name]];
  };
  return { track, units, counted, conditions, warnings };
}

function packet(payloadType: number, sequence: number, timestamp: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + payload.length);
  writeRtpHeader(bytes, { payloadType, sequence, timestamp, ssrc: 9, marker: true });
  bytes.set(payload, 12);
  return bytes;
}

function feed(track: SideTrack, bytes: Uint8Array, at: number): void {
  track.packet(bytes, 0, bytes.length, at);
}

Deno.test("SideTrack writes sound with its times, counts it, and knows the camera's clock", () => {
  const { track, units, counted, conditions } = sideTrack("audio");
  track.begin(PCMA, true);
  assertEquals(conditions.at(-1), { state: "open", reason: "", encoding: "PCMA", info: conditions.at(-1)!.info });
  assertEquals([conditions.at(-1)!.info?.codec, conditions.at(-1)!.info?.sampleRate], ["pcma", 8_000]);
  feed(track, packet(8, 1, 0, new Uint8Array(160)), 1_000);
  const report = buildSenderReport({
    ...{ ssrc: 9, unixMs: 1.7e12, rtpTimestamp: 160, packets: 1, octets: 160, cname: "cam" },
  });
  track.control(report, 0, report.length, 1_010);
  feed(track, packet(8, 2, 160, new Uint8Array(160)), 1_020);
  const [first, second] = units() as AudioUnit[];
  assertEquals([first.pts, first.duration, first.wallTime, first.receivedAt], [0, 20_000, null, 1_000]);
  assertEquals([second.pts, Math.round(second.wallTime!), second.sequence], [20_000, 1.7e12, 1]);
  const count = counted();
  assertEquals([count("packets"), count("units"), count("reports"), count("lastUnitAt")], [2, 2, 1, 1_020]);
  assert(track.report(2_000)!.length > 0);
});

Deno.test("SideTrack goes on over connections, also where the camera sends other sound than before", () => {
  const { track, units, counted, conditions } = sideTrack("audio");
  track.begin(PCMA, true);
  feed(track, packet(8, 1, 0, new Uint8Array(160)), 1_000);
  track.begin(PCMA, true);
  feed(track, packet(8, 900, 7_000, new Uint8Array(160)), 3_000);
  track.tick(5_000);
  track.begin(OPUS, false);
  assertEquals([conditions.at(-1)!.encoding, conditions.at(-1)!.info?.codec], ["opus", "opus"]);
  feed(track, packet(111, 5, 99, Uint8Array.of(0x08, 1, 2)), 5_100);
  track.tick(5_300);
  const all = units() as AudioUnit[];
  assertEquals(all.map(({ codec, sampleRate }) => [codec, sampleRate]), [
    ["pcma", 8_000],
    ["pcma", 8_000],
    ["opus", 48_000],
  ]);
  assertEquals(all.map(({ sequence, discontinuity }) => [sequence, discontinuity]), [[0, false], [1, true], [2, true]]);
  assert(all[1].pts > all[0].pts && all[2].pts >= all[1].pts + 2_000_000, all.map(({ pts }) => pts).join());
  const count = counted();
  assertEquals([count("packets"), count("units"), count("failures")], [3, 3, 0]);
});

Deno.test("SideTrack drops what its ring does not take, and says what is missing", () => {
  const { track, units, counted } = sideTrack("data", 512);
  track.begin(EVENTS, true);
  feed(track, packet(107, 1, 0, new Uint8Array(100)), 1_000);
  feed(track, packet(107, 2, 9_000, new Uint8Array(600)), 1_100);
  feed(track, packet(107, 3, 18_000, new Uint8Array(100)), 1_200);
  assertEquals(units().map(({ pts, discontinuity }) => [pts, discontinuity]), [[0, false], [200_000, true]]);
  assertEquals([counted()("oversize"), counted()("units")], [1, 2]);
});

Deno.test("SideTrack is given up where its packets make it throw, until the next connection", () => {
  const { track, units, counted, conditions, warnings } = sideTrack("audio");
  track.begin(LATM, true);
  const broken = new Proxy(new Uint8Array(20), {
    get() {
      throw new Error("torn");
    },
  });
  track.packet(broken, 0, 20, 1_000);
  assertEquals(conditions.at(-1)!.state, "broken");
  assertMatch(conditions.at(-1)!.reason, /cannot be taken apart: torn$/);
  assertEquals(warnings.map(({ code }) => code), ["audio-broken"]);
  feed(track, packet(98, 1, 0, Uint8Array.of(3, 1, 2, 3)), 1_010);
  assertEquals([units().length, counted()("failures"), track.report(1_020)], [0, 1, null]);
  track.begin(LATM, true);
  feed(track, packet(98, 2, 1_024, Uint8Array.of(3, 1, 2, 3)), 2_000);
  assertEquals([units().length, conditions.at(-1)!.state], [1, "open"]);
});

Deno.test("SideTrack says what does not come, and counts it only where it is asked for and refused", () => {
  const { track, counted, conditions, warnings } = sideTrack("data");
  track.cannot("missing", "the camera offers no data");
  assertEquals([warnings.length, conditions.length], [0, 1]);
  track.cannot("left-out", "the camera answered SETUP with 500", "x");
  assertEquals(warnings.map(({ code, message }) => `${code}: ${message}`), [
    "data-left-out: Data is left out: the camera answered SETUP with 500",
  ]);
  track.begin(EVENTS, true);
  assertEquals([counted()("failures"), conditions.at(-1)!.state], [1, "open"]);
});
