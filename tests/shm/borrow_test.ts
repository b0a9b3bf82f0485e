import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShmError } from "../../src/media/mod.ts";
import { ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { libraryPath } from "../../ffi/load.ts";
import { freshName, grey, isAll } from "./rings.ts";

/** What this process has mapped of a ring. */
const mappingsOf = (name: string) =>
  Deno.readTextFileSync("/proc/self/maps").split("\n").filter((line) => line.includes(`/dev/shm/${name}`)).length;

Deno.test("borrow() gives a frame where it lies, with what is known of it, and takes it from the ring", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { width: 64, height: 32, format: "GRAY8", slots: 4 });
  await using reader = await ShmReader.open(name, { mode: "every" });
  assertEquals(reader.borrow(), null);
  ring.write(grey(7, 64, 32, { streamId: 3 }), { blob: Uint8Array.of(1, 2) });
  ring.write(grey(8, 64, 32));
  {
    using frame = reader.borrow()!;
    const { data } = frame.planes[0];
    assertEquals([frame.width, frame.height, frame.pts, frame.streamId, frame.missed], [64, 32, 7_000, 3, 0]);
    assertEquals([data.length, isAll(data, 7), frame.valid()], [64 * 32, true, true]);
    assertEquals([frame.blob, frame.copy()], [Uint8Array.of(1, 2), new Uint8Array(64 * 32).fill(7)]);
    assertThrows(() => frame.clone(), TypeError, "Cannot clone a borrowed frame");
    assertThrows(() => reader.borrow(), TypeError, "a frame of it is borrowed");
    assertThrows(() => reader.pull(), TypeError, "a frame of it is borrowed");
    frame[Symbol.dispose]();
    assertEquals(frame.valid(), true);
    assertEquals(data.length, 0, "its array is empty, and no pointer to memory that may go");
    assertThrows(() => frame.planes, TypeError, "was disposed of");
  }
  using next = reader.borrow()!;
  assertEquals(next.sequence, 1);
  next[Symbol.dispose]();
  assertEquals(reader.borrow(), null);
  assertEquals(reader.stats(), { delivered: 2, missed: 0, torn: 0, writers: 1 });
});

Deno.test("a borrowed frame that the writer comes to is known not to be whole, and counted", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { width: 64, height: 32, format: "GRAY8", slots: 3 });
  await using reader = await ShmReader.open(name, { mode: "every" });
  ring.write(grey(0, 64, 32));
  const frame = reader.borrow()!;
  for (let i = 1; i <= 2; i++) {
    ring.write(grey(i, 64, 32));
    assertEquals(frame.valid(), true, "its slot is still its own");
  }
  ring.write(grey(3, 64, 32));
  assertEquals([frame.valid(), frame.planes[0].data[0]], [false, 3]);
  frame[Symbol.dispose]();
  frame[Symbol.dispose]();
  assertEquals(frame.valid(), false);
  const { delivered, torn, missed } = reader.stats();
  assertEquals([delivered, torn], [0, 1]);
  assert(missed >= 1);
  using after = (await reader.next())!;
  assertEquals(isAll(after.planes[0].data, after.sequence), true);
  assertEquals(after.missed, after.sequence, "the torn one is among the missed");
});

Deno.test("a borrowed frame keeps its memory while the reader, the writer and the ring go", async () => {
  const name = freshName();
  const ring = await ShmWriter.create(name, { maxBytes: 2_048, slots: 2, larger: "remake" });
  const reader = await ShmReader.open(name);
  ring.write(grey(5, 64, 32));
  const frame = reader.borrow()!;
  ring.write(grey(6, 640, 32));
  await ring[Symbol.asyncDispose]();
  await reader[Symbol.asyncDispose]();
  assertThrows(() => reader.borrow(), ShmError, "it was closed");
  assertEquals(mappingsOf(name), 1);
  const { data } = frame.planes[0];
  assertEquals([isAll(data, 5), frame.valid()], [true, true]);
  frame[Symbol.dispose]();
  assertEquals([mappingsOf(name), data.length], [0, 0]);
});

Deno.test("borrow() follows a ring that is made anew, and what it says valid is whole under a writer that never waits", async () => {
  const name = freshName();
  const program = `
    import { Frame, ShmWriter } from "${new URL("../../mod.ts", import.meta.url)}";
    const ring = await ShmWriter.create("${name}", { maxBytes: 64, slots: 3, larger: "remake" });
    console.log("there");
    const end = performance.now() + 2_000;
    for (let i = 0; performance.now() < end; i++) {
      const height = 100 + Math.floor(i / 2_000) % 50;
      ring.write(Frame.of(new Uint8Array(640 * height).fill(i), { width: 640, height, format: "GRAY8", sequence: i, pts: i }));
      if (i % 100 === 0) await new Promise((done) => setTimeout(done, 0));
    }
    await ring[Symbol.asyncDispose]();`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-lock", program],
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  await output.read();
  await using reader = await ShmReader.open(name, { mode: "every" });
  let whole = 0, torn = 0;
  while (reader.waitSync(20_000)) {
    for (;;) {
      using frame = reader.borrow();
      if (!frame) break;
      const good = isAll(frame.planes[0].data, frame.pts);
      if (frame.valid()) {
        assert(good, `frame ${frame.sequence} is torn, and was said to be valid`);
        whole++;
      } else torn++;
    }
  }
  await output.cancel();
  await child.status;
  console.log(`${whole} whole, ${torn} overwritten meanwhile, ${reader.stats().missed} missed`);
  assert(whole > 20);
  // Some are overwritten between the question and the disposal.
  assert(reader.stats().torn >= torn);
});

Deno.test("borrow() says which permission it needs, and takes nothing where it has not got it", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { width: 8, height: 8, format: "GRAY8" });
  ring.write(grey(9, 8, 8));
  const module = new URL("../../mod.ts", import.meta.url);
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(
      script,
      `import { ShmReader } from "${module}";
       await using reader = await ShmReader.open("${name}");
       try {
         reader.borrow();
       } catch (error) {
         console.log(error.name, error.code, error.message);
       }
       using frame = await reader.next();
       console.log(frame.planes[0].data[0]);`,
    );
    const library = await libraryPath();
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-lock", "--no-prompt", "--allow-read", `--allow-ffi=${library}`, script],
      env: { NO_COLOR: "1" },
    }).output();
    const words = "SetupError permission Cannot borrow a frame: this program may not make a pointer; " +
      "run it with --allow-ffi, without a path";
    assertEquals([new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)], [`${words}\n9\n`, ""]);
  } finally {
    await Deno.remove(script);
  }
});
