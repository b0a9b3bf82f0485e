import { assert, assertEquals, assertMatch } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { Frame } from "../../src/media/mod.ts";
import { ShmWriter } from "../../src/shm/mod.ts";

const FOLDER = decodeURIComponent(new URL("../../examples/python/", import.meta.url).pathname);
/** How long the reader is watched; more than a few seconds is for whoever asks. */
const SECONDS = Number(Deno.env.get("MILLRACE_PYTHON_SECONDS") ?? 3);
const fresh = () => `python-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** A program of Python's that has the reader's names. */
function python(program: string, ...args: string[]): Deno.ChildProcess {
  return new Deno.Command("python3", {
    args: ["-c", `import json, sys, time\nfrom millrace_ring import Reader, RingError\n${program}`, ...args],
    env: { PYTHONPATH: FOLDER, PYTHONDONTWRITEBYTECODE: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** What a program says, line by line. */
function linesOf(child: Deno.ChildProcess): ReadableStreamDefaultReader<string> {
  const text = child.stdout.pipeThrough(new TextDecoderStream());
  return (text.pipeThrough(new TextLineStream()) as ReadableStream<string>).getReader();
}

/** The next line that a program says. */
async function lineOf(lines: ReadableStreamDefaultReader<string>, child: Deno.ChildProcess): Promise<string> {
  const { value, done } = await lines.read();
  assert(!done, done ? await new Response(child.stderr).text() : "");
  return value!;
}

async function answerOf(child: Deno.ChildProcess, lines = linesOf(child)) {
  const answer = await lineOf(lines, child);
  assertEquals((await lines.read()).done, true, "and no more");
  assertEquals([(await child.status).code, await new Response(child.stderr).text()], [0, ""]);
  return JSON.parse(answer);
}

/** Reads to the end, and counts frames that are not made of one number, which is their own. */
const COUNT = `
torn, numbers, missed, pause = 0, [], 0, float(sys.argv[2])
with Reader(sys.argv[1], mode=sys.argv[3], wait=10) as reader:
    print("there", flush=True)
    for frame in reader:
        low, high = int(frame.pixels.min()), int(frame.pixels.max())
        if low != high or low != frame.sequence % 251: torn += 1
        numbers.append(frame.sequence)
        missed += frame.missed
        time.sleep(pause)
    shape = list(frame.pixels.shape)
print(json.dumps({"torn": torn, "frames": len(numbers), "first": numbers[0], "last": numbers[-1],
  "missed": missed, "rising": numbers == sorted(set(numbers)), "shape": shape, "format": frame.format}))`;

Deno.test(`a reader in Python gets every frame of 1080p at 25 a second, whole, for ${SECONDS} seconds`, async () => {
  const shape = { width: 1920, height: 1080, format: "RGB24" } as const;
  const name = fresh();
  let reader: Deno.ChildProcess, lines: ReadableStreamDefaultReader<string>;
  {
    await using ring = await ShmWriter.create(name, { ...shape, slots: 12 });
    reader = python(COUNT, name, "0", "every");
    lines = linesOf(reader);
    assertEquals(await lineOf(lines, reader), "there");
    const pixels = new Uint8Array(3 * shape.width * shape.height);
    const began = performance.now();
    for (let sequence = 0; sequence < 25 * SECONDS; sequence++) {
      ring.write(Frame.of(pixels.fill(sequence % 251), { ...shape, sequence }));
      await pause(Math.max(0, began + 40 * (sequence + 1) - performance.now()));
    }
  }
  const { torn, frames, first, last, missed, rising, shape: seen, format } = await answerOf(reader, lines);
  assertEquals({ torn, missed, rising, seen, format }, {
    torn: 0,
    missed: 0,
    rising: true,
    seen: [1080, 1920, 3],
    format: "RGB24",
  });
  assertEquals([last, frames], [25 * SECONDS - 1, last - first + 1]);
});

for (const mode of ["every", "latest"]) {
  Deno.test(`a reader in Python that the writer laps gets no torn frame, and counts what it missed (${mode})`, async () => {
    const shape = { width: 640, height: 360, format: "GRAY8" } as const;
    const name = fresh();
    let reader: Deno.ChildProcess, lines: ReadableStreamDefaultReader<string>;
    {
      await using ring = await ShmWriter.create(name, { ...shape, slots: 3 });
      const pixels = new Uint8Array(shape.width * shape.height);
      ring.write(Frame.of(pixels, shape));
      reader = python(COUNT, name, "0.001", mode);
      lines = linesOf(reader);
      assertEquals(await lineOf(lines, reader), "there");
      const end = performance.now() + 2_000;
      for (let sequence = 1; performance.now() < end; sequence++) {
        ring.write(Frame.of(pixels.fill(sequence % 251), { ...shape, sequence }));
        if (sequence % 50 === 0) await pause(1);
      }
    }
    const { torn, frames, first, last, missed, rising } = await answerOf(reader, lines);
    assertEquals({ torn, rising }, { torn: 0, rising: true });
    assert(frames > 20 && missed > 0, `${frames} frames, ${missed} missed`);
    assertEquals(last - first + 1, frames + missed, "each frame was read or counted as missed");
  });
}

Deno.test("the reader in Python gives a tensor as floats, planes by rows by columns", async () => {
  const name = fresh(), shape = { width: 5, height: 3, format: "RGBPF32" } as const;
  await using ring = await ShmWriter.create(name, shape);
  const floats = Float32Array.from({ length: 45 }, (_, i) => i / 8 - 1);
  ring.write(Frame.of(new Uint8Array(floats.buffer), shape));
  const reader = python(
    `
