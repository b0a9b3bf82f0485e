import { assert, assertEquals } from "@std/assert";
import type { Warning } from "../media/mod.ts";
import { H264Packetizer } from "./h264/packetizer.ts";
import { IDR, P, PPS, SPS, unit } from "./h264/testing.ts";
import { HevcPacketizer } from "./h265/packetizer.ts";
import * as hevc from "./h265/testing.ts";
import { buildBye, buildSenderReport, parseRtcp } from "./rtcp.ts";
import { type ReceivedUnit, VideoReceiver, type VideoReceiverOptions } from "./video_receiver.ts";

const KEY = unit(SPS, PPS, IDR);
const DELTA = unit(P);
const HEVC = {
  cra: hevc.unit(hevc.VPS, hevc.SPS, hevc.PPS, hevc.CRA),
  rasl: hevc.unit(hevc.RASL),
  trail: hevc.unit(hevc.TRAIL),
};

function harness(options: Partial<VideoReceiverOptions> = {}) {
  const units: (Omit<ReceivedUnit, "data"> & { bytes: number })[] = [];
  const warnings: Warning[] = [];
  const receiver = new VideoReceiver({
    clockRate: 90_000,
    payloadType: 96,
    reportSsrc: 0x1234,
    cname: "viewer",
    onUnit: ({ data, ...rest }) => units.push({ ...rest, bytes: data.length }),
    onWarning: (warning) => warnings.push(warning),
    ...options,
  });
  let packetizer = new H264Packetizer({ payloadType: 96, ssrc: 50, sequence: 65_534 });
  /** Sends pictures 40 ms apart from number `from` on; `lose` says which packets do not come. */
  const play = (pictures: Uint8Array[], from: number, lose: (sequence: number) => boolean = () => false) =>
    pictures.forEach((picture, i) =>
      packetizer.packetize(picture, 1000 + (from + i) * 3600, (packet) => {
        const sequence = packet[2] << 8 | packet[3];
        if (!lose(sequence)) receiver.packet(packet, 0, packet.length, (from + i) * 40);
      })
    );
  const source = (ssrc: number) => packetizer = new H264Packetizer({ payloadType: 96, ssrc, sequence: 9 });
  return { receiver, units, warnings, play, source };
}

Deno.test("VideoReceiver turns packets into access units with times", () => {
  const { receiver, units, play } = harness();
  play([KEY, DELTA, DELTA], 0);
  assertEquals(units.map(({ pts, dts, keyframe, sequence }) => [pts, dts, keyframe, sequence]), [
    [0, 0, true, 0],
    [40_000, 40_000, false, 1],
    [80_000, 80_000, false, 2],
  ]);
  assertEquals([units[0].info?.width, units[0].wallTime, units[2].receivedAt], [320, null, 80]);
  assertEquals([receiver.info?.height, receiver.stats.delivered], [180, 3]);
  assertEquals(receiver.parameterSets, unit(SPS, PPS));
});

Deno.test("VideoReceiver holds pictures back from a loss to the next keyframe", () => {
  const { receiver, units, warnings, play } = harness({ ordered: true });
  play([KEY, DELTA, DELTA, DELTA, KEY, DELTA], 0, (sequence) => sequence === 1);
  assertEquals(units.map(({ pts, corrupt, discontinuity }) => [pts, corrupt, discontinuity]), [
    [0, false, false],
    [40_000, false, false],
    [160_000, false, true],
    [200_000, false, false],
  ]);
  assertEquals([receiver.stats.skipped, receiver.stats.reorder.lost], [1, 1]);
  assertEquals(warnings.map(({ code, at }) => [code, at.lost]), [["rtp-lost", 1]]);
});

Deno.test("VideoReceiver hands them on flagged where that is asked for", () => {
  const { units, play } = harness({ ordered: true, policy: "deliver-corrupt" });
  play([KEY, DELTA, DELTA, DELTA, KEY], 0, (sequence) => sequence === 1);
  assertEquals(units.map(({ corrupt }) => corrupt), [false, false, true, false]);
});

Deno.test("VideoReceiver maps sender reports to wall time and answers with receiver reports", () => {
  const { receiver, units, play } = harness();
  const wall = 1_763_678_000_000;
  const report = (ssrc: number, rtpTimestamp: number, unixMs: number) =>
    buildSenderReport({ ssrc, unixMs, rtpTimestamp, packets: 1, octets: 1, cname: "camera" });
  const early = report(50, 1000, wall);
  receiver.control(early, 0, early.length, 0);
  play([KEY, DELTA], 0);
  assertEquals(units.map(({ wallTime }) => Math.round(wallTime!)), [wall, wall + 40]);
  const other = report(51, 1000, wall + 9e6);
  receiver.control(other, 0, other.length, 0);
  play([DELTA], 2);
  assertEquals(Math.round(units[2].wallTime!), wall + 80, "another source's report changes nothing");
  const [answer] = parseRtcp(receiver.report(100)).packets;
  assertEquals(answer.type === "receiver-report" && [answer.ssrc, answer.blocks[0].ssrc], [0x1234, 50]);
  const bye = buildBye({ ssrc: 50, cname: "camera" });
  receiver.control(bye, 0, bye.length, 0);
  receiver.control(new Uint8Array([1, 2, 3]), 0, 3, 0);
  assertEquals([receiver.stats.byes, receiver.stats.badReports, receiver.stats.senderReports], [1, 1, 2]);
});

