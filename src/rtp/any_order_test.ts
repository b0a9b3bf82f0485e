import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { VideoCodec } from "../media/mod.ts";
import * as h264 from "./h264/testing.ts";
import * as hevc from "./h265/testing.ts";
import { quantisationTables } from "./mjpeg/tables.ts";
import { jpegFile } from "./mjpeg/testing.ts";
import { videoPacketizer } from "./video_packetizer.ts";
import { VideoReceiver } from "./video_receiver.ts";

/** A picture of each codec, a keyframe or not, filled with these bytes. */
const PICTURES: Record<VideoCodec, (key: boolean, fill: number[]) => Uint8Array<ArrayBuffer>> = {
  h264: (key, fill) => key ? h264.unit(h264.SPS, h264.PPS, [...h264.IDR, ...fill]) : h264.unit([...h264.P, ...fill]),
  hevc: (key, fill) =>
    key ? hevc.unit(hevc.VPS, hevc.SPS, hevc.PPS, [...hevc.CRA, ...fill]) : hevc.unit([...hevc.TRAIL, ...fill]),
  mjpeg: (_, fill) => jpegFile([1, ...fill], { tables: quantisationTables(40) }),
};

/** What becomes of one packet on its way. */
interface Fate {
  lost: boolean;
  twice: boolean;
  /** By how many places it is late. */
  late: number;
}

const fates = fc.infiniteStream(fc.record({
  lost: fc.integer({ min: 0, max: 19 }).map((dice) => dice === 0),
  twice: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  late: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0 ? 3 : 0),
}));
const pictures = fc.array(
  fc.record({ key: fc.boolean(), bytes: fc.integer({ min: 1, max: 4000 }), value: fc.integer({ min: 4, max: 250 }) }),
  { minLength: 1, maxLength: 12 },
);

for (const codec of ["h264", "hevc", "mjpeg"] as const) {
  Deno.test(`VideoReceiver gives what was sent or nothing, whatever the network does to the packets: ${codec}`, () => {
    fc.assert(
      fc.property(pictures, fates, (list, dice) => {
        const sent = list.map(({ key, bytes, value }, i) =>
          PICTURES[codec](key || i === 0, new Array(bytes).fill(value)).toHex()
        );
        const packetizer = videoPacketizer(codec, { payloadType: 96, ssrc: 7, sequence: 65_500, mtu: 600 });
        let lost = false;
        const way: { at: number; bytes: Uint8Array }[] = [];
        sent.forEach((picture, i) =>
          packetizer.packetize(Uint8Array.fromHex(picture), i * 3600, (packet) => {
            // The first packet arrives: what was before it nobody can know.
            const fate: Fate = way.length === 0 ? { lost: false, twice: false, late: 0 } : dice.next().value!;
            lost ||= fate.lost;
            if (fate.lost) return;
            for (let n = fate.twice ? 2 : 1; n > 0; n--) {
              way.push({ at: way.length + fate.late, bytes: packet.slice() });
            }
          })
        );
        let pts = -1;
        const receiver = new VideoReceiver({
          codec,
          clockRate: 90_000,
          payloadType: 96,
          reportSsrc: 1,
          cname: "test",
          onUnit: (unit) => {
            assert(!unit.corrupt && unit.pts > pts);
            pts = unit.pts;
            assertEquals(unit.data.toHex(), sent[unit.rtpTimestamp / 3600]);
          },
        });
        way.sort((a, b) => a.at - b.at).forEach(({ bytes }, i) => receiver.packet(bytes, 0, bytes.length, i));
        receiver.flush(way.length);
        const { delivered, skipped, depacketizer } = receiver.stats;
        assertEquals(delivered + skipped, depacketizer.units);
        if (!lost) assertEquals(delivered, sent.length);
      }),
      { numRuns: 150 },
    );
  });
}