with Reader(sys.argv[1], mode="every", wait=10) as reader:
    pixels = reader.next(10).pixels
    print(json.dumps({"shape": pixels.shape, "kind": str(pixels.dtype), "values": pixels.ravel().tolist()}))`,
    name,
  );
  assertEquals(await answerOf(reader), { shape: [3, 3, 5], kind: "float32", values: [...floats] });
});

Deno.test("the reader in Python knows odd shapes, blobs and times, and that its writer died", async () => {
  const name = fresh();
  const program = `
import { Frame, ShmWriter } from "${new URL("../../mod.ts", import.meta.url)}";
const ring = await ShmWriter.create("${name}", { width: 5, height: 3, format: "BGR24" });
const pixels = Uint8Array.from({ length: 45 }, (_, i) => i);
ring.write(Frame.of(pixels, { width: 5, height: 3, format: "BGR24", pts: -40, wallTime: 1500, receivedAt: 2500, streamId: 9, corrupt: true }));
await Deno.stdin.read(new Uint8Array(1));
Deno.kill(Deno.pid, "SIGKILL");`;
  const writer = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-lock", program],
    stdin: "piped",
    stdout: "null",
  }).spawn();
  const reader = python(
    `
with Reader(sys.argv[1], mode="every", wait=10) as reader:
    frame = reader.next(10)
    print(json.dumps({"pixels": frame.pixels.tolist(), "alive": reader.alive, "pts": frame.pts, "wall": frame.wall_time,
      "received": frame.received_at, "stream": frame.stream_id, "corrupt": frame.corrupt, "nothing": reader.next(0.05) is None}), flush=True)
    print(reader.next() is None, reader.alive)`,
    name,
  );
  const output = linesOf(reader);
  const said = JSON.parse((await output.read()).value!);
  assertEquals(said, {
    pixels: [0, 1, 2].map((y) => [0, 1, 2, 3, 4].map((x) => [0, 1, 2].map((c) => 15 * y + 3 * x + c))),
    ...{ alive: true, pts: -40, wall: 1.5, received: 2.5, stream: 9, corrupt: true, nothing: true },
  });
  const stdin = writer.stdin.getWriter();
  await stdin.write(new Uint8Array([10]));
  assertEquals((await output.read()).value, "True False");
  await stdin.close().catch(() => {});
  await writer.status;
  await output.cancel();
  await reader.stderr.cancel();
  await reader.status;
  await (await ShmWriter.create(name, { cellBytes: 1 }))[Symbol.asyncDispose](); // takes the dead one's name
});

Deno.test("the reader in Python follows a ring that is made anew for larger frames, and has their blobs", async () => {
  const name = fresh();
  const ring = await ShmWriter.create(name, { maxBytes: 64, slots: 8, larger: "remake" });
  const reader = python(
    `
seen = []
with Reader(sys.argv[1], mode="every", wait=10) as reader:
    print("there", flush=True)
    for frame in reader:
        assert (frame.pixels == frame.height).all()
        seen.append([frame.height, frame.generation, frame.missed, frame.blob.decode()])
print(json.dumps(seen))`,
    name,
  );
  const lines = linesOf(reader);
  assertEquals(await lineOf(lines, reader), "there");
  for (const height of [8, 9, 20, 5, 40]) {
    const frame = Frame.of(new Uint8Array(8 * height).fill(height), { width: 8, height, format: "GRAY8" });
    ring.write(frame, { blob: new TextEncoder().encode(`blob ${height}`) });
    await pause(30);
  }
  await ring[Symbol.asyncDispose]();
  assertEquals(
    await answerOf(reader, lines),
    [8, 9, 20, 5, 40].map((height, generation) => [height, generation, 0, `blob ${height}`]),
  );
});

Deno.test("the reader in Python says in a sentence what is no ring", async () => {
  const name = fresh();
  const path = `/dev/shm/${name}`;
  const open = `
try: Reader(sys.argv[1])
except RingError as error: print(json.dumps(str(error)))`;
  assertEquals(await answerOf(python(open, name)), `Cannot open ring "${name}": No such file or directory`);
  try {
    for (
      const [bytes, why] of [[10, "it has 10 bytes, and is no ring"], [5_000, "it is no ring of Millrace's"]] as const
    ) {
      await Deno.writeFile(path, new Uint8Array(bytes));
      assertEquals(await answerOf(python(open, name)), `Cannot open ring "${name}": ${why}`);
    }
  } finally {
    await Deno.remove(path);
  }
  const usage = await new Deno.Command("python3", { args: [`${FOLDER}millrace_ring.py`] }).output();
  assertEquals(usage.code, 2);
  assertMatch(new TextDecoder().decode(usage.stderr), /^usage: python3 millrace_ring.py NAME/);
});