Deno.test("VideoReceiver.reconnect() goes on with times and numbers, from a keyframe", () => {
  const { receiver, units, play, source } = harness();
  play([KEY, DELTA], 0);
  receiver.reconnect({ ordered: true });
  source(99);
  play([DELTA, KEY], 75);
  assertEquals(units.map(({ pts, sequence, keyframe }) => [pts, sequence, keyframe]).slice(2), [[3_040_000, 2, true]]);
  assertEquals([units[2].generation, units[2].discontinuity], [0, true], "the same parameter sets");
  assertEquals(receiver.stats.reorder.delivered, 6, "what the connection before counted is kept");
});

Deno.test("VideoReceiver takes a new source within a connection for a restart", () => {
  const { units, warnings, play, source } = harness({ ordered: true });
  play([KEY, DELTA], 0);
  source(99);
  play([KEY, DELTA], 2);
  assertEquals(units.map(({ pts, keyframe }) => [pts, keyframe]).slice(2), [[80_000, true], [120_000, false]]);
  assertEquals(warnings.map(({ code }) => code), ["rtp-restart"]);
});

Deno.test("VideoReceiver counts what is no packet of its track, and warns once a second", () => {
  const { receiver, warnings } = harness();
  for (let i = 0; i < 10; i++) receiver.packet(new Uint8Array([0x80, 97, ...new Array(12).fill(0)]), 0, 14, i * 150);
  receiver.packet(new Uint8Array(3), 0, 3, 2000);
  assertEquals([receiver.stats.otherPayloadTypes, receiver.stats.badPackets, receiver.stats.packets], [10, 1, 11]);
  assertEquals(warnings.map(({ code, count }) => [code, count]), [
    ["rtp-payload-type", 1],
    ["rtp-payload-type", 7],
    ["rtp-malformed", 1],
  ]);
});

Deno.test("VideoReceiver.tick() gives up on a packet that does not come (UDP)", () => {
  const { receiver, units, play } = harness({ maxDelay: 30 });
  assertEquals(receiver.waits, false);
  play([KEY, DELTA, KEY], 0, (sequence) => sequence === 0);
  assertEquals([units.length, receiver.waits], [1, true]);
  receiver.tick(200);
  assertEquals([units.length, receiver.waits], [2, false]);
  assert(units[1].keyframe && units[1].discontinuity);
});

Deno.test("VideoReceiver leaves out what leads the picture that decoding begins with (H.265), at the begin and after a loss", () => {
  const { units, warnings } = playHevc([
    "cra",
    "rasl",
    "trail",
    "cra",
    "rasl",
    "trail",
    "lost",
    "trail",
    "cra",
    "rasl",
  ]);
  assertEquals(units, ["cra", "trail", "cra", "rasl", "trail", "cra discontinuity"]);
  assertEquals(warnings, ["rtp-lost"]);
});

Deno.test("VideoReceiver.reconnect() takes another codec for another generation", () => {
  const { receiver, units, play } = harness({ ordered: true });
  play([KEY, DELTA], 0);
  receiver.reconnect({ codec: "hevc", payloadType: 97 });
  const packetizer = new HevcPacketizer({ payloadType: 97, ssrc: 60, sequence: 5 });
  packetizer.packetize(HEVC.cra, 500, (packet) => receiver.packet(packet, 0, packet.length, 3000));
  assertEquals(units.map(({ codec, generation, keyframe, sequence }) => [codec, generation, keyframe, sequence]), [
    ["h264", 0, true, 0],
    ["h264", 0, false, 1],
    ["hevc", 1, true, 2],
  ]);
  assert(units[2].pts > units[1].pts && units[2].discontinuity);
  assertEquals([receiver.info?.width, receiver.stats.depacketizer.units], [320, 3]);
});

/** Sends pictures of H.265 and says which come out. */
function playHevc(pictures: (keyof typeof HEVC | "lost")[]) {
  const names: string[] = [];
  const { receiver, warnings } = harness({
    codec: "hevc",
    ordered: true,
    onUnit: ({ rtpTimestamp, discontinuity }) =>
      void names.push(pictures[rtpTimestamp] + (discontinuity ? " discontinuity" : "")),
  });
  const packetizer = new HevcPacketizer({ payloadType: 96, ssrc: 1, sequence: 0 });
  pictures.forEach((name, i) =>
    packetizer.packetize(name === "lost" ? HEVC.trail : HEVC[name], i, (packet) => {
      if (name !== "lost") receiver.packet(packet, 0, packet.length, i);
    })
  );
  return { units: names, warnings: warnings.map(({ code }) => code) };
}
