import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { readDescription } from "./description.ts";
import type { RtspResponse } from "./message.ts";
import { RtspParser } from "./parser.ts";
import { parseSdp } from "./sdp.ts";
import { fixture, text } from "./testing.ts";
import { spropSets } from "./tracks.ts";
import { parseRtspUrl } from "./url.ts";

/** The tracks of a recorded answer to DESCRIBE. */
function describe(name: string, url: string) {
  const responses: RtspResponse[] = [];
  new RtspParser({
    request: () => {},
    response: (response) => responses.push(response),
    interleaved: () => {},
    fault: (error) => {
      throw error;
    },
  }).receive(fixture(name));
  assertEquals(responses.length, 1);
  return readDescription(responses[0], { asked: parseRtspUrl(url), codecs: ["h264"] });
}

const H264: [name: string, url: string, control: string, playUrl: string][] = [
  ["uniview_ipc", "rtsp://cam/media/video1", "rtsp://cam/media/video1/trackID=1", "rtsp://cam/media/video1/"],
  ["tuya_doorbell", "rtsp://cam/x", "rtsp://cam/x/streamid=0", "rtsp://cam/x"],
  ["mercury_mipc", "rtsp://cam/stream1", "rtsp://cam/stream1/track1", "rtsp://cam/stream1"],
  ["flir_m400", "rtsp://cam/vis", "rtsp://cam/vis/trackID=0", "rtsp://cam/vis"],
  [
    "dahua_ipc",
    "rtsp://cam/cam/realmonitor?channel=1&subtype=0",
    "rtsp://cam/cam/realmonitor?channel=1&subtype=0/trackID=0",
    "rtsp://cam/cam/realmonitor?channel=1&subtype=0/",
  ],
  [
    "axis_m1011",
    "rtsp://cam/axis-media/media.amp?videocodec=h264",
    "rtsp://cam/axis-media/media.amp/trackID=1?videocodec=h264",
    "rtsp://cam/axis-media/media.amp?videocodec=h264",
  ],
  ["eufy_homebase", "rtsp://cam/live0", "rtsp://cam/live0/track0", "rtsp://cam/live0/"],
];

for (const [name, url, control, playUrl] of H264) {
  Deno.test(`readDescription() finds the video of ${name}`, () => {
    const found = describe(`${name}_describe`, url);
    const video = found.tracks.filter((track) => track.kind === "video");
    assertEquals(video.length, 1);
    assertEquals([video[0].codec, video[0].payloadType, video[0].clockRate], ["h264", 96, 90_000]);
    assertEquals([video[0].control, found.playUrl], [control, playUrl]);
    const { width, height, frameRate, codecString } = video[0].video!;
    assertEquals([width, height, frameRate, codecString], [1280, 720, 30, "avc1.64001f"]);
  });
}

Deno.test("readDescription() tells a section that it left out (Mercury), a back channel (Dahua), and H.265 (Reolink)", () => {
  const mercury = describe("mercury_mipc_describe", "rtsp://cam/");
  assertEquals(mercury.warnings.length, 1);
  assert(mercury.warnings[0].includes("application/MERCURY"), mercury.warnings[0]);
  assertEquals(mercury.tracks.map((track) => track.kind), ["video", "audio"]);
  const dahua = describe("dahua_ipc_describe", "rtsp://cam/");
  assertEquals(dahua.tracks.map((track) => track.sendOnly), [false, true]);
  const reolink = describe("reolink_rlc410_describe", "rtsp://cam/");
  assertEquals([reolink.tracks[0].codec, reolink.tracks[0].encoding], ["hevc", "H265"]);
  assert(reolink.tracks[0].video!.parameterSets.length > 60);
});

Deno.test("readDescription() says what is known of sound, and of other tracks that they are none", () => {
  const sound = (name: string) =>
    describe(name, "rtsp://cam/").tracks.map(({ audio }) =>
      audio && [audio.codec, audio.sampleRate, audio.channels, audio.codecString, audio.config.toHex()]
    );
  assertEquals(sound("reolink_rlc410_describe"), [null, ["aac", 16_000, 1, "mp4a.40.2", "1408"]]);
  assertEquals(sound("tuya_doorbell_describe"), [null, ["pcma", 8000, 1, "", ""]]);
  assertEquals(sound("generic_intercom_describe"), [["pcmu", 8000, 1, "", ""], null], "the second is ONVIF metadata");
});

