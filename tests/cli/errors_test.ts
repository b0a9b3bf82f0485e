import { assert, assertEquals, assertMatch } from "@std/assert";
import { ensureSetup, PROJECT } from "../../tools/setup.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { reorderedClip, shortClip } from "../support/clips.ts";
import { startScriptedServer } from "../support/scripted_server.ts";
import { millrace, type Outcome, outcomeOf, program, type Surroundings } from "./command.ts";

const SECRET = "s3cr#t";
// Else the first command that needs the clip says that it is being made.
await ensureSetup({ wants: ["library", "wasm", "clip"] });
const CAN_UNSHARE = await (async () => {
  try {
    const script = "mount -t tmpfs none /dev/shm";
    const { success } = await new Deno.Command("unshare", { args: ["--mount", "sh", "-c", script] }).output();
    return success;
  } catch {
    return false;
  }
})();
if (!CAN_UNSHARE) console.log("Skipping the full /dev/shm: only root may have one of its own");

/** All that a command says is one sentence on standard error: no trace, no escape codes, no password. */
function saysOnly({ code, stdout, stderr }: Outcome, wanted: { code: number; sentence: string }): void {
  assert(!stderr.includes(SECRET), "the password is shown");
  assertEquals({ code, stdout, stderr }, { code: wanted.code, stdout: "", stderr: wanted.sentence + "\n" });
}

async function fails(args: string[], sentence: string): Promise<void> {
  saysOnly(await millrace(...args), { code: 1, sentence });
}

async function isWrong(args: string[], sentence: string): Promise<void> {
  saysOnly(await millrace(...args), { code: 2, sentence });
}

/** Runs the program in other surroundings than a user's. */
async function programFails(
  args: string[],
  sentence: string,
  { said = "", ...where }: Surroundings & { said?: string },
): Promise<void> {
  const { stdout, ...outcome } = await outcomeOf(await program(args, where));
  assertEquals(stdout, said);
  saysOnly({ stdout: "", ...outcome }, { code: 1, sentence });
}

/** What the demo says before anything can fail. */
const STARTING = "Starting the cameras, a process that reads, and an analysis without permissions.\n";

/** A shell that has 64 KiB of shared memory, runs a command, and says what that left. */
function inSmallShm(args: string[]): { command: string; args: string[] } {
  const script =
    'mount -t tmpfs -o size=64k none /dev/shm && { "$@"; code=$?; echo "left:" $(ls /dev/shm); exit $code; }';
  const task = [Deno.execPath(), "run", "-A", "--quiet", "--no-lock", `${PROJECT}/tools/launch.ts`];
  return { command: "unshare", args: ["--mount", "sh", "-c", script, "sh", ...task, ...args] };
}

