import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseRtcp, RtpPacketView } from "../rtp/mod.ts";
import { RtspParser } from "../rtsp/mod.ts";
import { type Faults, NO_FAULTS, seededRandom } from "../camera/faults.ts";
import { FaultyPath } from "../camera/faulty_path.ts";
import { Playback } from "../camera/playback.ts";
import { emptyFile } from "../camera/testing.ts";
import { videoFormat } from "./send_format.ts";
import { Viewer } from "./viewer.ts";

/** What came by one way. */
interface Heard {
  sequences: number[];
  timestamps: number[];
  reports: Uint8Array[];
}

function headOf(packet: Uint8Array): { sequence: number; timestamp: number } {
  const view = new RtpPacketView();
  assertEquals(view.parse(packet, 0, packet.length), null);
  return { sequence: view.sequence, timestamp: view.timestamp };
}

/** Plays so many pictures to a viewer. */
function play(
  options: { faults?: Partial<Faults>; tcp?: boolean; units?: number; bytes?: number; seed?: number },
): Heard {
  const { units = 60, bytes = 5_000, tcp = false, seed = 1 } = options;
  const heard: Heard = { sequences: [], timestamps: [], reports: [] };
  const take = (packet: Uint8Array) => {
    const { sequence, timestamp } = headOf(packet);
    heard.sequences.push(sequence);
    heard.timestamps.push(timestamp);
  };
  const parser = new RtspParser({
    request: () => {},
    response: () => {},
    interleaved: (channel, data, start, end) => {
      if (channel === 4) take(data.slice(start, end));
      else heard.reports.push(data.slice(start, end));
    },
    fault: () => {},
  });
  const viewer = new Viewer({
    format: videoFormat("h264"),
    channels: tcp ? [4, 5] : null,
    disturbance: new FaultyPath({ ...NO_FAULTS, ...options.faults }, seededRandom(seed)),
    sink: {
      hasRoom: () => true,
      interleaved: (frames) => parser.receive(frames),
      datagram: (kind, packet) => kind === "rtp" ? take(packet.slice()) : void heard.reports.push(packet.slice()),
    },
  });
  const playback = new Playback(emptyFile({ units: 20, bytes }));
  const first = viewer.sequence;
  for (let i = 0; i < units; i++) {
    const unit = playback.next();
    const now = 1e12 + unit.due / 1000;
    viewer.send(unit, { now, unixMs: now, pts: unit.due });
  }
  // Counted from the first packet, over the wrap.
  heard.sequences = heard.sequences.map((sequence) => sequence - first & 0xffff);
  return heard;
}

const range = (count: number) => Array.from({ length: count }, (_, i) => i);

for (const tcp of [false, true]) {
  Deno.test(`Viewer sends every packet once and in order over ${tcp ? "TCP" : "UDP"}, with a report first`, () => {
    const { sequences, timestamps, reports } = play({ tcp });
    assertEquals(sequences, range(sequences.length));
    assert(sequences.length > 180);
    const steps = [...new Set(timestamps)].map((time, i, all) => i === 0 ? 1_800 : time - all[i - 1] >>> 0);
    assertEquals([steps.length, new Set(steps)], [60, new Set([1_800])]);
    assertEquals(parseRtcp(reports[0]).packets[0].type, "sender-report");
  });

  Deno.test(`Viewer leaves out about the share of packets that it is told over ${tcp ? "TCP" : "UDP"}`, () => {
    const total = play({ tcp, units: 400 }).sequences.length;
    const { sequences } = play({ tcp, units: 400, faults: { drop: 0.1 } });
    assertEquals(sequences.toSorted((a, b) => a - b), sequences);
    assert(sequences.length > total * 0.85 && sequences.length < total * 0.95, `${sequences.length} of ${total}`);
    assertEquals(play({ tcp, faults: { drop: 1 } }).sequences, []);
  });
}

Deno.test("Viewer lets packets change places with their neighbours and sends some twice, and loses none", () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(fc.property(share, share, fc.nat(), (reorder, duplicate, seed) => {
    const { sequences } = play({ faults: { reorder, duplicate }, seed, units: 20 });
    const seen = new Map<number, number>();
    let highest = -1;
    for (const sequence of sequences) {
      seen.set(sequence, (seen.get(sequence) ?? 0) + 1);
      assert(sequence >= highest - 1, `${sequence} came after ${highest}`);
      highest = Math.max(highest, sequence);
    }
    // The last one may still be waiting for a packet to change places with.
    assertEquals([...seen.keys()].toSorted((a, b) => a - b).slice(0, highest), range(highest));
    assert([...seen.values()].every((times) => times <= 2));
  }));
  const { sequences } = play({ faults: { reorder: 0.2 } });
  const swaps = sequences.filter((sequence, i) => i > 0 && sequence < sequences[i - 1]).length;
  assert(swaps > sequences.length * 0.1, `${swaps} of ${sequences.length}`);
});

Deno.test("Viewer does the same with the same seed", () => {
  const faults = { drop: 0.1, reorder: 0.1, duplicate: 0.1 };
  assertEquals(play({ faults, seed: 9 }).sequences, play({ faults, seed: 9 }).sequences);
});

Deno.test("Viewer puts stray bytes between packets of TCP, which cost a reader nothing", () => {
  const { sequences } = play({ tcp: true, faults: { garbageEvery: 3 } });
  assertEquals(sequences, range(sequences.length));
});

Deno.test("Viewer begins, and goes on after a pause or a queue that was full, at a keyframe", () => {
  let room = true;
  const sent: number[] = [];
  const viewer = new Viewer({
    format: videoFormat("h264"),
    channels: [0, 1],
    sink: { hasRoom: () => room, interleaved: () => {}, datagram: () => {} },
  });
  const playback = new Playback(emptyFile({ units: 20, gop: 5 }));
  for (let i = 0; i < 30; i++) {
    const unit = playback.next();
    if (i === 0) continue; // joins after a keyframe
    room = i !== 12;
    if (i === 21) viewer.pause();
    const before = viewer.stats.accessUnits;
    viewer.send(unit, { now: i, unixMs: i, pts: i });
    if (viewer.stats.accessUnits > before) sent.push(i);
  }
  assertEquals(sent, [5, 6, 7, 8, 9, 10, 11, 15, 16, 17, 18, 19, 20, 25, 26, 27, 28, 29]);
  assertEquals(viewer.stats.skipped, 1);
});
