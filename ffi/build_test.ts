import { assert, assertEquals, assertRejects } from "@std/assert";
import { buildLibrary } from "./build.ts";
import { TEST_CACHE, TEST_LIBRARY } from "./testing.ts";

Deno.test("buildLibrary() gives the same build again without compiling", async () => {
  const before = (await Deno.stat(TEST_LIBRARY)).mtime;
  const steps: number[] = [];
  const { libraryPath, hash } = await buildLibrary({
    cacheDir: TEST_CACHE,
    onProgress: ({ done }) => steps.push(done),
  });
  assertEquals(libraryPath, TEST_LIBRARY);
  assert(libraryPath.includes(hash));
  assertEquals((await Deno.stat(libraryPath)).mtime, before);
  assertEquals(steps, [0, 1]);
});

Deno.test("buildLibrary() by several at once leaves one whole build and nothing beside it", async () => {
  const cacheDir = await Deno.makeTempDir();
  try {
    const built = await Promise.all([1, 2, 3].map(() => buildLibrary({ cacheDir })));
    assertEquals(new Set(built.map(({ libraryPath }) => libraryPath)).size, 1);
    assertEquals([...Deno.readDirSync(cacheDir)].map(({ name }) => name), [`ffi-${built[0].hash}`]);
    assertEquals([...Deno.readDirSync(`${cacheDir}/ffi-${built[0].hash}`)].map(({ name }) => name), ["libmillrace.so"]);
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
});

Deno.test("buildLibrary() rejects with the signal's reason and leaves nothing", async () => {
  const cacheDir = await Deno.makeTempDir();
  const ending = new AbortController();
  try {
    const building = buildLibrary({ cacheDir, signal: ending.signal });
    // The compiler needs longer than this by far: by then it runs.
    setTimeout(() => ending.abort(new Error("enough")), 100);
    await assertRejects(() => building, Error, "enough");
    assertEquals([...Deno.readDirSync(cacheDir)], []);
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
});

Deno.test("buildLibrary() says which packages it needs where there is no compiler", async () => {
  const cacheDir = await Deno.makeTempDir();
  const script = `
    import { buildLibrary } from ${JSON.stringify(new URL("./build.ts", import.meta.url).href)};
    try { await buildLibrary({ cacheDir: ${JSON.stringify(cacheDir)} }); }
    catch (error) { console.log(error.name, error.code, error.message); }`;
  try {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=ts", script],
      env: { PATH: "/nowhere" },
    }).output();
    assertEquals(
      new TextDecoder().decode(stdout).trim(),
      "SetupError library Cannot build the C library: there is no C compiler (cc); run: apt-get install gcc libc6-dev",
    );
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
});

Deno.test("buildLibrary() shows the compiler's last lines where it fails", async () => {
  const cacheDir = await Deno.makeTempDir();
  // A compiler that has a version and nothing else.
  await Deno.writeTextFile(
    `${cacheDir}/cc`,
    '#!/bin/sh\n[ "$1" = --version ] && echo 1 && exit\necho "no such luck" >&2\nexit 3\n',
    { mode: 0o755 },
  );
  const script = `
    import { buildLibrary } from ${JSON.stringify(new URL("./build.ts", import.meta.url).href)};
    try { await buildLibrary({ cacheDir: ${JSON.stringify(`${cacheDir}/out`)} }); }
    catch (error) { console.log(error.name, error.message); }`;
  try {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=ts", script],
      env: { PATH: `${cacheDir}:${Deno.env.get("PATH")}` },
    }).output();
    assertEquals(
      new TextDecoder().decode(stdout).trim(),
      "SetupError Cannot build the C library: cc gave 3:\nno such luck",
    );
    assertEquals([...Deno.readDirSync(`${cacheDir}/out`)], []);
  } finally {
    await Deno.remove(cacheDir, { recursive: true });
  }
});