Deno.test("parseSdp() reads what a media section says", () => {
  const { media, name, connection, range } = parseSdp([
    "v=0",
    "s=first",
    "s=second",
    "c=IN IP4 239.1.2.3/64",
    "a=range:npt=0-",
    "m=video 5000/2 RTP/AVP 96 26 96",
    "b=AS:500",
    "a=rtpmap:96 H264/0",
    "a=fmtp:96 Packetization-Mode=1; sprop-parameter-sets=Z0=,aM4=",
    "a=x-dimensions: 640, 480",
    "a=framerate:12.5",
    "a=recvonly",
    "m=audio 0 RTP/AVP",
    "c=IN 10.0.0.1",
    "a=rtpmap:97 opus/48000/2",
  ].join("\r"));
  assertEquals([name, connection, range], ["first", "239.1.2.3/64", "npt=0-"]);
  assertEquals(media[0].formats.map((format) => [format.payloadType, format.encoding, format.clockRate]), [
    [96, "H264", 90_000],
    [26, "JPEG", 90_000],
  ]);
  assertEquals(media[0].formats[0].parameters.get("packetization-mode"), "1");
  assertEquals([media[0].port, media[0].bandwidth, media[0].width, media[0].frameRate], [5000, 500, 640, 12.5]);
  assertEquals([media[0].direction, media[0].connection], ["recvonly", "239.1.2.3/64"]);
  assertEquals(media[1].connection, "10.0.0.1");
  assertEquals(media[1].formats.map(({ encoding, channels }) => [encoding, channels]), [["opus", 2]], "m= lists none");
});

Deno.test("parseSdp() survives any damage, and keeps what stands before it", () => {
  const whole = text(fixture("axis_m1011_describe")).split("\r\n\r\n")[1];
  fc.assert(
    fc.property(fc.nat(whole.length), fc.string({ maxLength: 20 }), (at, junk) => {
      const { media, warnings } = parseSdp(whole.slice(0, at) + junk + whole.slice(at + junk.length));
      assert(media.length <= 20 && warnings.length <= 32);
      const section = whole.indexOf("m=video");
      if (at > whole.indexOf("\r\n", section) + 2) assertEquals(media[0].kind, "video");
    }),
    { numRuns: 500 },
  );
  fc.assert(fc.property(fc.string(), (any) => parseSdp(any).media.length <= 64));
  assertEquals(parseSdp("m=video 0 RTP/AVP 96\n".repeat(5000)).media.length, 64);
});

Deno.test("spropSets() passes over what is no base64", () => {
  assertEquals(spropSets("Z0IAHg,%%%,,aM4=").toHex(), "0000000167420 01e0000000168ce".replace(" ", ""));
  fc.assert(fc.property(fc.string(), (any) => spropSets(any).length >= 0));
});

Deno.test("what a device says may be damaged anywhere: messages and descriptions are read as far as they go", () => {
  const folder = new URL("../../tests/testdata/", import.meta.url);
  const words = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".txt")).map(({ name }) =>
    // Of dialogues, the messages.
    Deno.readTextFileSync(new URL(name, folder)).replace(/^[#!>] .*\n/gm, "").replace(/\r?\n/g, "\r\n") + "\r\n\r\n"
  );
  const url = parseRtspUrl("rtsp://cam/live");
  const read = (text: string) => {
    const parser = new RtspParser({
      request: () => {},
      response: (response) => void readDescription(response, { asked: url, codecs: ["h264", "hevc"] }),
      interleaved: () => {},
      fault: () => {},
    });
    parser.receive(new TextEncoder().encode(text.replace(/^(content-length: *)\*/gim, "$1400")));
    const { media } = parseSdp(text);
    assert(media.length <= 64 && media.every(({ formats }) => formats.length <= 128));
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...words),
      fc.nat(2_000),
      fc.nat(80),
      fc.string({ maxLength: 40 }),
      (text, at, cut, junk) => {
        const from = at % text.length;
        read(text.slice(0, from) + junk + text.slice(from + cut));
      },
    ),
    {
      numRuns: 2_000,
      // Parameters in the section of another track, with a payload type that no section lists, and a section that lists none.
      examples: [
        ["m=video 0 RTP/AVP 96\r\nm=audio 0 RTP/AVP 8\r\na=fmtp:96 x=1\r\n", 0, 0, ""],
        ["m=video 0 RTP/AVP 96\r\na=fmtp:97 x=1\r\n", 0, 0, ""],
        ["m=video 0 RTP/AVP\r\nm=audio 0 RTP/AVP 8\r\na=fmtp:127 x=1\r\n", 0, 0, ""],
      ],
    },
  );
});
