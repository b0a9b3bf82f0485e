import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { decode, openFlv, type OpenFlvOptions, probeRtsp, RtspError, type Warning } from "../../mod.ts";
import { AuthVerifier } from "../../src/rtsp/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { native } from "../../wasm/testing.ts";
import { fileOf, HEVC_STREAMS } from "../streams/streams.ts";
import { HAS_OPENSSL, makeCertificates } from "../support/certificates.ts";
import { reorderedClip, shortClip } from "../support/clips.ts";
import {
  type FlvScript,
  FlvServer,
  PLAYS,
  PLAYS_CHUNKED,
  readTags,
  roundOf,
  type Tag,
  tagsOf,
} from "../support/flv_server.ts";
import { reaches } from "../support/observe.ts";
import { assertPlays, take } from "../support/pictures.ts";

const clip = await readVideoFile(await shortClip());
const hevc = await readVideoFile(await fileOf(HEVC_STREAMS[1], "hevc"));
const plays: FlvScript = () => ({ head: PLAYS, plays: true });
const url = ({ port }: FlvServer, target = "/flv?app=bcs&user=admin&password=s3cret", scheme = "http") =>
  `${scheme}://127.0.0.1:${port}${target}`;

/** The clip and a second of AAC, as FFmpeg writes them. */
async function withSound(): Promise<Tag[]> {
  const sound = ["-f", "lavfi", "-i", "sine=duration=1", "-c:a", "aac", "-map", "0:v", "-map", "1:a"];
  const args = ["-i", await shortClip(), ...sound, "-c:v", "copy", "-f", "flv", "-flvflags", "no_duration_filesize"];
  return readTags(await native([...args, "-"]));
}

/** Tags in every form that a codec comes in. */
const STREAMS: Record<string, { tags: () => Promise<Tag[]>; file: typeof clip; head: string }> = {
  "H.264 as FFmpeg writes it, with sound, in chunks": {
    tags: withSound,
    file: clip,
    head: PLAYS_CHUNKED,
  },
  "H.264 by its name": { tags: () => Promise.resolve(tagsOf(clip, "enhanced")), file: clip, head: PLAYS },
  "H.265 by a number that cameras made up": {
    tags: () => Promise.resolve(tagsOf(hevc, "legacy")),
    file: hevc,
    head: PLAYS,
  },
  "H.265 by its name, in chunks": {
    tags: () => Promise.resolve(tagsOf(hevc, "enhanced")),
    file: hevc,
    head: PLAYS_CHUNKED,
  },
};

for (const [name, { tags, file, head }] of Object.entries(STREAMS)) {
  Deno.test(`openFlv() gives every picture: ${name}`, async () => {
    await using server = new FlvServer(await tags(), () => ({ head, plays: true }));
    await using camera = await openFlv(url(server));
    const { codec, width, height } = camera.info;
    assertEquals([codec, width, height], [file.codec, file.width, file.height]);
    const units = await take(camera.video.branch({ capacity: 100 }), 25);
    if (codec === "h264") assertPlays(units, file);
    await using frames = camera.video.branch().pipe(decode());
    let count = 0;
    for await (using frame of frames.branch()) {
      assert(!frame.corrupt);
      if (++count === 5) break;
    }
    const { transport, connections, lost } = camera.stats();
    assertEquals([transport, connections, lost], ["http-flv", 1, 0]);
  });
}

const TONE = Uint8Array.from({ length: 160 }, (_, i) => i);
const telephone: Tag[] = tagsOf(clip, "legacy").flatMap((tag) => [
  tag,
  { type: 8, timestamp: tag.timestamp, body: new Uint8Array([0x82, ...TONE.with(0, tag.timestamp / 20)]) },
]);

for (
  const [name, { tags, codec, format }] of Object.entries({
    "AAC as FFmpeg writes it": { tags: withSound, codec: "aac", format: [44_100, 1] },
    "G.711": { tags: () => Promise.resolve(telephone), codec: "pcmu", format: [8_000, 1] },
  })
) {
  Deno.test(`openFlv() gives the sound beside the pictures: ${name}`, async () => {
    const played = await tags();
    // Behind the format, and of AAC what the tag is; the configuration is none.
    const head = codec === "aac" ? 2 : 1;
    const sounds = played.filter(({ type, body }) => type === 8 && (codec !== "aac" || body[1] === 1));
    const expected = sounds.map(({ body }) => body.slice(head).toHex());
    await using server = new FlvServer(played, plays);
    await using camera = await openFlv(url(server), { beside: ["audio"] });
    const units: { hex: string; pts: number }[] = [];
    for await (const unit of camera.audio.branch({ capacity: 500 })) {
      assertEquals([unit.codec, unit.sampleRate, unit.channels], [codec, ...format]);
      units.push({ hex: unit.data.toHex(), pts: unit.pts });
      if (units.length === 20) break;
    }
    const at = (i: number) => expected[i % expected.length];
    const begin = expected.findIndex((_, from) => units.every(({ hex }, i) => hex === at(from + i)));
    assert(begin >= 0, "the frames that were sent, one after the other");
    const time = (i: number) => sounds[i % sounds.length].timestamp + Math.floor(i / sounds.length) * roundOf(played);
    for (const [i, { pts }] of units.entries()) {
      const due = time(begin + i) - time(begin);
      assert(Math.abs((pts - units[0].pts) / 1000 - due) < 1, `frame ${i} comes at ${pts}, due is ${due}`);
    }
    assertPlays(await take(camera.video.branch(), 3), clip);
  });
}

