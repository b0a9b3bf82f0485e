import { assert, assertEquals } from "@std/assert";
import { openRtsp, type RtspCamera } from "../../src/ingest/mod.ts";
import type { AudioUnit } from "../../src/media/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { HAS_FFMPEG, native } from "../../wasm/testing.ts";
import { reorderedClip } from "../support/clips.ts";
import { HAS_GSTREAMER, startGstServer } from "../support/gst_server.ts";
import { assertPlays, take } from "../support/pictures.ts";

const ignore = !HAS_GSTREAMER || !HAS_FFMPEG;
/** Frames of sound that are compared of each. */
const FRAMES = 20;

/** Sound as cameras have it, in containers that GStreamer reads, and what makes packets of it. */
const SOUNDS = [
  {
    codec: "aac",
    transport: "tcp",
    encode: ["-c:a", "aac", "-ar", "44100", "-ac", "2"],
    container: "mp4",
    pay: "aacparse ! rtpmp4gpay pt=97",
    format: [44_100, 2],
    encoding: "MPEG4-GENERIC",
  },
  {
    codec: "aac",
    transport: "udp",
    encode: ["-c:a", "aac", "-ar", "16000", "-ac", "1"],
    container: "mp4",
    pay: "aacparse ! rtpmp4apay pt=97",
    format: [16_000, 1],
    encoding: "MP4A-LATM",
  },
  {
    codec: "pcmu",
    transport: "udp",
    encode: ["-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"],
    container: "mov",
    pay: "rtppcmupay",
    format: [8_000, 1],
    encoding: "PCMU",
  },
  {
    codec: "pcma",
    transport: "http-tunnel",
    encode: ["-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1"],
    container: "mov",
    pay: "rtppcmapay",
    format: [8_000, 1],
    encoding: "PCMA",
  },
  {
    codec: "opus",
    transport: "udp",
    encode: ["-c:a", "libopus", "-ar", "48000", "-ac", "2"],
    container: "mkv",
    pay: "opusparse ! rtpopuspay pt=97",
    format: [48_000, 2],
    encoding: "OPUS",
  },
] as const;

/** The clip's pictures with two seconds of a tone. */
async function withSound(clip: string, encode: readonly string[], container: string): Promise<string> {
  const path = await Deno.makeTempFile({ suffix: `.${container}` });
  const inputs = ["-i", clip, "-f", "lavfi", "-i", "sine=frequency=440:duration=2"];
  await native([...inputs, "-map", "0:v", "-map", "1:a", "-c:v", "copy", ...encode, path]);
  return path;
}

async function takeSound(camera: RtspCamera, count: number): Promise<AudioUnit[]> {
  const units: AudioUnit[] = [];
  for await (const unit of camera.audio.branch({ capacity: 500 })) {
    units.push(unit);
    if (units.length >= count) break;
  }
  return units;
}

async function assertSoundComes(sound: typeof SOUNDS[number], clip: string): Promise<void> {
  const { codec, transport, encode, container, pay, format, encoding } = sound;
  const path = await withSound(clip, encode, container);
  try {
    const expected = await native(["-i", path, "-map", "0:a", "-c", "copy", "-f", "data", "-"]);
    const demux = container === "mkv" ? "matroskademux" : "qtdemux";
    await using server = await startGstServer({
      launch: `( filesrc location=${path} ! ${demux} name=d d.video_0 ! queue ! h264parse ! ` +
        `rtph264pay name=pay0 pt=96 mtu=1200 d.audio_0 ! queue ! ${pay} name=pay1 )`,
    });
    await using camera = await openRtsp(server.url, {
      transport,
      beside: ["audio"],
      signal: AbortSignal.timeout(60_000),
    });
    const file = await readVideoFile(clip);
    const [pictures, units] = await Promise.all([take(camera.video.branch(), 20), takeSound(camera, FRAMES)]);
    assertPlays(pictures, file);
    const received = units.map(({ data }) => data.toHex()).join("");
    assertEquals([pictures.length, units.length], [20, FRAMES]);
    const at = expected.toHex().indexOf(received);
    assert(at >= 0 && at % 2 === 0, `${encoding}: what came is not what FFmpeg copies`);
    for (const [i, unit] of units.entries()) {
      assertEquals([unit.codec, unit.sampleRate, unit.channels], [codec, ...format]);
      assertEquals([unit.sequence, unit.corrupt, unit.discontinuity], [units[0].sequence + i, false, false]);
      assert(unit.duration > 0 && Math.abs(unit.receivedAt - Date.now()) < 60_000);
      // Each begins where the one before ends, but for rounding to ticks of the clock; a decoder's delay, which the file
      // says is to be cut off, GStreamer takes from the first.
      const end = i < 2 ? unit.pts : units[i - 1].pts + units[i - 1].duration;
      assert(Math.abs(unit.pts - end) <= 130, `${encoding}: unit ${i} begins at ${unit.pts}, not at ${end}`);
    }
    // What the thread counts is shown some times a second, and after what it counts can be read.
    const isCounted = ({ units, bytes, receiveBuffer } = camera.stats().audio!) =>
      units >= FRAMES && bytes > 0 && (transport !== "udp" || receiveBuffer > 0);
    while (!isCounted()) await new Promise((resolve) => setTimeout(resolve, 20));
    const { audio, data, lost, discarded } = camera.stats();
    assertEquals([audio?.state, audio?.reason, audio?.encoding.toUpperCase(), data], ["open", "", encoding, null]);
    assertEquals([audio?.lost, audio?.discarded, lost, discarded], [0, 0, 0, 0]);
    assertEquals(audio!.receiveBuffer > 0, transport === "udp");
    const info = camera.audioInfo!;
    assertEquals([info.codec, info.sampleRate, info.channels, info.config.length > 0], [
      codec,
      ...format,
      codec === "aac",
    ]);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test({
  name: "openRtsp() gives the sound of GStreamer's server to the byte, beside every picture",
  ignore,
  async fn(test) {
    const clip = await reorderedClip();
    // At the same time: each plays at its own pace.
    const steps = SOUNDS.map((sound) =>
      test.step({
        name: `${sound.encoding} over ${sound.transport}`,
        fn: () => assertSoundComes(sound, clip),
        ...{ sanitizeOps: false, sanitizeResources: false, sanitizeExit: false },
      })
    );
    await Promise.all(steps);
  },
});
