import { assert, assertEquals, assertRejects } from "@std/assert";
import { openRtsp, type OpenRtspOptions } from "../../src/ingest/mod.ts";
import { type AccessUnit, RtspError } from "../../src/media/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { HAS_OPENSSL, makeCertificates } from "../support/certificates.ts";
import { reorderedClip } from "../support/clips.ts";
import { HAS_GSTREAMER, startGstServer } from "../support/gst_server.ts";
import { openSockets, reaches, socketsAreBack } from "../support/observe.ts";
import { assertDecodable, assertPlays, indexIn } from "../support/pictures.ts";

const ignore = !HAS_GSTREAMER;
const needsCertificates = ignore || !HAS_OPENSSL;
const path = await reorderedClip();
const file = await readVideoFile(path);
const launch = `( filesrc location=${path} ! qtdemux ! h264parse ! rtph264pay name=pay0 pt=96 mtu=1200 )`;
const VIEWER = { username: "viewer", password: "p@ss/w#rd ?" };

/**
 * Takes every access unit of the clip but the last. On a busy machine GStreamer's server sends a few before it goes to the clip's
 * begin, with a number left out; and some may be past before the branch begins.
 */
async function assertTakesAll(url: string, options: OpenRtspOptions, transport: string): Promise<void> {
  await using camera = await openRtsp(url, options);
  const units: AccessUnit[] = [];
  let begins = 0;
  for await (const unit of camera.video.branch()) {
    const index = indexIn(file, unit.data);
    if (index === 0 && begins++ > 0) assertDecodable([...units.splice(0), unit]);
    units.push(unit);
    if (index === file.units.length - 2) break;
  }
  assertPlays(units, file);
  assertDecodable(units);
  assert(units.length > file.units.length / 3, `${units.length} access units`);
  const { lost, corrupt, skipped, garbageBytes, transport: used } = camera.stats();
  assertEquals([corrupt, skipped, garbageBytes, used], [0, 0, 0, transport]);
  assert(lost <= 1, `${lost} lost`);
}

for (const auth of [undefined, "basic", "digest"] as const) {
  Deno.test({
    name: `openRtsp() gets every access unit through HTTP, ${auth ?? "no"} credentials`,
    ignore,
    async fn() {
      const sockets = openSockets();
      {
        await using server = await startGstServer({
          launch,
          ...(auth && { user: VIEWER.username, password: VIEWER.password, auth }),
        });
        await assertTakesAll(server.url, { transport: "http-tunnel", ...(auth && VIEWER) }, "http-tunnel");
      }
      await socketsAreBack(sockets);
    },
  });
}

// Multicast itself is played by the devices of tests/testdata: a server of GStreamer's keeps the group's port to itself on its host.
Deno.test({
  name: "a camera that has multicast alone is said to take no other transport",
  ignore,
  async fn() {
    await using server = await startGstServer({ launch, protocols: "multicast" });
    const error = await assertRejects(() => openRtsp(server.url), RtspError);
    assertEquals([error.code, error.status], ["transport", 461]);
  },
});

Deno.test({
  name: "openRtsp() gets every access unit over TLS, of whom it was told to trust",
  ignore: needsCertificates,
  async fn() {
    const sockets = openSockets();
    {
      using certificates = makeCertificates();
      const { ca, signed, selfSigned, fingerprint } = certificates;
      const [own, server] = await Promise.all([
        startGstServer({ launch, certificate: signed }),
        startGstServer({
          launch,
          certificate: selfSigned,
          ...{ user: VIEWER.username, password: VIEWER.password },
        }),
      ]);
      await using servers = new AsyncDisposableStack();
      servers.use(own);
      servers.use(server);
      const tls = { fingerprint: ["00".repeat(32), fingerprint(selfSigned)] };
      await Promise.all([
        assertTakesAll(own.url, { tls: { ca } }, "tcp"),
        assertTakesAll(server.url, { tls, ...VIEWER }, "tcp"),
        assertTakesAll(server.url, { tls, ...VIEWER, transport: "http-tunnel" }, "http-tunnel"),
      ]);
    }
    await socketsAreBack(sockets);
  },
});

Deno.test({
  name: "openRtsp() refuses a camera over TLS whose certificate is not trusted, and says its fingerprint",
  ignore: needsCertificates,
  async fn() {
    using certificates = makeCertificates();
    const { ca, signed, misnamed, selfSigned, fingerprint } = certificates;
    const refused = async (url: string, tls: OpenRtspOptions["tls"], says: string) => {
      const error = await assertRejects(
        () => openRtsp(url, { tls, ...VIEWER, totalTimeout: 6_000, retry: "from-start" }),
        RtspError,
      );
      assertEquals(error.code, "certificate");
      assert(error.message.includes(says), error.message);
    };
    for (const certificate of [signed, selfSigned]) {
      await using server = await startGstServer({ launch, certificate });
      await refused(server.url, undefined, fingerprint(certificate));
      await refused(server.url, { fingerprint: "ab".repeat(32) }, "is not the expected one");
    }
    await using server = await startGstServer({ launch, certificate: misnamed });
    await refused(server.url, { ca }, "127.0.0.1");
  },
});

Deno.test({
  name: "openRtsp() says that there is no TLS, or no HTTP, and comes back over TLS as over TCP",
  ignore: needsCertificates,
  async fn() {
    using certificates = makeCertificates();
    const { selfSigned, fingerprint } = certificates;
    await using plain = await startGstServer({ launch });
    const noTls = await assertRejects(() => openRtsp(plain.url.replace("rtsp:", "rtsps:"), {}), RtspError);
    assert(noTls.code === "protocol" || noTls.code === "closed", noTls.message);
    const nobody = await assertRejects(() => openRtsp("rtsps://127.0.0.1:9/", {}), RtspError, "nothing listens");
    assertEquals(nobody.code, "refused");
    await assertRejects(() => openRtsp(plain.url, { tls: { fingerprint: "12:34" } }), SyntaxError, '"12:34"');
    await assertRejects(() => openRtsp(plain.url, { tls: { ca: "none" } }), SyntaxError, "PEM");

    const certificate = selfSigned;
    await using first = await startGstServer({ certificate });
    const tls = { fingerprint: fingerprint(selfSigned) };
    await using camera = await openRtsp(first.url, { tls, reconnect: { minDelay: 100, maxDelay: 300 } });
    await first[Symbol.asyncDispose]();
    await reaches(camera, "offline");
    await using _second = await startGstServer({ certificate, port: first.port });
    await reaches(camera, "live");
  },
});
