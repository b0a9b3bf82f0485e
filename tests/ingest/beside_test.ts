import { assert, assertEquals, assertThrows } from "@std/assert";
import { openRtsp, type OpenRtspOptions, probeRtsp, type RtspCamera } from "../../src/ingest/mod.ts";
import type { Warning } from "../../src/media/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { shortClip } from "../support/clips.ts";
import { assertPlays, take } from "../support/pictures.ts";
import { ORDINARY, type QuirkyCamera } from "../support/quirky_camera.ts";
import { cameraBeside, samples, sidePacket } from "../support/side_track.ts";

const file = await readVideoFile(await shortClip());
const PICTURES = 12;
const SOUND = "m=audio 0 RTP/AVP 8\na=rtpmap:8 PCMA/8000\na=control:track2\n";
const METADATA = "m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\na=control:track2\n";

const cameraWith = (track: string) => cameraBeside(file, track);

const opened = (camera: QuirkyCamera, options: OpenRtspOptions = {}) =>
  openRtsp(camera.url("/live"), {
    ...{ transport: "tcp", beside: ["audio"], responseTimeout: 1_000, signal: AbortSignal.timeout(60_000) },
    ...options,
  });

/** The pictures are all there, whatever becomes of the rest. */
async function assertPictures(camera: RtspCamera): Promise<void> {
  const units = await take(camera.video.branch(), PICTURES);
  assertEquals(units.length, PICTURES);
  assertPlays(units, file);
  const { lost, corrupt, skipped } = camera.stats();
  assertEquals([lost, corrupt, skipped], [0, 0, 0]);
}

for (const transport of ["tcp", "udp"] as const) {
  Deno.test(`what is sent beside the video over ${transport} comes as it was sent, and is not set up unasked`, async () => {
    await using server = cameraWith(SOUND);
    server.sound = (count) => sidePacket(8, count, samples(count));
    if (transport === "tcp") {
      await using silent = await opened(server, { transport, beside: [] });
      assertEquals([server.count("SETUP"), silent.stats().audio, silent.audioInfo], [1, null, null]);
      assertThrows(() => silent.audio.branch()[Symbol.asyncIterator](), TypeError, 'beside: ["audio"]');
    }
    await using camera = await opened(server, { transport });
    assertEquals(server.count("SETUP"), transport === "tcp" ? 3 : 2);
    const received: string[] = [];
    let last: { sequence: number; pts: number } | null = null;
    for await (const unit of camera.audio.branch({ capacity: 500 })) {
      assertEquals([unit.codec, unit.sampleRate, unit.channels, unit.duration], ["pcma", 8_000, 1, 10_000]);
      last ??= { sequence: unit.sequence - 1, pts: unit.pts - 10_000 };
      assertEquals([unit.sequence, unit.pts, unit.discontinuity], [last.sequence + 1, last.pts + 10_000, false]);
      last = unit;
      if (received.push(unit.data.toHex()) >= 10) break;
    }
    const all = Array.from({ length: 1_000 }, (_, i) => samples(i).toHex());
    const at = all.indexOf(received[0]);
    assertEquals(received, all.slice(at, at + received.length));
    await assertPictures(camera);
    const { audio } = camera.stats();
    assertEquals([audio?.state, audio?.lost, audio?.discarded, audio?.failures], ["open", 0, 0, 0]);
  });
}

Deno.test("ONVIF metadata come as documents beside the video", async () => {
  const text = (count: number) =>
    `<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema">${count}</tt:MetadataStream>`;
  await using server = cameraWith(METADATA);
  server.sound = (count) => sidePacket(107, count, new TextEncoder().encode(text(count)), 900);
  await using camera = await opened(server, { beside: ["audio", "data"] });
  const documents: string[] = [];
  for await (const unit of camera.data.branch({ capacity: 100 })) {
    assertEquals([unit.encoding, unit.corrupt, unit.discontinuity], ["vnd.onvif.metadata", false, false]);
    if (documents.push(new TextDecoder().decode(unit.data)) >= 5) break;
  }
  const first = Number(/>(\d+)</.exec(documents[0])![1]);
  assertEquals(documents, documents.map((_, i) => text(first + i)));
  const { audio, data } = camera.stats();
  assertEquals([data?.state, audio?.state, audio?.reason], ["open", "missing", "the camera offers no sound"]);
  await assertPictures(camera);
});

