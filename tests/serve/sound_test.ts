import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  type AccessUnit,
  type AudioTrackInfo,
  type AudioUnit,
  openRtsp,
  openSdp,
  serveRtsp,
  type Warning,
} from "../../mod.ts";
import { RawClient } from "../../src/camera/testing.ts";
import { UnitRingFeed } from "../../src/feed/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { audioRecord, audioUnitOf, createRing, ringBytes, SharedRingMemory } from "../../src/ring/mod.ts";
import { HAS_FFMPEG, native } from "../../wasm/testing.ts";
import { reorderedClip, shortClip } from "../support/clips.ts";
import { openSockets, socketsAreBack } from "../support/observe.ts";
import { assertPlays, take } from "../support/pictures.ts";
import { freeMediaPort } from "../support/ports.ts";
import { cameraBeside, SAMPLES, samples, sidePacket } from "../support/side_track.ts";

const file = await readVideoFile(await shortClip());
const PCMU: AudioTrackInfo = {
  ...{ codec: "pcmu", clockRate: 8_000, sampleRate: 8_000, channels: 1, config: new Uint8Array(0), codecString: "" },
};
const all = Array.from({ length: 4_000 }, (_, i) => samples(i).toHex());

/** A camera with G.711, and a server that passes it on. */
async function restream() {
  const stack = new AsyncDisposableStack();
  const device = stack.use(cameraBeside(file, "m=audio 0 RTP/AVP 0\na=control:track2\n"));
  device.sound = (count) => sidePacket(0, count, samples(count));
  const camera = stack.use(await openRtsp(device.url("/live"), { transport: "tcp", beside: ["audio"] }));
  const server = stack.use(await serveRtsp({ port: 0 }));
  const served = server.add("/door", camera.video, { sound: camera.audio });
  return { camera, server, served, url: served.url, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

for (const transport of ["tcp", "udp"] as const) {
  Deno.test(`serveRtsp() passes sound on beside the pictures over ${transport}, to whoever asks for it`, async () => {
    const sockets = openSockets();
    {
      await using source = await restream();
      assertEquals(source.served.hasSound, true);
      const signal = AbortSignal.timeout(60_000);
      await using client = await openRtsp(source.url, { transport, beside: ["audio"], signal });
      await using silent = await openRtsp(source.url, { transport, signal });
      const received: string[] = [];
      let spoken = 0, last = -1;
      for await (const unit of client.audio.branch({ capacity: 500 })) {
        assertEquals([unit.codec, unit.sampleRate, unit.channels, unit.data.length], ["pcmu", 8_000, 1, SAMPLES]);
        assertEquals([unit.discontinuity, unit.pts - last], [false, last < 0 ? unit.pts - last : 10_000]);
        [spoken, last] = [unit.wallTime ?? NaN, unit.pts];
        if (received.push(unit.data.toHex()) >= 20) break;
      }
      const at = all.indexOf(received[0]);
      assertEquals(received, all.slice(at, at + received.length));
      const units = await take(client.video.branch(), 12);
      assertPlays(units, file);
      // Both are told by one clock.
      assert(Math.abs(units.at(-1)!.wallTime! - spoken) < 5_000, `${units.at(-1)!.wallTime! - spoken} ms`);
      assertPlays(await take(silent.video.branch(), 12), file);
      assertEquals(silent.stats().lost + client.stats().lost + client.stats().audio!.lost, 0);
      assertEquals(source.served.stats().viewers, 2);
    }
    await socketsAreBack(sockets);
  });
}

Deno.test("a client may have sound alone, and each track once", async () => {
  await using source = await restream();
  const { url, server } = source;
  {
    await using client = await RawClient.connect(server.port);
    const text = ({ status, headers }: Awaited<ReturnType<RawClient["ask"]>>) =>
      `${status} ${headers.get("Transport") ?? headers.get("RTP-Info") ?? ""}`;
    const setUp = async (track: string, transport: string) =>
      text(await client.ask("SETUP", `${url}/${track}`, { Transport: `RTP/AVP/TCP;unicast${transport}` }));
    assert(await describe(client, url).then((sdp) => sdp.includes("m=audio 0 RTP/AVP 0")));
    assertMatch(await setUp("track2", ";interleaved=4-5"), /^200 .*interleaved=4-5/);
    assertEquals(await setUp("track1", ";interleaved=4-5"), "461 ");
    assertMatch(await setUp("track1", ""), /^200 .*interleaved=0-1/);
    assertMatch(await setUp("track2", ""), /^200 .*interleaved=2-3/);
    assertMatch(
      text(await client.ask("PLAY", url)),
      /^200 url=\S+track1;seq=\d+,url=\S+track2;seq=\d+$|^200 url=\S+track2;seq=\d+,url=\S+track1;seq=\d+$/,
    );
    while (new Set(client.packets.map(({ channel }) => channel & ~1)).size < 2) await sleep();
    assertEquals((await client.ask("SETUP", `${url}/track3`, { Transport: "RTP/AVP/TCP;unicast" })).status, 404);
  }
  {
    await using listener = await RawClient.connect(server.port);
    assertEquals((await listener.ask("SETUP", `${url}/track2`, { Transport: "RTP/AVP/TCP;unicast" })).status, 200);
    assertEquals((await listener.ask("PLAY", url)).status, 200);
    while (listener.packets.length < 10) await sleep();
    assertEquals(listener.packets.filter(({ channel }) => channel < 2), []);
  }
  while (source.served.stats().viewers > 0) await sleep();
  const quiet = server.add("quiet", source.camera.video);
  await using client = await RawClient.connect(server.port);
  assertEquals([quiet.hasSound, /m=audio/.test(await describe(client, quiet.url))], [false, false]);
  assertEquals((await client.ask("SETUP", `${quiet.url}/track2`, { Transport: "RTP/AVP/TCP;unicast" })).status, 404);
  const { audio, video } = source.camera;
  assertThrows(() => server.add("other", video, { sound: { ...audio } as typeof audio }), TypeError, "no camera's");
});

Deno.test("serveRtsp({ onWarning }) hears of sound that is not passed on, and its counters say how much", async () => {
  const shape = { kind: "bytes", policy: "variable", slots: 64, arenaBytes: 1 << 16 } as const;
  const ring = new SharedArrayBuffer(ringBytes(shape)), writer = createRing(new SharedRingMemory(ring), shape);
  const ended = Promise.withResolvers<undefined>();
  const speak = (byte: number, channels: number) => {
    const unit = { pts: byte * 125, duration: 125, receivedAt: Date.now(), wallTime: null };
    const record = audioRecord({ ...PCMU, ...unit, channels, discontinuity: false, corrupt: false });
    writer.write(record, Uint8Array.of(byte));
  };
  async function* pictures() {
    yield { ...file.units[0], codec: file.codec, receivedAt: Date.now(), wallTime: null } as AccessUnit;
    await ended.promise;
  }
  const warnings: Warning[] = [];
  await using server = await serveRtsp({ port: 0, onWarning: (warning) => warnings.push(warning) });
  const audio = new UnitRingFeed<AudioUnit>({ ring, sound: PCMU, unitOf: audioUnitOf, ended: ended.promise });
  const served = server.add("door", pictures(), { sound: audio });
  await using client = await RawClient.connect(server.port);
  assertEquals((await client.ask("SETUP", `${served.url}/track2`, { Transport: "RTP/AVP/TCP;unicast" })).status, 200);
  assertEquals((await client.ask("PLAY", served.url)).status, 200);
  const heard = () => client.packets.filter(({ channel }) => channel % 2 === 0).map(({ data }) => data.at(-1));
  for (const [byte, channels] of [[1, 1], [2, 2], [3, 2], [4, 1]]) speak(byte, channels);
  while (heard().length < 2 || warnings.length === 0 || served.stats().soundUnsendable < 2) await sleep();
  assertEquals([heard(), warnings.length, warnings[0].code], [[1, 4], 1, "serve-sound-format"]);
  const { soundDropped, soundSkipped, soundUnsendable } = served.stats();
  assertEquals([soundDropped, soundSkipped, soundUnsendable], [0, 0, 2]);
  ended.resolve(undefined);
});

const sleep = () => new Promise((resolve) => setTimeout(resolve, 5));

/** What the server says of a path. */
async function describe(client: RawClient, url: string): Promise<string> {
  return new TextDecoder().decode((await client.ask("DESCRIBE", url)).body);
}

const KINDS = [
  { name: "AAC", encode: ["-c:a", "aac", "-ar", "44100", "-ac", "2"], container: "mp4" },
  { name: "Opus", encode: ["-c:a", "libopus", "-ar", "48000", "-ac", "2"], container: "mkv" },
] as const;

Deno.test({
  name: "FFmpeg gets sound from our server as FFmpeg sent it to our client, to the byte",
  ignore: !HAS_FFMPEG,
  async fn(test) {
    await Promise.all(KINDS.map(({ name, encode, container }) =>
      test.step({
        name,
        fn: () => assertPassedOn(encode, container),
        ...{ sanitizeOps: false, sanitizeResources: false, sanitizeExit: false },
      })
    ));
  },
});

async function assertPassedOn(encode: readonly string[], container: string): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: `.${container}` }), sdp = await Deno.makeTempFile({ suffix: ".sdp" });
  const tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=40"];
  await native([
    "-y",
    "-stream_loop",
    "39",
    "-i",
    await reorderedClip(),
    ...tone,
    "-map",
    "0:v",
    "-map",
    "1:a",
    "-c:v",
    "copy",
    ...encode,
    path,
  ]);
  const expected = await native(["-i", path, "-map", "0:a", "-c", "copy", "-f", "data", "-"]);
  const [video, sound] = [freeMediaPort(), freeMediaPort()];
  const sender = new Deno.Command("ffmpeg", {
    args: [
      ...["-loglevel", "error", "-re", "-i", path, "-map", "0:v", "-c", "copy", "-f", "rtp", "-sdp_file", sdp],
      ...[
        `rtp://127.0.0.1:${video}?pkt_size=1200`,
        "-map",
        "0:a",
        "-c",
        "copy",
        "-f",
        "rtp",
        `rtp://127.0.0.1:${sound}`,
      ],
    ],
    ...{ stdin: "null", stdout: "null", stderr: "null" },
  }).spawn();
  try {
    while (!(await Deno.readTextFile(sdp)).includes("m=audio")) await new Promise((resolve) => setTimeout(resolve, 20));
    await using camera = await openSdp(sdp, { beside: ["audio"] });
    await using server = await serveRtsp({ port: 0 });
    const { url, hasSound } = server.add("cam", camera.video, { sound: camera.audio });
    assertEquals(hasSound, true);
    const args = ["-rtsp_transport", "tcp", "-i", url, "-map", "0:a", "-t", "0.5", "-c", "copy", "-f", "data", "-"];
    const received = await native(args);
    assert(received.length > 2_000, `${received.length} bytes came`);
    assert(expected.toHex().includes(received.toHex()), "what came is not what was sent");
  } finally {
    sender.kill("SIGKILL");
    await sender.status;
    await Promise.all([Deno.remove(path), Deno.remove(sdp)]);
  }
}
