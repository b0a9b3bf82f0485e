import { assert, assertEquals } from "@std/assert";
import { AudioReceiver, type ReceivedAudioUnit } from "../../src/rtp/mod.ts";
import { parseRtspUrl, parseSdp, type RtspTrack, tracksOf } from "../../src/rtsp/mod.ts";
import { HAS_FFMPEG, native } from "../../wasm/testing.ts";

/** What FFmpeg encodes, and what our receiver is to find in the packets that it makes of it. */
const SOUNDS = [
  {
    name: "AAC",
    args: ["-c:a", "aac", "-ar", "44100", "-ac", "2"],
    file: "mp4",
    codec: "aac",
    rate: 44_100,
    channels: 2,
  },
  {
    name: "AAC, a camera's",
    args: ["-c:a", "aac", "-ar", "16000"],
    file: "mp4",
    codec: "aac",
    rate: 16_000,
    channels: 1,
  },
  {
    name: "AAC in LATM",
    args: ["-c:a", "aac", "-ar", "48000", "-ac", "2"],
    file: "mp4",
    codec: "aac",
    rate: 48_000,
    channels: 2,
    packets: ["-rtpflags", "latm"],
  },
  {
    name: "G.711 µ-law",
    args: ["-c:a", "pcm_mulaw", "-ar", "8000"],
    file: "wav",
    codec: "pcmu",
    rate: 8000,
    channels: 1,
  },
  {
    name: "G.711 A-law",
    args: ["-c:a", "pcm_alaw", "-ar", "8000"],
    file: "wav",
    codec: "pcma",
    rate: 8000,
    channels: 1,
  },
  {
    name: "Opus",
    args: ["-c:a", "libopus", "-ar", "48000", "-ac", "2"],
    file: "ogg",
    codec: "opus",
    rate: 48_000,
    channels: 2,
  },
  {
    name: "L16",
    args: ["-c:a", "pcm_s16be", "-ar", "44100", "-ac", "2"],
    file: "mov",
    codec: "l16",
    rate: 44_100,
    channels: 2,
  },
] as const;
const SECONDS = 2;

for (const sound of SOUNDS) {
  Deno.test({
    name: `AudioReceiver gives back every byte of what FFmpeg sends: ${sound.name}`,
    ignore: !HAS_FFMPEG,
    async fn() {
      const path = await Deno.makeTempFile({ suffix: `.${sound.file}` });
      const source = `sine=frequency=440:duration=${SECONDS}`;
      await native(["-f", "lavfi", "-i", source, ...sound.args, path]);
      const expected = await native(["-i", path, "-map", "0:a", "-c", "copy", "-f", "data", "-"]);
      const { track, units } = await send(path, "packets" in sound ? sound.packets : []);
      await Deno.remove(path);
      assertEquals(track.audio && [track.audio.codec, track.audio.sampleRate], [sound.codec, sound.rate]);
      const received = units.map(({ data }) => data.toHex()).join("");
      // FFmpeg keeps AAC back until a packet is full, the last one for ever.
      const unsent = sound.name.startsWith("AAC") && !("packets" in sound) ? 1_472 : 0;
      assertEquals(received, expected.toHex().slice(0, received.length));
      assert(expected.length - received.length / 2 <= unsent, `${expected.length} bytes were sent`);
      for (const [i, unit] of units.entries()) {
        assertEquals([unit.codec, unit.sampleRate, unit.channels], [sound.codec, sound.rate, sound.channels]);
        assertEquals([unit.sequence, unit.corrupt, unit.discontinuity], [i, false, false]);
        // Each begins where the one before ends, but for rounding to ticks of the clock.
        const end = i === 0 ? 0 : units[i - 1].pts + units[i - 1].duration;
        assert(Math.abs(unit.pts - end) <= 130, `unit ${i} begins at ${unit.pts}, the one before ends at ${end}`);
      }
      const last = units.at(-1)!;
      assert(Math.abs((last.pts + last.duration) / 1e6 - SECONDS) < 0.15);
    },
  });
}

/** Has FFmpeg send a file's sound to a socket, and gives what came. */
async function send(path: string, flags: readonly string[]): Promise<{ track: RtspTrack; units: ReceivedAudioUnit[] }> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  const packets: Uint8Array[] = [];
  const receiving = (async () => {
    for await (const [packet] of socket) packets.push(packet.slice());
  })().catch(() => {}); // closed
  // In real time: a burst would be more than a socket holds.
  const args = ["-re", "-i", path, "-map", "0:a", "-c", "copy", ...flags, "-f", "rtp", `rtp://127.0.0.1:${port}`];
  const description = new TextDecoder().decode(await native(args));
  await new Promise((resolve) => setTimeout(resolve, 50));
  socket.close();
  await receiving;

  const url = parseRtspUrl("rtsp://camera/");
  const text = description.slice(description.indexOf("v=0"));
  const [track] = tracksOf(parseSdp(text), { base: url.href, asked: url, codecs: [] });
  const units: ReceivedAudioUnit[] = [];
  const { codec } = track.audio!;
  const receiver = new AudioReceiver({
    ...{ codec, encoding: track.encoding, clockRate: track.clockRate, channels: track.channels },
    ...{ parameters: track.parameters, payloadType: track.payloadType, reportSsrc: 1, cname: "test" },
    onUnit: (unit) => units.push({ ...unit, data: unit.data.slice() }),
  });
  for (const packet of packets) receiver.packet(packet, 0, packet.length, 0);
  const { reorder } = receiver.stats;
  assertEquals(reorder.lost, 0);
  return { track, units };
}
