import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { AudioCodec } from "../../media/mod.ts";
import { RtpPacketView } from "../packet.ts";
import { audioDepacketizer } from "../payload_formats.ts";
import { AudioPacketizer } from "./audio_packetizer.ts";

const FORMATS: Record<AudioCodec, { encoding: string; channels: number; parameters: Record<string, string> }> = {
  aac: {
    encoding: "MPEG4-GENERIC",
    channels: 2,
    parameters: { mode: "AAC-hbr", sizelength: "13", indexlength: "3", indexdeltalength: "3", config: "1210" },
  },
  pcmu: { encoding: "PCMU", channels: 1, parameters: {} },
  pcma: { encoding: "PCMA", channels: 1, parameters: {} },
  opus: { encoding: "OPUS", channels: 2, parameters: {} },
  l16: { encoding: "L16", channels: 2, parameters: {} },
};

/** What a receiver makes of the packets of these units. */
function received(codec: AudioCodec, units: readonly Uint8Array[], mtu: number) {
  const { encoding, channels, parameters } = FORMATS[codec];
  const frames: { hex: string; rtpTimestamp: number }[] = [];
  const depacketizer = audioDepacketizer(encoding, {
    format: { clockRate: 44_100, channels, parameters },
    onFrame: ({ data, rtpTimestamp }) => frames.push({ hex: data.toHex(), rtpTimestamp }),
  });
  const packetizer = new AudioPacketizer({ codec, channels, payloadType: 97, ssrc: 1, sequence: 65_535, mtu });
  const view = new RtpPacketView();
  let sequence = 65_535, largest = 0;
  units.forEach((unit, i) =>
    packetizer.packetize(unit, i * 1024, (packet) => {
      assertEquals(view.parse(packet), null);
      assertEquals(view.sequence, sequence);
      sequence = sequence + 1 & 0xffff;
      largest = Math.max(largest, packet.length);
      depacketizer.push(view, 0);
    })
  );
  assertEquals(packetizer.sequence, sequence);
  return { frames, largest, packetizer, stats: depacketizer.stats };
}

Deno.test("AudioPacketizer makes packets that are taken apart into the same frames, at their times", () => {
  for (const codec of ["aac", "opus"] as const) {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: codec === "aac" ? 700 : 180 }), { maxLength: 8 }),
        (units) => {
          const frames = units.map((unit, i) => {
            // A packet of Opus that says how long it is: one frame of 20 ms.
            if (codec === "opus") unit[0] = 0x78;
            return { hex: unit.toHex(), rtpTimestamp: i * 1024 };
          });
          const result = received(codec, units, 200);
          assertEquals(result.frames, frames);
          assertEquals(result.largest <= 200, true);
        },
      ),
      { numRuns: 100 },
    );
  }
});

Deno.test("AudioPacketizer cuts samples where a packet is full, and says when the rest begins", () => {
  for (const [codec, size] of [["pcmu", 1], ["pcma", 1], ["l16", 4]] as const) {
    const unit = Uint8Array.from({ length: 600 }, (_, i) => i * 7 & 0xff);
    const { frames, packetizer } = received(codec, [unit], 212 + 1);
    const most = 201 - 201 % size;
    assertEquals(frames.map(({ hex }) => hex).join(""), unit.toHex());
    assertEquals(frames.map(({ rtpTimestamp }) => rtpTimestamp), [0, 1, 2].map((i) => i * most / size));
    assertEquals([packetizer.packets, packetizer.octets], [3, 600]);
  }
});

Deno.test("AudioPacketizer refuses what cannot be said", () => {
  const of = (codec: AudioCodec) => new AudioPacketizer({ codec, channels: 1, payloadType: 97, ssrc: 1, sequence: 0 });
  assertThrows(() => of("aac").packetize(new Uint8Array(8192), 0, () => {}), TypeError, "8192 bytes, 8191 can be said");
  assertThrows(() => of("opus").packetize(new Uint8Array(1389), 0, () => {}), TypeError, "1389 bytes, 1388 fit");
  assertEquals(of("pcma").packetize(new Uint8Array(0), 0, () => {}), 0);
});