Deno.test("a camera that refuses its sound, is silent about it, or fails with it gives its video all the same", async () => {
  const odd: [name: string, words: string, reason: RegExp][] = [
    ["461", "> SETUP /live/track2\nRTSP/1.0 461 Unsupported Transport\nCSeq: *\n", /none of the transports/],
    ["no answer", "> SETUP /live/track2\n", /did not answer SETUP in 1 s/],
    ["closes", "! closes-after SETUP track2\n", /failed with it \(.*closed the connection/],
    [
      "no PLAY for both",
      "> SETUP /live/track2\nRTSP/1.0 200 OK\nCSeq: *\nSession: B07B\nTransport: {transport}\n" +
      "> PLAY Session: B07B\nRTSP/1.0 459 Aggregate Operation Not Allowed\nCSeq: *\n",
      /failed with it \(.*459/,
    ],
  ];
  const ordinary = `> SETUP\n${ORDINARY.SETUP}> PLAY\n${ORDINARY.PLAY}`;
  await Promise.all(odd.map(async ([name, words, reason]) => {
    const [traits, answers] = words.startsWith("!") ? [words, ""] : ["", words];
    await using server = cameraBeside(file, SOUND, traits + answers + ordinary);
    const warnings: Warning[] = [];
    await using camera = await opened(server, { onWarning: (warning) => warnings.push(warning) });
    await assertPictures(camera);
    const { audio, connections: played, lastError } = camera.stats();
    assertEquals([audio?.state, audio?.failures, audio?.units], ["left-out", 1, 0], name);
    assertEquals([played, lastError], [1, null], name);
    assert(reason.test(audio!.reason), `${name}: ${audio!.reason}`);
    const told = warnings.filter(({ code }) => code === "audio-left-out");
    assertEquals(told.map(({ message }) => message), [`Sound is left out: ${audio!.reason}`], name);
  }));
});

Deno.test("whatever is sent as sound, the video goes on, and what was wrong is counted", async () => {
  const random = (count: number) => {
    const bytes = crypto.getRandomValues(new Uint8Array(1 + count * 37 % 300));
    // Some of it looks like RTP, some like its sound, and some is RTP of another payload type.
    if (count % 3 > 0) bytes[0] = 0x80;
    if (count % 3 > 1 && bytes.length > 1) bytes[1] = count % 2 ? 8 : 99;
    return bytes;
  };
  await using server = cameraWith(SOUND);
  server.sound = random;
  await using camera = await opened(server);
  let bad = 0;
  for await (const _ of camera.video.branch()) {
    bad = camera.stats().audio!.discarded;
    if (bad >= 20) break;
  }
  await assertPictures(camera);
  const { audio, state, discarded } = camera.stats();
  assertEquals([audio?.state, audio?.failures, state, discarded, camera.stats().connections], [
    "open",
    0,
    "live",
    0,
    1,
  ]);
  assert(audio!.packets > audio!.units);
});

Deno.test("sound goes on after a camera was away: numbers and times only rise", async () => {
  await using server = cameraWith(SOUND);
  server.sound = (count) => sidePacket(8, count, samples(count));
  await using camera = await opened(server, { reconnect: { minDelay: 20, maxDelay: 50 } });
  let sequence = -1, pts = -1, hungUp = false, again = false;
  for await (const unit of camera.audio.branch({ capacity: 500 })) {
    if (sequence >= 0) assertEquals(unit.sequence, sequence + 1);
    assert(unit.pts > pts, `pts goes from ${pts} to ${unit.pts}`);
    [sequence, pts] = [unit.sequence, unit.pts];
    again ||= unit.discontinuity;
    if (!hungUp) server.hangUp();
    hungUp = true;
    if (again && camera.stats().reconnects > 0) break;
  }
  assertEquals([camera.stats().connections, camera.stats().audio?.state], [2, "open"]);
});

Deno.test("probeRtsp() says which tracks come, and why the others do not", async () => {
  const refused = "> SETUP /live/track2\nRTSP/1.0 500 No\nCSeq: *\n";
  const ordinary = `> SETUP\n${ORDINARY.SETUP}`;
  await using without = cameraBeside(file, SOUND, refused + ordinary);
  await using mute = cameraWith(SOUND);
  await using chatty = cameraWith(METADATA);
  chatty.sound = (count) => sidePacket(107, count, new TextEncoder().encode("<a/>"), 900);
  const probed = (camera: QuirkyCamera) => probeRtsp(camera.url("/live"), { seconds: 0.8, transport: "tcp" });
  const [one, two, three] = await Promise.all([probed(without), probed(mute), probed(chatty)]);
  assertEquals([one.tracks[1].as, one.tracks[1].refused], ["audio", "the camera answered SETUP with 500 No"]);
  const says = (findings: string[], text: string) => assert(findings.includes(text), findings.join("\n"));
  says(one.findings, "its sound (PCMA) does not come: the camera answered SETUP with 500 No");
  says(two.findings, `it offers sound (PCMA), and sent none in ${two.seconds} s`);
  assertEquals(three.tracks.map(({ as, refused }) => [as, refused]), [["video", ""], ["data", ""]]);
  assert(three.tracks[1].unitRate > 0, JSON.stringify(three.tracks[1]));
});

Deno.test("openRtsp() refuses what cannot be had beside the video", async () => {
  await using server = cameraWith(SOUND);
  const error = await opened(server, { beside: ["subtitles" as "audio"] }).catch((error) => error);
  assert(error instanceof TypeError && error.message.includes('"subtitles"'), String(error));
  assertEquals(server.requests.length, 0);
});