/** A port that nothing listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

Deno.test("millrace says that an address leads nowhere", async () => {
  const port = freePort();
  await Promise.all([
    fails(
      ["probe", `rtsp://viewer:${SECRET}@no-such-camera.invalid/h264`],
      "Cannot open rtsp://no-such-camera.invalid/h264: there is no host no-such-camera.invalid; check the address",
    ),
    fails(
      ["decode", `rtsp://127.0.0.1:${port}/h264`, "--user", "viewer", "--password", SECRET],
      `Cannot open rtsp://127.0.0.1:${port}/h264: nothing listens on port ${port} of 127.0.0.1; ` +
        "check the port, and that RTSP is switched on in the camera",
    ),
  ]);
});

Deno.test("millrace says that a port is silent", async () => {
  await using server = startScriptedServer(() => null);
  await fails(
    ["probe", server.url],
    `Cannot open ${server.url}: the camera did not answer OPTIONS in 5 s; ` +
      "check that this is its port for RTSP (mostly 554), or restart the camera",
  );
});

Deno.test("millrace says that a password is missing, or wrong, and that there is no such stream", async () => {
  const options = { files: { street: await shortClip() }, username: "viewer", password: "right" };
  await using server = await VirtualCamera.start(options);
  const url = server.url("street");
  await Promise.all([
    fails(
      ["probe", url],
      `Cannot open ${url}: the camera asks for a user name and password, and none were given; give --user and --password`,
    ),
    fails(
      ["probe", url.replace("//", `//viewer:${SECRET}@`)],
      `Cannot open ${url}: the camera refuses this user name and password; ` +
        "check both, and that the camera has not locked the user out",
    ),
    fails(
      ["decode", server.url("garden"), "--user", "viewer", "--password", "right"],
      `Cannot open ${
        server.url("garden")
      }: the camera has no stream at "/garden"; look up the path in the camera's manual`,
    ),
  ]);
});

Deno.test("millrace says that a camera offers no video, or none that it can decode", async () => {
  const described = (media: string) =>
    startScriptedServer(({ method }) =>
      method === "DESCRIBE"
        ? {
          status: 200,
          headers: [["Content-Type", "application/sdp"]],
          body: `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n${media}a=control:trackID=1\r\n`,
        }
        : { status: 200, headers: [["Public", "DESCRIBE, SETUP, PLAY, TEARDOWN"]] }
    );
  await using sound = described("m=audio 0 RTP/AVP 0\r\n");
  await using vp8 = described("m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n");
  const [silent, other] = await Promise.all([millrace("probe", sound.url), millrace("probe", vp8.url)]);
  saysOnly(silent, {
    code: 1,
    sentence: `Cannot open ${sound.url}: the camera offers no video, only audio (PCMU); ` +
      "look up the path of its video in the camera's manual",
  });
  saysOnly(other, {
    code: 1,
    sentence: `Cannot open ${vp8.url}: its video is VP8, supported is H264, HEVC, MJPEG; switch the camera to H.264`,
  });
});

Deno.test("millrace says what is wrong with a file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const text = `${folder}/notes.mp4`;
    await Deno.writeTextFile(text, "no video at all\n".repeat(100));
    const noVideo =
      "Cannot play notes.mp4: it is no MP4 file, and no raw H.264, H.265 or MJPEG stream; name a video file";
    await fails(["decode", `${folder}/missing.mp4`], `There is no such file: ${folder}/missing.mp4; check the path`);
    await fails(["camera", `${folder}/missing.mp4`], `There is no such file: ${folder}/missing.mp4; check the path`);
    await fails(["decode", text], noVideo);
    await fails(["camera", text], noVideo);
    await fails(["decode", folder], `Cannot read ${folder}: it is a folder; name a file in it`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("millrace says that a ring is not there, and that a port or an address cannot be listened on", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await Promise.all([
    fails(
      ["shm", "read", "no-such-ring"],
      'Cannot open ring "no-such-ring": there is no ring of that name; is its writer running?',
    ),
    fails(
      ["camera", "--port", String(taken.addr.port)],
      "That port is in use; choose another with --port, or 0 for any free one",
    ),
    fails(["camera", "--host", "192.0.2.1"], "That address is none of this machine's; choose another with --host"),
  ]);
});

Deno.test("millrace says that something is not built, or not there any more", async () => {
  const project = await Deno.makeTempDir();
  try {
    for (const folder of ["src", "ffi", "wasm", "workers", "examples"]) {
      await Deno.symlink(`${PROJECT}/${folder}`, `${project}/${folder}`);
    }
    const file = await reorderedClip();
    const wants = { project };
    await programFails(["shm", "list"], "Cannot load the C library: it is not built; run: deno task build", wants);
    await programFails(
      ["decode", file],
      "Cannot load the WebAssembly module: it is not built; run: deno task build",
      wants,
    );
    await Deno.mkdir(`${project}/.millrace`);
    const gone = `${project}/gone.so`;
    await Deno.writeTextFile(`${project}/.millrace/artifacts.json`, JSON.stringify({ library: gone, wasm: gone }));
    await programFails(["shm", "list"], `Cannot load the C library: there is no ${gone}; run: deno task build`, {
      ...wants,
      more: [`--allow-ffi=${gone}`],
    });
    await programFails(
      ["decode", file],
      "Cannot load the WebAssembly module: it is not built; run: deno task build",
      wants,
    );
  } finally {
    await Deno.remove(project, { recursive: true });
  }
});

Deno.test("millrace says which permission was not given", async () => {
  const { library } = await ensureSetup({ wants: ["library", "wasm"] });
  const artifacts = `${PROJECT}/.millrace/artifacts.json`;
  const needs = (kind: string, what: string) =>
    `it needs ${kind} access to ${what}; run it again with --allow-${kind}=${what}`;
  const file = await shortClip();
  await programFails(
    ["shm", "list"],
    `Cannot load the C library: this program may not call it; run it with --allow-ffi=${library}`,
    { without: "--allow-ffi" },
  );
  await programFails(["shm", "list"], `Cannot load the C library: ${needs("read", artifacts)}`, {
    without: "--allow-read",
  });
  await programFails(["decode", file], `Not permitted: ${needs("read", file)}`, { without: "--allow-read" });
  await programFails(
    ["probe", "rtsp://127.0.0.1:1/h264"],
    `Cannot open rtsp://127.0.0.1:1/h264: ${needs("net", "127.0.0.1:1")}`,
    { without: "--allow-net" },
  );
  await programFails(["camera", file], `Not permitted: ${needs("net", "127.0.0.1:0")}`, { without: "--allow-net" });
  await programFails(["demo"], `Not permitted: ${needs("run", Deno.execPath())}`, {
    without: "--allow-run",
    said: STARTING,
  });
});

Deno.test({
  name: "millrace demo says that /dev/shm is full, and leaves nothing in it",
  // Only root may have a /dev/shm of its own.
  ignore: !CAN_UNSHARE,
  async fn() {
    const { args, command } = inSmallShm(["demo", "--seconds", "3"]);
    const { code, stdout, stderr } = await outcomeOf(new Deno.Command(command, { args, stdin: "null" }));
    assertMatch(
      stderr,
      /^Cannot create ring "demo-1": it takes 1\.5 MiB, and \/dev\/shm has 0\.1 MiB free; use fewer slots or smaller frames, or enlarge it \(with Docker: --shm-size\)\n$/,
    );
    assertEquals({ code, stdout }, { code: 1, stdout: STARTING + "left:\n" });
  },
});

Deno.test("millrace says in one sentence what is wrong with a command line, and how to see what is right", async () => {
  await Promise.all([
    isWrong(["watch"], "Unknown command 'watch'; see: millrace --help"),
    isWrong(["shm", "lst"], "Unknown command 'lst' (did you mean list?); see: millrace shm --help"),
    isWrong(["probe"], "Missing required argument 'url'; see: millrace probe --help"),
    isWrong(
      ["probe", "rtsp://127.0.0.1/", "--usr", "a"],
      "Unknown option '--usr' (did you mean --user?); see: millrace probe --help",
    ),
  ]);
  await Promise.all([
    isWrong(
      ["probe", "rtsp://127.0.0.1/", "--transport", "ip"],
      "Option --transport <name> cannot be 'ip': allowed choices are auto, udp, tcp; see: millrace probe --help",
    ),
    isWrong(
      ["demo", "--seconds", "soon"],
      "Option --seconds <number> cannot be 'soon': expected a number above 0, 1000000 at most; see: millrace demo --help",
    ),
    isWrong(
      ["shm", "read", "a", "--json", "--out", "-"],
      "Cannot print JSON and write what the ring holds: choose --json or --out",
    ),
    isWrong(["demo", "now"], "Too many arguments for demo: expected 0, got 1; see: millrace demo --help"),
  ]);
});

Deno.test("millrace shows no password of an address that is none", async () => {
  const what = "it does not begin with rtsp://, rtsps://, http:// or https://";
  await Promise.all([
    isWrong(["probe", `ftp://viewer:${SECRET}@cam/a`], `Cannot read address "ftp://viewer:***@cam/a": ${what}`),
    isWrong(["demo", "--camera", `viewer:${SECRET}@cam/a`], `Cannot read address "viewer:***@cam/a": ${what}`),
    isWrong(["decode", `rtmps://viewer:${SECRET}@cam/a`], `Cannot read address "rtmps://viewer:***@cam/a": ${what}`),
  ]);
});
