import { assert, assertEquals, assertRejects } from "@std/assert";
import { OnvifError, onvifStreams, openRtsp } from "../../mod.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { shortClip } from "../support/clips.ts";
import { type DeviceOptions, startOnvifDevice } from "../support/onvif_device.ts";
import { assertPlays, take } from "../support/pictures.ts";
import { freePort } from "../support/ports.ts";

const CREDENTIALS = { username: "admin", password: 'p@ss<w>&"rd' };
const HOUR = 3_600_000;

const ways: [string, DeviceOptions][] = [
  ["asks for nothing", { auth: "none" }],
  ["checks the message's token", {}],
  ["checks the message's token, and stands at 1970", { clockOffset: -Date.now() + 5 * HOUR }],
  ["checks the message's token, is an hour ahead, and refuses to say so but in its headers", {
    clockOffset: HOUR,
    clock: "unauthorized",
  }],
  ["checks HTTP's Digest", { auth: "http-digest" }],
  ["has Capabilities alone", { services: "capabilities" }],
  ["has Media2, and nothing of use in it", { services: "empty-media2" }],
  ["is behind a router, and says its inner address", { saysHost: "192.0.2.7" }],
];
for (const [what, options] of ways) {
  Deno.test(`onvifStreams() finds the streams of a device that ${what}`, async () => {
    await using device = startOnvifDevice({ ...CREDENTIALS, ...options });
    const { streams, clockOffset, manufacturer, model } = await onvifStreams(device.address, CREDENTIALS);
    const host = options.saysHost ?? "127.0.0.1";
    const rest = { frameRate: 25, bitRate: 4_096_000 };
    assertEquals(streams, [
      {
        token: "main",
        name: "Main <1>",
        encoding: "H264",
        width: 2560,
        height: 1440,
        ...rest,
        url: `rtsp://${host}:554/main?a=1&b=2`,
      },
      {
        token: "sub",
        name: "Sub",
        encoding: "H264",
        width: 640,
        height: 360,
        ...rest,
        url: `rtsp://${host}:554/sub?a=1&b=2`,
      },
    ]);
    assertEquals([manufacturer, model], ["Acme", "Eye & Ear"]);
    assert(Math.abs(clockOffset! - (options.clockOffset ?? 0)) < 2_000, `${clockOffset}`);
    assertEquals(device.asked[0], "GetSystemDateAndTime");
  });
}

Deno.test("onvifStreams() asks Media2 where there is one, which knows H.265", async () => {
  await using device = startOnvifDevice({ ...CREDENTIALS, services: "media2" });
  const { streams } = await onvifStreams(`http://${device.address}/onvif/device_service`, CREDENTIALS);
  assertEquals(streams.map(({ token, encoding }) => [token, encoding]), [["main", "H265"], ["sub", "H264"]]);
});

Deno.test("what onvifStreams() gives is what openRtsp() takes", async () => {
  const file = await readVideoFile(await shortClip());
  await using camera = await VirtualCamera.start({ files: { main: file, sub: file }, ...CREDENTIALS });
  // It calls itself by an address that is every machine's own.
  await using device = startOnvifDevice({ ...CREDENTIALS, uri: `rtsp://0.0.0.0:${camera.port}/{token}` });
  const { streams } = await onvifStreams(device.address, CREDENTIALS);
  await using opened = await openRtsp(streams[0].url, CREDENTIALS);
  assertPlays(await take(opened.video.branch(), 10), file);
});

Deno.test("onvifStreams() says why it cannot, each with its code", async () => {
  await using device = startOnvifDevice(CREDENTIALS);
  await using digest = startOnvifDevice({ ...CREDENTIALS, auth: "http-digest" });
  await using basic = startOnvifDevice({ ...CREDENTIALS, auth: "http-basic" });
  await using empty = startOnvifDevice({ services: "none" });
  await using page = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response("<p>Hi"));
  await using moved = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.redirect(`http://${device.address}/`),
  );
  const address = (server: Deno.HttpServer<Deno.NetAddr>) => `127.0.0.1:${server.addr.port}`;
  const cases: [string, { username?: string; password?: string }, string, RegExp][] = [
    [device.address, {}, "unauthorized", /asks for a user name and password, and none were given$/],
    [device.address, { ...CREDENTIALS, password: "no" }, "unauthorized", /refuses this user name and password$/],
    [digest.address, { ...CREDENTIALS, password: "no" }, "unauthorized", /refuses/],
    // It would be sent readably.
    [basic.address, CREDENTIALS, "unauthorized", /refuses/],
    [empty.address, {}, "protocol", /it has no media service$/],
    [address(page), {}, "protocol", /it is no ONVIF device: Cannot read XML: <p> is not closed$/],
    [address(moved), {}, "protocol", /it is no ONVIF device: it answers HTTP 302$/],
    [`127.0.0.1:${freePort()}`, {}, "unreachable", /nothing listens on port \d+$/],
    ["no-such-camera.invalid", {}, "unreachable", /no host of that name|cannot be reached/],
  ];
  for (const [at, credentials, code, says] of cases) {
    const error = await assertRejects(() => onvifStreams(at, credentials), OnvifError);
    assertEquals([error.code, says.test(error.message)], [code, true], error.message);
    assert(!error.message.includes(CREDENTIALS.password));
  }
  for (const wrong of ["", "a b", "http://", "http://u:p@h/"]) {
    await assertRejects(() => onvifStreams(wrong), SyntaxError);
  }
  await assertRejects(() => onvifStreams("h", { timeout: 0 }), RangeError);
  await assertRejects(() => onvifStreams("h", { signal: AbortSignal.abort(new Error("no")) }), Error, "no");
});

Deno.test("onvifStreams() is over in time and in memory, whatever a device does", async () => {
  const forever = new Response(
    new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536).fill(32)) }),
  );
  const deep = "<a>".repeat(100_000);
  const nonce = () =>
    new Response("", {
      status: 401,
      headers: { "WWW-Authenticate": `Digest realm="a", nonce="${crypto.randomUUID()}", qop="auth"` },
    });
  const hostile: [DeviceOptions["answers"], string, RegExp][] = [
    [{ GetServices: () => new Promise(() => {}) }, "timeout", /did not answer in time/],
    [{ GetProfiles: () => forever }, "protocol", /more than 1048576 bytes/],
    [{ GetSystemDateAndTime: () => new Response(deep) }, "protocol", /deeper than 64/],
    [
      { GetSystemDateAndTime: () => new Response('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>') },
      "protocol",
      /document type/,
    ],
    [{ GetServices: nonce }, "unauthorized", /refuses/],
  ];
  for (const [answers, code, says] of hostile) {
    const device = startOnvifDevice({ answers });
    const error = await assertRejects(
      () => onvifStreams(device.address, { ...CREDENTIALS, timeout: 1_500 }),
      OnvifError,
    );
    assertEquals([error.code, says.test(error.message)], [code, true], error.message);
    assert(device.asked.length < 10);
    void device[Symbol.asyncDispose]();
  }
});
