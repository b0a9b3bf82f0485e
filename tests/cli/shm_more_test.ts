import { assert, assertEquals, assertMatch } from "@std/assert";
import { encodedFeed } from "../../src/feed/mod.ts";
import { clipSource } from "../../src/feed/testing.ts";
import { type ShmInfo, ShmWriter } from "../../src/shm/mod.ts";
import { freshName, grey, pause } from "../shm/rings.ts";
import { freshRing, Peer } from "../valkka/peer.ts";
import { launcher, Listener, millrace, outcomeOf } from "./command.ts";
import { Terminal } from "./terminal.ts";

const infosOf = (text: string) => text.trim().split("\n").filter(Boolean).map((line) => JSON.parse(line) as ShmInfo);

async function listed(name: string): Promise<ShmInfo | undefined> {
  const { code, stdout, stderr } = await millrace("shm", "list", "--json");
  assertEquals([code, stderr], [0, ""]);
  return infosOf(stdout).find((ring) => ring.name === name);
}

Deno.test("millrace shm list shows libValkka's rings, a server's and our own, alive and dead", async () => {
  const theirs = freshRing(), ours = freshRing();
  await using server = await Peer.ready("server", { name: theirs, cells: 4, width: 64, height: 32 });
  await server.ask("push 0 3");
  await using writer = await ShmWriter.create(ours, { protocol: "valkka", kind: "bytes", cellBytes: 100, slots: 5 });
  writer.writeBytes(new Uint8Array(10));
  const [foreign, own] = [await listed(theirs), await listed(ours)];
  assertEquals([foreign?.protocol, foreign?.writer, foreign?.pid], ["valkka", "alive", server.process.pid]);
  assertEquals([foreign?.kind, foreign?.width, foreign?.height, foreign?.slots], ["frames", 64, 32, 4]);
  assertEquals([foreign?.maxBytes, foreign?.bytes, foreign?.records], [6_144, 4 * (6_144 + 32), null]);
  assertEquals([own?.protocol, own?.writer, own?.pid, own?.kind], ["valkka", "alive", Deno.pid, "bytes"]);
  assertEquals([own?.slots, own?.maxBytes, own?.records], [5, 100, 1]);
  await server.kill();
  assertEquals((await listed(theirs))?.writer, "dead");
});

Deno.test("millrace shm list counts the processes that read a ring, and neither its writer nor itself", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { width: 8, height: 8, format: "GRAY8" });
  ring.write(grey(1, 8, 8));
  assertEquals((await listed(name))?.readers, 0);
  const readers = [1, 2].map(() => launcher(["millrace", "shm", "read", name]).spawn());
  for (const { stdout } of readers) await new Listener(stdout).heard(/\n/);
  const { readers: seen, allReaders } = (await listed(name))!;
  assertEquals(seen, 2);
  const { stdout } = await millrace("shm", "list");
  const row = stdout.split("\n").find((line) => line.startsWith(name))!;
  assert(row.endsWith(allReaders ? " 2" : " 2+"), row);
  for (const reader of readers) {
    reader.kill("SIGTERM");
    await reader.stderr.cancel();
    assertEquals((await reader.status).code, 0);
  }
  assertEquals((await listed(name))?.readers, 0);
});

Deno.test("millrace shm watch prints the rings once a second, with the rate in between, and ends by itself", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { width: 8, height: 8, format: "GRAY8", slots: 4 });
  const writing = setInterval(() => ring.write(grey(1, 8, 8)), 20);
  const [plain, json] = await Promise.all([
    millrace("shm", "watch", "--seconds", "2.5"),
    millrace("shm", "watch", "--seconds", "2.5", "--json"),
  ]).finally(() => clearInterval(writing));
  assertEquals([plain.code, plain.stderr, json.code, json.stderr], [0, "", 0, ""]);
  const seen = infosOf(json.stdout).filter((info) => info.name === name);
  assertEquals(seen.length, 3);
  assert(seen[2].records! > seen[1].records!);
  for (const { rate } of seen.slice(1)) assert(rate > 5 && rate <= 55, `${rate} a second, one every 20 ms`);
  assertEquals(plain.stdout.split("\n").filter((line) => line.startsWith("NAME ")).length, 3);
  assertEquals(plain.stdout.split("\n").filter((line) => line.startsWith(name)).length, 3);
});

