import { assert, assertEquals, assertRejects } from "@std/assert";
import { ShmError } from "../../src/media/mod.ts";
import { cleanRings, listRings, ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { freshName, grey, pause } from "./rings.ts";

const SHAPE = { width: 32, height: 16, format: "GRAY8" } as const;
const module = new URL("../../mod.ts", import.meta.url);

/** What a killed writer leaves, and where it lies. */
async function leftover(name: string): Promise<string> {
  const program = `
    import { Frame, ShmWriter } from "${module}";
    const ring = await ShmWriter.create("${name}", { ...${JSON.stringify(SHAPE)}, slots: 4 });
    for (let i = 1; i <= 6; i++) ring.write(Frame.of(new Uint8Array(512).fill(i), ${JSON.stringify(SHAPE)}));
    Deno.kill(Deno.pid, "SIGKILL");`;
  await new Deno.Command(Deno.execPath(), { args: ["eval", "--quiet", "--no-lock", program] }).output();
  return `/dev/shm/${name}`;
}

Deno.test("a file that was cut off is refused by its size, listed as no ring, and cleaned up where its begin is there", async () => {
  const name = freshName();
  const path = await leftover(name);
  const whole = Deno.readFileSync(path);
  const refused = async (bytes: number, words: string) => {
    Deno.writeFileSync(path, whole.subarray(0, bytes));
    const error = await assertRejects(() => ShmReader.open(name), ShmError, words);
    assertEquals(error.code, "invalid");
    assertEquals((await listRings()).some((ring) => ring.name === name), false);
  };
  await refused(0, "it is no ring");
  await refused(1, "it has 1 bytes, too few for a header of 256");
  await refused(255, "it has 255 bytes, too few for a header of 256");
  for (const bytes of [256, 4_096, whole.length - 1]) {
    await refused(bytes, `it should have ${whole.length} bytes and has ${bytes}`);
  }
  assert((await cleanRings({ dryRun: true })).some((ring) => ring.name === name));
  // Whoever waits for a writer of that name takes no notice of it.
  Deno.writeFileSync(path, whole);
  await using reader = await ShmReader.open(name, { mode: "latest" });
  (await reader.next())![Symbol.dispose]();
  Deno.removeSync(path);
  Deno.writeFileSync(path, whole.subarray(0, 300));
  const next = reader.next();
  await pause(300);
  Deno.removeSync(path);
  await using ring = await ShmWriter.create(name, SHAPE);
  ring.write(grey(9, 32, 16));
  using frame = await next;
  assertEquals(frame!.planes[0].data[0], 9);
});

Deno.test("whatever lies in a ring's header and descriptors: a typed error, or records inside it, and no list that fails", async () => {
  const name = freshName();
  const path = await leftover(name);
  const whole = Deno.readFileSync(path);
  const codes = new Map<string, number>();
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    return (seed >>> 8) % below;
  };
  for (let round = 0; round < 1_000; round++) {
    const damaged = whole.slice();
    for (let i = random(6); i >= 0; i--) {
      // Mostly a word of the header or of a descriptor, now and then anything.
      const at = random(10) === 0 ? random(whole.length) : 4 * random((256 + 4 * 128) / 4);
      const value = [0, 1, 255, 128, random(256)][random(5)];
      for (let j = at; j < Math.min(at + 1 + random(8), whole.length); j++) damaged[j] = value;
    }
    Deno.writeFileSync(path, damaged);
    let outcome;
    try {
      await using reader = await ShmReader.open(name, { mode: "every", reconnect: false });
      let reads = 0;
      for (let record = reader.pull(); record; record = reader.pull()) {
        assert(++reads < 100, "it does not end");
        assert(record.size + record.meta.blobBytes <= reader.slots[record.index].length);
      }
      outcome = "read";
    } catch (error) {
      assert(error instanceof ShmError || error instanceof TypeError, String(error));
      outcome = error instanceof ShmError ? error.code : "another kind";
    }
    codes.set(outcome, (codes.get(outcome) ?? 0) + 1);
    if (round % 50 === 0) await listRings();
  }
  Deno.removeSync(path);
  assert(
    codes.get("invalid")! > 10 && (codes.get("version") ?? 0) > 0 && codes.get("read")! > 50,
    String([...codes]),
  );
});

/** In a /dev/shm of 64 KiB: rings that do not fit, one that outgrows it, and what is there afterwards. */
const SMALL = `
  import { Frame, ShmReader, ShmWriter } from "${module}";
  const failed = async (run) => { try { await run(); return "no error"; } catch (error) { return [error.name, error.code, error.message]; } };
  const frame = (value, side) => Frame.of(new Uint8Array(side * side).fill(value), { width: side, height: side, format: "GRAY8" });
  const large = await failed(() => ShmWriter.create("large", { width: 100, height: 100, format: "GRAY8" }));
  const afterLarge = [...Deno.readDirSync("/dev/shm")].length;
  const ring = await ShmWriter.create("grows", { maxBytes: 64, slots: 4, larger: "remake" });
  const reader = await ShmReader.open("grows", { mode: "every" });
  ring.write(frame(1, 8));
  const grown = await failed(async () => ring.write(frame(2, 200)));
  ring.write(frame(3, 8));
  ring.write(frame(4, 40));
  const values = [];
  for (let i = 0; i < 3; i++) { using frame = await reader.next(); values.push(frame.planes[0].data[0]); }
  const names = [...Deno.readDirSync("/dev/shm")].map((entry) => entry.name);
  console.log(JSON.stringify({ large, afterLarge, grown, values, names }));
  await ring[Symbol.asyncDispose]();
  await reader[Symbol.asyncDispose]();`;
const OWN_SHM = ["--mount", "sh", "-c", 'mount -t tmpfs -o size=64k none /dev/shm && exec "$@"', "sh"];
const mayMount = (await new Deno.Command("unshare", { args: [...OWN_SHM, "true"], stderr: "null" }).output()
  .catch(() => null))?.success ?? false;
if (!mayMount) console.log("Skipping the full /dev/shm: only root may have one of its own");

Deno.test({
  name:
    "a full /dev/shm is said with what is needed and what is free, and nothing is left or lost (needs to mount a tmpfs)",
  ignore: !mayMount,
  async fn() {
    const args = [...OWN_SHM, Deno.execPath(), "eval", "--quiet", "--no-lock", SMALL];
    const { stdout, stderr } = await new Deno.Command("unshare", { args, env: { NO_COLOR: "1" } }).output();
    assertEquals(new TextDecoder().decode(stderr), "");
    const { large, afterLarge, grown, values, names } = JSON.parse(new TextDecoder().decode(stdout));
    const words = (action: string, takes: string, free: string) =>
      `${action}: it takes ${takes} MiB, and /dev/shm has ${free} MiB free; ` +
      "use fewer slots or smaller frames, or enlarge it (with Docker: --shm-size)";
    assertEquals(large, ["ShmError", "full", words('Cannot create ring "large"', "0.1", "0.1")]);
    assertEquals(grown.slice(0, 2), ["ShmError", "full"]);
    assert(grown[2].startsWith('Cannot make ring "grows" anew: it takes 0.2 MiB'), grown[2]);
    assertEquals([afterLarge, values, names], [0, [1, 3, 4], ["grows"]]);
  },
});
