import { assert, assertEquals, assertRejects } from "@std/assert";
import { openSdp } from "../../mod.ts";
import { RtspError } from "../../src/media/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { reorderedClip } from "../support/clips.ts";
import { freeMediaPort } from "../support/ports.ts";
import { openSockets, reaches, socketsAreBack } from "../support/observe.ts";
import { assertDecodable, assertPlays, take } from "../support/pictures.ts";
import { startSender } from "../support/rtp_sender.ts";
import { HAS_FFMPEG, native } from "../../wasm/testing.ts";

const path = await reorderedClip();
const file = await readVideoFile(path);

for (const host of ["127.0.0.1", "239.255.79.1"]) {
  Deno.test({
    name: `openSdp() gets every access unit that FFmpeg sends to ${host}, as its description says`,
    ignore: !HAS_FFMPEG,
    async fn() {
      const sockets = openSockets();
      {
        await using sender = await startSender(path, host, freeMediaPort());
        await using camera = await openSdp(sender.sdp, { streamId: 4 });
        const units = await take(camera.video.branch(), 60);
        assertPlays(units, file);
        assertDecodable(units);
        const { lost, transport, receiveBuffer, foreign } = camera.stats();
        assertEquals([lost, transport, foreign], [0, host === "127.0.0.1" ? "udp" : "multicast", 0]);
        assert(receiveBuffer > 0);
      }
      await socketsAreBack(sockets);
    },
  });
}

Deno.test({
  name: "openSdp() gets what is sent beside the video, and no picture less",
  ignore: !HAS_FFMPEG,
  async fn() {
    const sockets = openSockets();
    {
      await using sender = await startSender(path, "127.0.0.1", freeMediaPort(), freeMediaPort());
      await using camera = await openSdp(sender.sdp, { beside: ["audio", "data"] });
      const received: number[] = [];
      for await (const { codec, sampleRate, channels, data } of camera.audio.branch()) {
        assertEquals([codec, sampleRate, channels], ["pcma", 8_000, 1]);
        if (received.push(...data) > 4_000) break;
      }
      // FFmpeg's tone, wherever in it this begins.
      const tone = await native([
        "-f",
        "lavfi",
        "-i",
        "sine=440:sample_rate=8000:duration=30",
        "-c:a",
        "pcm_alaw",
        "-f",
        "alaw",
        "-",
      ]);
      const wanted = Uint8Array.from(received.slice(0, 4_000)).toHex();
      assert(tone.toHex().includes(wanted), "what came is FFmpeg's tone");
      assertPlays(await take(camera.video.branch(), 20), file);
      const { audio, data, lost } = camera.stats();
      assertEquals([audio?.state, audio?.encoding, audio?.lost, lost], ["open", "PCMA", 0, 0]);
      assertEquals([data?.state, data?.reason], ["missing", "the camera offers no data"]);
    }
    await socketsAreBack(sockets);
  },
});

Deno.test({
  name: "openSdp() waits for a sender, and takes another one after a silence",
  ignore: !HAS_FFMPEG,
  async fn() {
    const port = freeMediaPort();
    let text = "";
    {
      await using sender = await startSender(path, "127.0.0.1", port);
      text = await Deno.readTextFile(sender.sdp);
    }
    const opening = openSdp(text, { retry: "from-start", firstPacketTimeout: 200, idleTimeout: 500, staleAfter: 200 });
    const first = await startSender(path, "127.0.0.1", port);
    await using camera = await opening;
    await first[Symbol.asyncDispose]();
    await reaches(camera, "offline");
    assertEquals(camera.stats().lastError?.timeout, "idle");
    await using _second = await startSender(path, "127.0.0.1", port);
    await reaches(camera, "live");
    assertDecodable(await take(camera.video.branch(), 10));
  },
});

Deno.test("openSdp() says what is wrong", async () => {
  await assertRejects(() => openSdp("v=0\nm=audio 5000 RTP/AVP 0\n"), SyntaxError, "describes no video");
  await assertRejects(() => openSdp("v=0\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n"), SyntaxError, "no video");
  await assertRejects(() => openSdp("/nowhere/stream.sdp"), Deno.errors.NotFound);
  const port = freeMediaPort();
  const text = `v=0\nm=video ${port} RTP/AVP 96\na=rtpmap:96 H264/90000\n`;
  const silent = await assertRejects(() => openSdp(text, { firstPacketTimeout: 100 }), RtspError);
  assertEquals(silent.timeout, "first-packet");
  const taken = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port });
  const refused = await assertRejects(() => openSdp(text), RtspError, "the address is in use");
  assertEquals(refused.code, "transport");
  taken.close();
});