Deno.test("millrace shm watch draws over itself on a terminal, and an interrupt ends it", async () => {
  const name = freshName();
  await using _ring = await ShmWriter.create(name, { width: 8, height: 8, format: "GRAY8" });
  const inner = `"${Deno.execPath()}" run -A --quiet --no-lock tools/launch.ts millrace shm watch --seconds 4`;
  const command = new Deno.Command("script", {
    args: ["-qec", inner, "/dev/null"],
    env: { TERM: "xterm" },
    stdin: "null",
    stdout: "piped",
  });
  const { code, stdout } = await command.output();
  assertEquals(code, 0);
  const terminal = new Terminal();
  terminal.write(new TextDecoder().decode(stdout).replaceAll("\r\n", "\n\r"));
  assertEquals(terminal.lines.filter((line) => line.startsWith("NAME ")).length, 1);
  assertEquals(terminal.lines.filter((line) => line.startsWith(name)).length, 1);
  const interrupted = launcher(["millrace", "shm", "watch"]).spawn();
  await new Listener(interrupted.stdout).heard(/NAME/);
  interrupted.kill("SIGINT");
  await interrupted.stderr.cancel();
  assertEquals((await interrupted.status).code, 0);
});

Deno.test("millrace shm read of access units writes what a player plays", async () => {
  const name = freshName();
  const source = await clipSource();
  const folder = await Deno.makeTempDir();
  const path = `${folder}/street.h264`;
  try {
    const ring = await ShmWriter.create(name, { kind: "access-units" });
    const feed = encodedFeed(source);
    const writing = feed.branch().pipeTo(ring);
    source.push(13);
    const toFile = launcher(["millrace", "shm", "read", name, "--out", path]).spawn();
    const lines = launcher(["millrace", "shm", "read", name, "--json"]).spawn();
    const said = new Listener(lines.stdout);
    await said.heard(/\n.*\n/);
    for (let size = 0; size === 0; await pause(20)) size = await Deno.stat(path).then((file) => file.size, () => 0);
    source.push(37);
    source.end();
    await writing;
    await ring[Symbol.asyncDispose]();
    const { code, stderr } = await toFile.output();
    const records = (await said.all()).trim().split("\n").map((line) => JSON.parse(line));
    await lines.stderr.cancel();
    assertEquals((await lines.status).code, 0);
    assertEquals(records.length, 40, "from the newest keyframe on");
    assertEquals([records[0].sequence, records[0].keyframe, records[0].codec], [10, true, "h264"]);
    const { size } = await Deno.stat(path);
    assertEquals(code, 0);
    assertEquals(new TextDecoder().decode(stderr), `40 access units, h264, ${size} bytes in all, written to ${path}\n`);
    const args = ["-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path];
    const probe = await new Deno.Command("ffprobe", { args }).output();
    assertEquals([probe.code, new TextDecoder().decode(probe.stdout).trim()], [0, "40"]);
    assertEquals(new TextDecoder().decode(probe.stderr), "");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("millrace shm read of bytes and fragments prints them with their blobs, and writes the payloads", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, { kind: "mp4" });
  ring.writeBytes(new Uint8Array([1, 2, 3]), { pts: 1_500_000, keyframe: true }, Uint8Array.of(0xab, 0xcd));
  const [plain, json, out] = await Promise.all([
    millrace("shm", "read", name, "--frames", "1"),
    millrace("shm", "read", name, "--frames", "1", "--json"),
    launcher(["millrace", "shm", "read", name, "--frames", "1", "--out=-"]).output(),
  ]);
  assertEquals(plain.stdout, "0  3 bytes  pts 1.500 s  keyframe  missed 0\n");
  assertEquals(JSON.parse(json.stdout), {
    sequence: 0,
    bytes: 3,
    pts: 1_500_000,
    keyframe: true,
    missed: 0,
    blob: "abcd",
  });
  assertEquals(out.stdout, Uint8Array.of(1, 2, 3));
  assertEquals(new TextDecoder().decode(out.stderr), "1 records, 3 bytes in all, written to standard output\n");
});

Deno.test("millrace shm read finds out the numbers of a libValkka ring, or takes those that it is given", async () => {
  const name = freshRing();
  await using server = await Peer.ready("server", { name, cells: 4, width: 64, height: 32 });
  await server.ask("push 0 1");
  const reading = launcher(["millrace", "shm", "read", name, "--frames", "2"]).spawn();
  let pushed = 1;
  const timer = setInterval(() => void server.tell(`push ${pushed++} 1`), 50);
  const { code, stdout, stderr } = await reading.output();
  clearInterval(timer);
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  assertMatch(new TextDecoder().decode(stdout), /^(\d+ {2}64x32 RGB24 {2}pts .*missed \d+\n){2}$/);
  const wrong = await millrace("shm", "read", name, "--width", "64", "--height", "64", "--slots", "4");
  assertEquals([wrong.code, wrong.stdout], [1, ""]);
  assertMatch(wrong.stderr, /^Cannot open ring .*cell 0 has 6144 bytes.*asked for with.*64x64.*\n$/);
  const none = await millrace("shm", "read", freshRing(), "--protocol", "valkka");
  assertMatch(none.stderr, /^Cannot open libValkka ring ".*": there is no ring of that name\n$/);
  assertEquals(none.code, 1);
});

Deno.test("millrace shm says wrong usage in one sentence", async () => {
  for (
    const [args, words] of [
      [
        ["read", "x", "--out", "y", "--json"],
        /^Cannot print JSON and write what the ring holds: choose --json or --out\n$/,
      ],
      [["read", "x", "--width", "4"], /^Give both of --width and --height\n$/],
      [
        ["read", "x", "--width", "4", "--height", "4", "--bytes", "4"],
        /^Give --width and --height, or --bytes, not both\n$/,
      ],
      [["read", "x", "--protocol", "millrace", "--bytes", "4"], /^The numbers of a libValkka ring go with --protocol/],
      [["watch", "--seconds", "0"], /expected a number above 0/],
      [["clean", "everything"], /^Too many arguments/],
    ] as [string[], RegExp][]
  ) {
    const { code, stdout, stderr } = await millrace("shm", ...args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertMatch(stderr, words);
  }
});

/** Leaves rings of every sort behind, has them cleaned up, and says what there is before and after. */
const CLEANING = `
  import { ShmWriter } from "${new URL("../../mod.ts", import.meta.url)}";
  import { Peer } from "${new URL("../valkka/peer.ts", import.meta.url)}";
  import { libraryPath, loadLibrary } from "${new URL("../../ffi/load.ts", import.meta.url)}";
  const { symbols } = loadLibrary(await libraryPath());
  const objects = () => [...Deno.readDirSync("/dev/shm")].map((entry) => entry.name).sort();
  const shape = { width: 8, height: 4 };
  const living = await ShmWriter.create("living", { ...shape, format: "GRAY8" });
  const dead = await ShmWriter.create("dead", { ...shape, format: "GRAY8" });
  const damaged = await ShmWriter.create("damaged", { ...shape, format: "GRAY8" });
  damaged.memory.store32(24, 0);
  for (const { memory } of [dead, damaged]) symbols.mr_close(memory.handle);
  const ours = await ShmWriter.create("vliving", { ...shape, protocol: "valkka", slots: 2 });
  const child = new Deno.Command(Deno.execPath(), { args: ["eval", "--quiet", "--no-lock", \`
    import { ShmWriter } from "${new URL("../../mod.ts", import.meta.url)}";
    await ShmWriter.create("vdead", { width: 8, height: 4, protocol: "valkka", slots: 2 });
    Deno.kill(Deno.pid, "SIGKILL");\`] }).spawn();
  await child.status;
  const server = await Peer.ready("server", { name: "tliving", cells: 2, ...shape });
  const killed = await Peer.ready("server", { name: "tdead", cells: 12, ...shape });
  await killed.kill();
  Deno.writeTextFileSync("/dev/shm/anothers", "MILLRACER but no ring, or hardly");
  Deno.writeTextFileSync("/dev/shm/notes", "somebody's");
  const run = async (...args) => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-lock", "${
  new URL("../../src/cli/main.ts", import.meta.url).pathname
}", "shm", ...args],
    }).output();
    return [code, new TextDecoder().decode(stdout)];
  };
  const before = objects();
  const dry = await run("clean", "--dry-run"), afterDry = objects();
  const json = await run("clean", "--json"), after = objects();
  const again = await run("clean");
  console.log(JSON.stringify({ before, dry, afterDry, json, after, again }));
  await server.quit();
  await ours[Symbol.asyncDispose]();
  await living[Symbol.asyncDispose]();`;

/** A /dev/shm of its own, so that nothing of anybody else's is taken away. */
const OWN_SHM = ["--mount", "sh", "-c", 'mount -t tmpfs none /dev/shm && exec "$@"', "sh"];
const mayMount = (await new Deno.Command("unshare", { args: [...OWN_SHM, "true"], stderr: "null" }).output()
  .catch(() => null))?.success ?? false;

Deno.test({
  name:
    "millrace shm clean takes away what dead writers left, of both protocols, and nothing else (needs to mount a tmpfs)",
  ignore: !mayMount,
  async fn() {
    const args = [...OWN_SHM, Deno.execPath(), "eval", "--quiet", "--no-lock", CLEANING];
    const { code, stdout, stderr } = await outcomeOf(new Deno.Command("unshare", { args, env: { NO_COLOR: "1" } }));
    assertEquals([code, stderr], [0, ""]);
    const { before, dry, afterDry, json, after, again } = JSON.parse(stdout);
    assertEquals(afterDry, before);
    assertMatch(
      dry[1],
      /^Would remove damaged \(millrace, .*\nWould remove dead .*\nWould remove tdead \(valkka, .*\nWould remove vdead/,
    );
    assertEquals(dry[1].trim().split("\n").length, 4);
    const removed = json[1].trim().split("\n").map((line: string) => JSON.parse(line).name);
    assertEquals(removed, ["damaged", "dead", "tdead", "vdead"]);
    const stay = (name: string) => /^(sem\.)?(living|vliving|tliving|notes|anothers)/.test(name);
    assertEquals(after, before.filter(stay));
    assert(before.filter(stay).length > 12, String(before));
    assertEquals(again, [0, "Nothing is left of dead writers.\n"]);
  },
});