Deno.test("openFlv() does without sound where there is none", async () => {
  await using server = new FlvServer(tagsOf(clip, "legacy"), plays);
  await using camera = await openFlv(url(server), { beside: ["audio"] });
  assertPlays(await take(camera.video.branch(), 3), clip);
  assertEquals(camera.stats().audio?.state, "missing");
});

Deno.test("openFlv() gives times in the order of showing, where decoding has another", async () => {
  const path = await reorderedClip();
  const { units: expected } = await readVideoFile(path);
  const tags = readTags(await native(["-i", path, "-c", "copy", "-f", "flv", "-"]));
  await using server = new FlvServer(tags, plays);
  await using camera = await openFlv(url(server));
  const units = await take(camera.video.branch({ capacity: 100 }), 12);
  const begin = units[0].pts;
  const first = expected.findIndex(({ keyframe }) => keyframe);
  assert(units[0].keyframe);
  const shown = units.map(({ pts }) => Math.round((pts - begin) / 1000));
  assertEquals(
    shown,
    expected.slice(first, first + 12).map(({ pts }) => Math.round((pts - expected[first].pts) / 1000)),
  );
  assert(units.some(({ pts }, i) => i > 0 && pts < units[i - 1].pts), "there are B-frames");
});

Deno.test("openFlv() answers a web server that asks for a password, follows where it is sent, and comes back", async () => {
  const verifier = new AuthVerifier({
    realm: "cam",
    schemes: ["MD5"],
    password: (username) => username === "viewer" ? "p@ss" : null,
    random: (into) => void crypto.getRandomValues(into),
  });
  const script: FlvScript = ({ target, head }) => {
    if (target === "/old") return { head: "HTTP/1.1 302 Found\r\nLocation: /live.flv\r\n\r\n", plays: false };
    const authorization = /^authorization: (.*)$/im.exec(head)?.[1] ?? null;
    if (verifier.verify({ method: "GET", authorization }, Date.now()) === "ok") {
      return { head: PLAYS, plays: true };
    }
    const asks = verifier.challenges(Date.now()).map((value) => `WWW-Authenticate: ${value}\r\n`).join("");
    return { head: `HTTP/1.1 401 Unauthorized\r\n${asks}Connection: close\r\n\r\n`, plays: false };
  };
  await using server = new FlvServer(tagsOf(clip, "legacy"), script);
  const known = { username: "viewer", password: "p@ss", reconnect: { minDelay: 50 } };
  await using camera = await openFlv(url(server, "/old"), known);
  assertEquals(server.requests, ["/old", "/live.flv", "/live.flv"]);
  const offline = reaches(camera, "offline");
  server.hangUp();
  await offline;
  await reaches(camera, "live");
  assertPlays(await take(camera.video.branch(), 3), clip);
  assertEquals(camera.stats().reconnects, 1);
  const wrong = await assertRejects(() => openFlv(url(server, "/old"), { ...known, password: "wrong" }), RtspError);
  assertEquals(wrong.code, "unauthorized");
});

Deno.test("probeRtsp() looks at a camera by HTTP as well", async () => {
  await using server = new FlvServer(tagsOf(clip, "legacy"), plays);
  const report = await probeRtsp(url(server), { seconds: 0.5 });
  assertEquals([report.transport, report.video.codec, report.video.width], ["http-flv", "h264", clip.width]);
  assertStringIncludes(report.url, "password=***");
});

Deno.test("openFlv() says why there is no picture, and no password", async () => {
  const refused = async (code: RtspError["code"], says: string, script: FlvScript, tags: Tag[] = []) => {
    await using server = new FlvServer(tags.length > 0 ? tags : tagsOf(clip, "legacy"), script);
    const warnings: Warning[] = [];
    const options: OpenFlvOptions = {
      responseTimeout: 200,
      firstPacketTimeout: 200,
      onWarning: (w) => warnings.push(w),
    };
    const error = await assertRejects(() => openFlv(url(server), options), RtspError);
    assertEquals(error.code, code, error.message);
    assertStringIncludes(error.message, says);
    assert(!(error.message + JSON.stringify(warnings)).includes("s3cret"), error.message);
  };
  const says = (status: string, body = "") => () => ({ head: `HTTP/1.1 ${status}\r\n\r\n${body}`, plays: false });
  await refused("not-found", 'no stream at "/flv', says("404 Not Found"));
  await refused("protocol", 'it begins with "[{"error"', says("200 OK", '[{"error":{"detail":"login failed"}}]'));
  await refused("closed", "closed the connection", says("200 OK"));
  await refused("timeout", "did not answer GET in 0.2 s", () => null);
  const silent: Tag[] = [{ type: 8, timestamp: 0, body: new Uint8Array([0xaf, 1, 2]) }];
  await refused("timeout", "sent no video in 0.2 s", plays, silent);
  await refused("codec", "codec 4", plays, [{ type: 9, timestamp: 0, body: new Uint8Array([0x14, 0, 0]) }]);
  await assertRejects(() => openFlv("rtsp://127.0.0.1/"), SyntaxError, "http:// or https://");
});

Deno.test({
  name: "openFlv() goes by TLS, to whom it knows",
  ignore: !HAS_OPENSSL,
  fn: async () => {
    using certificates = makeCertificates();
    const pem = await Deno.readTextFile(certificates.selfSigned);
    await using server = new FlvServer(tagsOf(clip, "legacy"), plays, { tls: { cert: pem, key: pem } });
    const fingerprint = certificates.fingerprint(certificates.selfSigned);
    await using camera = await openFlv(url(server, "/flv", "https"), { tls: { fingerprint } });
    assertPlays(await take(camera.video.branch(), 3), clip);
    const stranger = await assertRejects(() => openFlv(url(server, "/flv", "https")), RtspError);
    assertEquals(stranger.code, "certificate");
  },
});
