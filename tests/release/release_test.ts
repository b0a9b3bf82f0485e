import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { makeClip, VirtualCamera } from "../../src/camera/mod.ts";
import { cacheFolder } from "../../src/cli/cache_folder.ts";
import { ServedFolder } from "./serve.ts";

const PROJECT = decodeURIComponent(new URL("../../", import.meta.url).pathname).replace(/\/$/, "");

/** A camera's frames by way of another memory, and what an analysis says of them, all of it by URL. */
const program = (base: string) => `
  import { decode, openRtsp, scale, ShmReader, ShmWriter, startAnalysis } from "${base}/mod.ts";
  import type { Motion } from "${base}/examples/motion.ts";

  const shape = { width: 320, height: 180, format: "GRAY8" } as const;
  const name = "release-" + Deno.pid;
  await using camera = await openRtsp(Deno.args[0], { transport: "tcp" });
  await using frames = camera.video.branch().pipe(decode());
  await using ring = await ShmWriter.create(name, shape);
  const written = frames.branch().pipe(scale(shape)).pipeTo(ring);
  await using motion = await startAnalysis<Motion>("${base}/examples/motion.ts", {
    input: frames.branch().pipe(scale(shape)),
    permissions: "none",
  });
  let read = 0, moved = 0;
  const results = (async () => {
    for await (const { motion: it } of motion) if (it && ++moved >= 3) break;
  })();
  for await (using frame of await ShmReader.open(name, { mode: "every" })) {
    if (frame.width === shape.width && frame.planes[0].data.some((byte) => byte > 0) && ++read >= 10) break;
  }
  await results;
  await frames[Symbol.asyncDispose]();
  await written;
  console.log(JSON.stringify({ read, moved }));`;

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "millrace-release-" });
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function release(out: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-lock", `${PROJECT}/tools/release.ts`, "--out", out],
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

Deno.test("a program imports a release by URL: with empty caches, without a compiler or npm, then without the server", async () => {
  await inFolder(async (folder) => {
    const made = await release(`${folder}/release`);
    assertEquals(made.code, 0, made.stderr);
    const server = new ServedFolder(`${folder}/release`);
    await using stack = new AsyncDisposableStack();
    const served = stack.use(server);
    const camera = stack.use(
      await VirtualCamera.start({ files: { clock: await makeClip({ cacheDir: cacheFolder() }) } }),
    );
    await Deno.mkdir(`${folder}/program`);
    await Deno.writeTextFile(`${folder}/program/main.ts`, program(`http://${served.host}`));
    const cache = `${folder}/cache/millrace`;
    const run = async () => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--quiet", "--no-prompt", "--unstable-worker-options"],
          `--allow-import=${served.host}`,
          `--allow-net=${served.host},127.0.0.1:${camera.port}`,
          ...[
            "--allow-env=XDG_CACHE_HOME,HOME",
            `--allow-read=${cache}`,
            `--allow-write=${cache}`,
            `--allow-ffi=${cache}`,
          ],
          `--allow-run=${Deno.execPath()}`,
          "main.ts",
          camera.url("clock"),
        ],
        cwd: `${folder}/program`,
        clearEnv: true,
        env: {
          HOME: `${folder}/home`,
          XDG_CACHE_HOME: `${folder}/cache`,
          DENO_DIR: `${folder}/deno`,
          // Nothing is on the path, and there is no registry.
          PATH: `${folder}/empty`,
          NPM_CONFIG_REGISTRY: "http://127.0.0.1:1",
          NO_COLOR: "1",
        },
      }).output();
      return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
    };

    // What is not what it was made with is not used.
    const library = "/artifacts/libmillrace.so";
    server.instead.set(library, new TextEncoder().encode("somebody else's"));
    const refused = await run();
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.stderr, "is not what the release was made with");
    server.instead.clear();

    const first = await run();
    assertEquals(first.stderr, "");
    assertEquals(JSON.parse(first.stdout), { read: 10, moved: 3 });
    assert(server.asked.get("/artifacts/millrace.wasm") === 1, "the module came from the release");
    assert(![...server.asked.keys()].some((path) => path.startsWith("/src/cli")), "what is not needed is not fetched");

    const asked = [...server.asked.values()].reduce((sum, count) => sum + count, 0);
    const second = await run();
    assertEquals([second.stderr, second.code], ["", 0]);
    assertEquals(JSON.parse(second.stdout), { read: 10, moved: 3 });
    assertEquals(
      [...server.asked.values()].reduce((sum, count) => sum + count, 0),
      asked,
      "all of it is in the caches",
    );
  });
});

Deno.test("task release writes the same bytes each time, in the place of an earlier release and of nothing else", async () => {
  await inFolder(async (folder) => {
    await release(`${folder}/one`);
    const sums = await Deno.readTextFile(`${folder}/one/SHA256SUMS`);
    assertEquals((await release(`${folder}/one`)).code, 0);
    assertEquals(await Deno.readTextFile(`${folder}/one/SHA256SUMS`), sums);
    const check = await new Deno.Command("sha256sum", {
      args: ["--check", "--quiet", "SHA256SUMS"],
      cwd: `${folder}/one`,
    })
      .output();
    assertEquals(check.code, 0);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
    assertEquals(names, ["one"], "nothing half done is left");

    await Deno.mkdir(`${folder}/mine`);
    await Deno.writeTextFile(`${folder}/mine/thesis.txt`, "");
    const { code, stderr } = await release(`${folder}/mine`);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "it has files that are no release");
    assertEquals([...Deno.readDirSync(`${folder}/mine`)].length, 1);
  });
});
