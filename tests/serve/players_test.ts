import { assert, assertEquals } from "@std/assert";
import { openRtsp, serveRtsp } from "../../mod.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { readVideoFile } from "../../src/file/mod.ts";
import { HAS_FFMPEG } from "../../wasm/testing.ts";
import { HAS_GSTREAMER } from "../support/gst_server.ts";
import { fileOf, HEVC_STREAMS, MJPEG_STREAMS, nativeFrames, STREAMS } from "../streams/streams.ts";

/* Other people's players as clients of our server, behind our client and our camera: the pictures at the end are the file's. */

const CREDENTIALS = { username: "viewer", password: "s3cr3t" };
/** Pictures that a player takes: past the end of a file of 25 or so, and on from its begin. */
const TAKEN = 30;

interface Played {
  name: string;
  payload: string;
  parse: string;
  file: string;
  pictures: string[];
}

async function played(): Promise<Played[]> {
  const kinds = [
    { name: "H.264", stream: STREAMS.find(({ name }) => name === "b-pyramid")!, kind: "h264", container: "mp4" },
    { name: "H.265", stream: HEVC_STREAMS.find(({ name }) => name === "hevc-slices")!, kind: "h265", container: "mp4" },
    { name: "MJPEG", stream: MJPEG_STREAMS[0], kind: "jpeg", container: "mov" },
  ] as const;
  return await Promise.all(kinds.map(async ({ name, stream, kind, container }) => {
    const reference = await fileOf(stream, container);
    const file = await fileOf(stream, { h264: "mp4", h265: "mp4", jpeg: "mjpeg" }[kind] as "mp4");
    const parse = kind === "jpeg"
      ? "jpegparse"
      : `${kind}parse ! video/x-${kind},stream-format=byte-stream,alignment=au`;
    return { name, payload: `rtp${kind}depay`, parse, file, pictures: await nativeFrames(reference) };
  }));
}

/** A camera that plays a file, and a server that passes it on. */
async function restream(path: string) {
  const stack = new AsyncDisposableStack();
  const camera = stack.use(await VirtualCamera.start({ files: { clip: await readVideoFile(path) } }));
  const source = stack.use(await openRtsp(camera.url("clip"), { transport: "tcp", bufferBytes: 16 << 20 }));
  const server = stack.use(await serveRtsp({ port: 0, ...CREDENTIALS }));
  const { url } = server.add("clip", source.video);
  const { username, password } = CREDENTIALS;
  return { url: url.replace("//", `//${username}:${password}@`), [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Asserts that pictures are those of a file in their order, from any of them on, and going round where the file does. */
function assertPictures(got: string[], expected: string[]): void {
  const begin = expected.indexOf(got[0]);
  assert(begin >= 0, "the first picture is none of the file's");
  got.forEach((picture, i) => assertEquals(picture, expected[(begin + i) % expected.length], `picture ${i}`));
}

for (const transport of ["tcp", "udp"] as const) {
  Deno.test({
    name: `FFmpeg gets every picture from our server over ${transport}, to the bit`,
    ignore: !HAS_FFMPEG,
    async fn() {
      for (const { file, pictures } of await played()) {
        await using server = await restream(file);
        const args = ["-loglevel", "error", "-rtsp_transport", transport, "-i", server.url, "-an", "-vsync", "0"];
        const text = await run("ffmpeg", [...args, "-frames:v", String(TAKEN), "-f", "framemd5", "-"]);
        const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
        assertEquals(lines.length, TAKEN);
        assertPictures(lines.map((line) => line.split(", ").at(-1)!), pictures);
      }
    },
  });

  Deno.test({
    name: `GStreamer gets every picture from our server over ${transport}, to the bit`,
    ignore: !HAS_GSTREAMER || !HAS_FFMPEG,
    async fn() {
      const client = new URL("../support/gst_client.py", import.meta.url).pathname;
      for (const { file, pictures, payload, parse } of await played()) {
        const folder = await Deno.makeTempDir();
        const out = `${folder}/taken`;
        await using server = await restream(file);
        const source = `rtspsrc location=${server.url} protocols=${transport} latency=200`;
        const take = `identity eos-after=${TAKEN} ! filesink location=${out}`;
        await run("/usr/bin/python3", [client, `${source} ! ${payload} ! ${parse} ! ${take}`]);
        const got = await nativeFrames(out);
        // With the end in their midst, pictures that refer to what came no more are not shown.
        assert(got.length >= TAKEN - 8, `${got.length} pictures`);
        assertPictures(got.slice(0, TAKEN - 8), pictures);
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
