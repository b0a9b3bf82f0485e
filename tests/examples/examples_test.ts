import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeClip, VirtualCamera } from "../../src/camera/mod.ts";
import { cacheFolder } from "../../src/cli/cache_folder.ts";

const PROJECT = decodeURIComponent(new URL("../../", import.meta.url).pathname);

/** An example as a process of its own, where a user would run it. */
function start(name: string, args: string[], cwd?: string): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", `--config=${PROJECT}deno.json`, `${PROJECT}examples/${name}`, ...args],
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What it printed, line by line; it must have ended well. */
async function linesOf(child: Deno.ChildProcess): Promise<string[]> {
  const { code, stdout, stderr } = await child.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  return new TextDecoder().decode(stdout).trim().split("\n");
}

async function withCamera(run: (url: string) => Promise<void>): Promise<void> {
  await using camera = await VirtualCamera.start({
    files: { clock: await makeClip({ cacheDir: cacheFolder() }) },
  });
  await run(camera.url("clock"));
}

Deno.test("share_frames.ts writes what read_frames.ts and read_slots.ts read, and says good-bye", async () => {
  await withCamera(async (url) => {
    const ring = `example-${Deno.pid}`;
    // The readers first: they wait for the ring.
    const readers = [start("read_frames.ts", [ring, "2"]), start("read_slots.ts", [ring, "2"])];
    const server = start("share_frames.ts", [url, ring]);
    const [frames, slots] = await Promise.all(readers.map(linesOf));
    assertEquals(frames.length, 2);
    for (const line of frames) assertMatch(line, /^480x270 RGB24, 0 missed, first bytes \d+(,\d+){9}$/);
    assertEquals(slots.length, 2);
    for (const line of slots) assertMatch(line, /^got index \d, size 388800, payload \d+(,\d+){9}$/);
    server.kill("SIGINT");
    assertEquals((await linesOf(server)).at(-1), "bye");
  });
});

Deno.test("share_and_read.ts is both in one program", async () => {
  await withCamera(async (url) => {
    const lines = await linesOf(start("share_and_read.ts", [url, "3"]));
    assertEquals(lines.length, 3);
    for (const line of lines) assertMatch(line, /^480x270, \d+\.\d ms after its last packet$/);
  });
});

Deno.test("push_frames.ts makes frames that other processes read", async () => {
  const ring = `example-push-${Deno.pid}`;
  const reader = start("read_frames.ts", [ring, "3"]);
  const [lines] = await Promise.all([linesOf(reader), linesOf(start("push_frames.ts", [ring, "50"]))]);
  for (const line of lines) assertMatch(line, /^480x270 RGB24, 0 missed, first bytes (40|220),/);
});

/** Three programs that make frames, for as long as `run` takes. */
async function withRings(run: (names: string[]) => Promise<void>): Promise<void> {
  const names = [1, 2, 3].map((i) => `example-many-${Deno.pid}-${i}`);
  const writers = names.map((name) => start("push_frames.ts", [name]));
  try {
    await run(names);
  } finally {
    for (const writer of writers) writer.kill("SIGKILL");
    await Promise.all(writers.map((writer) => writer.output()));
    for (const name of names) await Deno.remove(`/dev/shm/${name}`).catch(() => {});
  }
}

Deno.test("wait_on_many_rings.ts reads the rings of many programs in one loop", async () => {
  await withRings(async (names) => {
    const lines = await linesOf(start("wait_on_many_rings.ts", ["60", ...names]));
    assertEquals(lines.length, 60);
    for (const name of names) {
      const of = lines.filter((line) => line.startsWith(`${name}: `));
      assert(of.length >= 5, `${of.length} frames of ${name}`);
      for (const line of of) assertMatch(line, /: frame \d+, 480x270, \d+ missed$/);
    }
  });
});

Deno.test("share_event_fds.ts lets a program in Python wait for many rings in a loop of its own", async () => {
  const folder = await Deno.makeTempDir({ prefix: "millrace-bells-" });
  const socket = `${folder}/bells.sock`;
  try {
    const server = start("share_event_fds.ts", [socket]);
    await withRings(async (names) => {
      const there = async (path: string) => await Deno.stat(path).then(() => true, () => false);
      for (const path of [socket, ...names.map((name) => `/dev/shm/${name}`)]) {
        while (!await there(path)) await new Promise((done) => setTimeout(done, 20));
      }
      const lines = await linesOf(
        new Deno.Command("python3", {
          args: [`${PROJECT}examples/python/wait_on_many_rings.py`, socket, "60", ...names],
          env: { PYTHONDONTWRITEBYTECODE: "1" },
          stdout: "piped",
          stderr: "piped",
        }).spawn(),
      );
      assertEquals(lines.length, 60);
      for (const name of names) {
        const of = lines.filter((line) => line.startsWith(`${name}: `));
        assert(of.length >= 5, `${of.length} frames of ${name}`);
        for (const line of of) assertMatch(line, /: frame \d+, 480x270, \d+ missed, mean \d+\.\d$/);
      }
    });
    server.kill("SIGINT");
    assertEquals((await linesOf(server)).at(-1), "bye; 3 eventfds were given");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("blur.ts writes PNG files of what OpenCV made in a process without permissions", async () => {
  const folder = await Deno.makeTempDir({ prefix: "millrace-blur-" });
  try {
    await withCamera(async (url) => {
      const files = await linesOf(start("blur.ts", [url, "2"], folder));
      assertEquals(files.length, 2);
      for (const file of files) {
        const bytes = await Deno.readFile(`${folder}/${file}`);
        assertEquals([...bytes.subarray(0, 8)], [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
        const size = new DataView(bytes.buffer);
        assertEquals([size.getUint32(16), size.getUint32(20)], [480, 270]);
        assert(bytes.length > 10_000 && bytes.length < 200_000, `${bytes.length} bytes`);
      }
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
