import { assert, assertEquals, assertMatch } from "@std/assert";
import { Frame, NO_LEASE } from "../../src/media/mod.ts";
import { ShmWriter } from "../../src/shm/mod.ts";
import { launcher, Listener, millrace } from "./command.ts";

const SIZE = { width: 4, height: 2, format: "GRAY8" } as const;
const BYTES = SIZE.width * SIZE.height;

/** A ring of this test's own with tiny frames in it. */
async function ringOf(frames: number): Promise<ShmWriter> {
  const ring = await ShmWriter.create(`cli-test-${crypto.randomUUID()}`, { slots: 8, ...SIZE });
  for (let i = 0; i < frames; i++) write(ring, i);
  return ring;
}

/** Writes a frame, all of whose pixels are its number. */
function write(ring: ShmWriter, number: number): void {
  const info = {
    ...SIZE,
    pts: number * 40_000,
    wallTime: null,
    receivedAt: Date.now(),
    keyframe: true,
    corrupt: false,
    sequence: number,
    generation: 0,
    missed: 0,
    streamId: 0,
  };
  const plane = {
    data: new Uint8Array(BYTES).fill(number),
    stride: SIZE.width,
    rowBytes: SIZE.width,
    rows: SIZE.height,
  };
  using frame = new Frame(info, [plane], NO_LEASE);
  ring.write(frame);
}

Deno.test("millrace shm list shows a ring, its writer and its rate", async () => {
  await using ring = await ringOf(0);
  for (let i = 0; i < 5; i++) {
    write(ring, i);
    await new Promise((done) => setTimeout(done, 20));
  }
  const [table, lines] = await Promise.all([millrace("shm", "list"), millrace("shm", "list", "--json")]);
  assertEquals([table.code, table.stderr, lines.code, lines.stderr], [0, "", 0, ""]);
  const row = table.stdout.split("\n").find((line) => line.startsWith(ring.name))!;
  assertMatch(
    row,
    new RegExp(
      ` millrace +alive +${Deno.pid} +frames +4x2 GRAY8 +8 +0\\.0 MiB +5 +\\d+\\.\\d/s +\\d+\\.\\d s +(0|\\?)$`,
    ),
  );
  const info = lines.stdout.trim().split("\n").map((line) => JSON.parse(line)).find(({ name }) => name === ring.name);
  assertEquals([info.writer, info.pid, info.records, info.slots], ["alive", Deno.pid, 5, 8]);
  assert(info.rate > 5 && info.rate <= 50, `${info.rate} a second, one every 20 ms`);
});

Deno.test("millrace shm read prints a line for each frame", async () => {
  await using ring = await ringOf(3);
  const [plain, json] = await Promise.all([
    millrace("shm", "read", ring.name, "--frames", "1"),
    millrace("shm", "read", ring.name, "--frames", "1", "--json"),
  ]);
  // The newest that was there before it came.
  assertMatch(plain.stdout, /^2 {2}4x2 GRAY8 {2}pts 0\.080 s {2}age \d+\.\d ms {2}missed 0\n$/);
  const { age, ...rest } = JSON.parse(json.stdout);
  assertEquals(rest, { sequence: 2, ...SIZE, pts: 80_000, missed: 0 });
  assert(age > 0);
  assertEquals([plain.stderr, json.stderr], ["", ""]);
});

Deno.test("millrace shm read --out writes pixels to a file, or to standard output, and nothing else", async () => {
  await using ring = await ringOf(1);
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/pixels`;
    const toFile = launcher(["millrace", "shm", "read", ring.name, "--frames", "2", "--out", path]).spawn();
    const toPipe = launcher(["millrace", "shm", "read", ring.name, "--frames", "2", "--out=-"]).spawn();
    // They begin with the newest: until both are there each new one is another's.
    const timer = setInterval(() => write(ring, 7), 20);
    const [file, pipe] = await Promise.all([toFile.output(), toPipe.output()]).finally(() => clearInterval(timer));
    assertEquals([file.code, pipe.code], [0, 0]);
    for (const pixels of [await Deno.readFile(path), pipe.stdout]) {
      assertEquals(pixels.length, 2 * BYTES);
      assertEquals(pixels.subarray(BYTES), new Uint8Array(BYTES).fill(7));
    }
    assertEquals(file.stdout.length, 0);
    const said = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assertEquals(said(file.stderr), `2 frames, 4x2 GRAY8, 8 bytes each, written to ${path}\n`);
    assertEquals(said(pipe.stderr), "2 frames, 4x2 GRAY8, 8 bytes each, written to standard output\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("millrace shm read ends with the ring, at an interrupt, and when nobody reads it any more", async () => {
  const ring = await ringOf(1);
  const reading = () => launcher(["millrace", "shm", "read", ring.name]).spawn();
  const closed = reading(), interrupted = reading(), unread = reading();
  const lines = [closed, interrupted].map(({ stdout }) => new Listener(stdout));
  const errors = [closed, interrupted, unread].map(({ stderr }) => new Listener(stderr));
  for (const listener of lines) await listener.heard(/\n/);
  interrupted.kill("SIGINT");
  await unread.stdout.cancel();
  const timer = setInterval(() => write(ring, 1), 20);
  assertEquals([(await interrupted.status).code, (await unread.status).code], [0, 1]);
  clearInterval(timer);
  await ring[Symbol.asyncDispose]();
  assertEquals((await closed.status).code, 0);
  for (const listener of [...lines, ...errors]) await listener.all();
  assertEquals(errors.map(({ text }) => text), ["", "", ""]);
});
