import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";

/*
 * The build's own logic, with a toolchain of small shell scripts in the place of compilers and package tools: what is
 * kept, what is found again, and what remains of a build that fails, is killed, or has company.
 */

const START = `#!/bin/sh
echo "\${0##*/} $*" >>"$FAKE_LOG"
`;
/** Sets `out` to what follows `-o`. */
const OUT = `for word; do [ "$last" = -o ] && out=$word; last=$word; done\n`;
const TOOLS: Record<string, string> = {
  "emcc": `[ "$1" = --version ] && { echo "emcc $FAKE_COMPILER"; exit; }\n${OUT}echo object >"$out"`,
  "apt-get": `
case "$*" in
  *" update") [ "$FAKE_APT" = fail ] && [ ! -e "$FAKE_LOG.failed" ] && { : >"$FAKE_LOG.failed"; exit 100; };;
  *" source "*) : >ffmpeg.dsc;;
esac
exit 0`,
  "apt-cache": `echo "Version: \${FAKE_VERSION:-7:5.1}"`,
  "dpkg-source": `mkdir source; printf '#!/bin/sh\\n' >source/configure; chmod +x source/configure`,
  "make": `
for i in 1 2 3 4 5; do echo "CC part$i.o"; done
case "$FAKE_MAKE" in
  fail) for i in 1 2 3; do echo "fault $i" >&2; done; exit 2;;
  hang) echo $$ >"$FAKE_LOG.hangs"; exec sleep 60;;
  slow) sleep 0.3;;
esac
for library in avcodec swscale avutil; do mkdir -p lib$library; echo library >lib$library/lib$library.a; done`,
  "wasm-opt": `${OUT}echo "module by $FAKE_COMPILER" >"$out"`,
};
/** What those scripts are made of; nothing else can be found, as on a machine without a compiler. */
const BARE = ["sh", "mkdir", "chmod", "sleep"];
const LINKER = `${OUT}echo linked >"$out"`;

interface Outcome {
  path?: string;
  hash?: string;
  text?: string;
  error?: string;
  code?: string;
  progress: number[];
}

interface StartOptions {
  /** Another copy of build.ts. */
  build?: URL;
  make?: string;
  apt?: "fail";
  /** Of FFmpeg, in the package sources. */
  version?: string;
  compiler?: string;
  abortAfter?: number;
  update?: boolean;
  /** Tries a second time in the same process where the first fails. */
  again?: boolean;
}

/** A folder with the tools, a cache, and a log of what was run. */
class Workshop implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Workshop> {
    const folder = await Deno.makeTempDir({ prefix: "millrace-build-" });
    await Deno.mkdir(`${folder}/bin`);
    await Deno.mkdir(`${folder}/temporary`);
    await Deno.writeTextFile(`${folder}/log`, "");
    for (const name of BARE) await Deno.symlink(`/bin/${name}`, `${folder}/bin/${name}`);
    const tools = { ...TOOLS };
    // The build takes the linker's name from /usr/bin, where Debian adds a version to it.
    for await (const { name } of Deno.readDir("/usr/bin")) if (/^wasm-ld(-\d+)?$/.test(name)) tools[name] = LINKER;
    for (const [name, script] of Object.entries(tools)) {
      await Deno.writeTextFile(`${folder}/bin/${name}`, START + script + "\n", { mode: 0o755 });
    }
    return new Workshop(folder);
  }

  /** Starts a build in a process of its own. */
  start(options: StartOptions = {}): Deno.ChildProcess {
    const build = options.build ?? new URL("./build.ts", import.meta.url);
    const source = `
      import { buildWasm } from ${JSON.stringify(build.href)};
      const progress = [];
      const signal = ${options.abortAfter ? `AbortSignal.timeout(${options.abortAfter})` : "undefined"};
      const onProgress = ({ done }) => progress.push(done);
      let outcome;
      try {
        const cacheDir = ${JSON.stringify(`${this.folder}/cache`)};
        const build = () => buildWasm({ cacheDir, onProgress, signal, update: ${options.update ?? false} });
        const { wasmPath, hash } = await build()${options.again ? ".catch(build)" : ""};
        outcome = { path: wasmPath, hash, text: Deno.readTextFileSync(wasmPath) };
      } catch (error) {
        outcome = { error: error.name + ": " + error.message, code: error.code };
      }
      console.log(JSON.stringify({ ...outcome, progress }));`;
    return new Deno.Command(Deno.execPath(), {
      args: ["eval", "--ext=js", source],
      cwd: new URL("../", import.meta.url),
      env: {
        PATH: `${this.folder}/bin`,
        TMPDIR: `${this.folder}/temporary`,
        FAKE_LOG: `${this.folder}/log`,
        FAKE_MAKE: options.make ?? "",
        FAKE_APT: options.apt ?? "",
        FAKE_VERSION: options.version ?? "",
        FAKE_COMPILER: options.compiler ?? "1.0",
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  async build(options: Parameters<Workshop["start"]>[0] = {}): Promise<Outcome> {
    const { stdout, stderr } = await this.start(options).output();
    const text = new TextDecoder().decode(stdout);
    if (text === "") throw new Error(new TextDecoder().decode(stderr));
    return JSON.parse(text);
  }

  /** Names in the cache: finished builds, and what begins with a dot and is none. */
  async kept(): Promise<{ finished: string[]; partial: string[] }> {
    const names: string[] = [];
    for await (const { name } of Deno.readDir(`${this.folder}/cache`)) names.push(name);
    return {
      finished: names.filter((name) => !name.startsWith(".")).sort(),
      partial: names.filter((name) => name.startsWith(".")),
    };
  }

  /** The process of a `make` that hangs, once it does. */
  async hanging(): Promise<number> {
    for (;;) {
      const text = await Deno.readTextFile(`${this.folder}/log.hangs`).catch(() => "");
      if (text.endsWith("\n")) return Number(text);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** How often a tool was run; `emcc --version` is not counted. */
  async runs(tool: string): Promise<number> {
    const log = await Deno.readTextFile(`${this.folder}/log`);
    return log.split("\n").filter((line) => line.startsWith(`${tool} `) && !line.endsWith(" --version")).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("a build is found again, and nothing is compiled for it", async () => {
  await using workshop = await Workshop.open();
  const first = await workshop.build();
  assertEquals(first.text, "module by 1.0\n", first.error);
  assertEquals(first.path, `${workshop.folder}/cache/wasm-${first.hash}/millrace.wasm`);
  assertEquals(await workshop.runs("make"), 1);
  const compiled = await workshop.runs("emcc");
  assert(compiled > 0);

  const second = await workshop.build();
  assertEquals({ path: second.path, hash: second.hash, text: second.text }, {
    ...{ path: first.path, hash: first.hash, text: first.text },
  });
  assertEquals(await workshop.runs("make"), 1);
  assertEquals(await workshop.runs("emcc"), compiled);
  assertEquals(await workshop.runs("apt-get"), 2, "the lists, and the source, at the first build alone");
  const { finished, partial } = await workshop.kept();
  assertEquals(partial, []);
  assertEquals(finished.map((name) => name.split("-")[0]), ["ffmpeg", "wasm"]);
  assertEquals([...Deno.readDirSync(`${workshop.folder}/temporary`)], [], "temporary folders are gone");
});

Deno.test("progress only rises, from nothing to all", async () => {
  await using workshop = await Workshop.open();
  for (const steps of [6, 2]) {
    const { progress } = await workshop.build();
    assert(progress.length >= steps, progress.join(" "));
    assertEquals(progress[0], 0);
    assertEquals(progress.at(-1), 1);
    assertEquals(progress, [...progress].sort((a, b) => a - b));
  }
});

Deno.test("another compiler makes another build", async () => {
  await using workshop = await Workshop.open();
  const [one, two] = [await workshop.build(), await workshop.build({ compiler: "2.0" })];
  assertNotEquals(one.hash, two.hash);
  assertEquals(two.text, "module by 2.0\n", two.error);
  assertEquals(await workshop.runs("make"), 2);
});

Deno.test("whatever is compiled or linked in another way makes another build", async () => {
  await using workshop = await Workshop.open();
  const project = `${workshop.folder}/project`;
  await Deno.mkdir(`${project}/src/media`, { recursive: true });
  const root = new URL("../", import.meta.url);
  await Deno.mkdir(`${project}/ffi`);
  for (const file of ["src/media/errors.ts", "ffi/build_folder.ts"]) {
    await Deno.copyFile(new URL(file, root), `${project}/${file}`);
  }
  for (const folder of ["wasm", "wasm/kernels"]) {
    await Deno.mkdir(`${project}/${folder}`, { recursive: true });
    for await (const { name, isFile } of Deno.readDir(new URL(`${folder}/`, root))) {
      const path = `${folder}/${name}`;
      if (isFile && !name.endsWith("_test.ts")) await Deno.copyFile(new URL(path, root), `${project}/${path}`);
    }
  }
  const path = `${project}/wasm/configuration.ts`;
  const whole = await Deno.readTextFile(path);
  const build = new URL(`file://${project}/wasm/build.ts`);
  const hashes = new Set([(await workshop.build({ build })).hash]);
  // Each of these is one item of one of the lists.
  const items = ["--disable-network", "libswscale/libswscale.a", "-mbulk-memory", "libdlmalloc-mt.a", "--gc-sections"];
  for (const item of [...items, "--enable-simd"]) {
    await Deno.writeTextFile(path, whole.replace(`"${item}"`, `"${item}", "other"`));
    const { hash, error } = await workshop.build({ build });
    assertEquals(error, undefined);
    assertEquals(hashes.has(hash), false, `another ${item} makes another build`);
    hashes.add(hash);
  }
});

Deno.test("an update builds what the package sources have anew, and only then", async () => {
  await using workshop = await Workshop.open();
  const { hash, path } = await workshop.build();
  const built = async () =>
    JSON.parse(await Deno.readTextFile(path!.replace("millrace.wasm", "built-from.json"))).ffmpeg.version;
  await workshop.build({ update: true });
  assertEquals(await workshop.runs("make"), 1, "the same FFmpeg is not built twice");
  assertEquals(await built(), "7:5.1");

  await workshop.build({ version: "7:5.2" });
  assertEquals(await built(), "7:5.1", "nobody asked the package sources");
  const updated = await workshop.build({ version: "7:5.2", update: true });
  assertEquals({ hash: updated.hash, path: updated.path }, { hash, path }, updated.error);
  assertEquals(await workshop.runs("make"), 2);
  assertEquals(await built(), "7:5.2");
  assertEquals((await workshop.kept()).partial, []);
});

Deno.test("package lists that could not be had are asked for again", async () => {
  await using workshop = await Workshop.open();
  const failed = await workshop.build({ apt: "fail" });
  assertEquals(failed.code, "module", failed.error);
  await Deno.remove(`${workshop.folder}/log.failed`);
  const { text, error } = await workshop.build({ apt: "fail", again: true });
  assertEquals(text, "module by 1.0\n", error);
  assertEquals([...Deno.readDirSync(`${workshop.folder}/temporary`)], [], "temporary folders are gone");
});

Deno.test("a new bridge is linked to the FFmpeg that is there", async () => {
  await using workshop = await Workshop.open();
  const { hash } = await workshop.build();
  // What a change of the bridge's source means to the cache: FFmpeg is there, the module is not.
  await Deno.remove(`${workshop.folder}/cache/wasm-${hash}`, { recursive: true });
  assertEquals((await workshop.build()).text, "module by 1.0\n");
  assertEquals(await workshop.runs("make"), 1);
});

Deno.test("a build that fails shows its last lines and leaves nothing", async () => {
  await using workshop = await Workshop.open();
  const failed = await workshop.build({ make: "fail" });
  assertEquals(failed.code, "module");
  assertStringIncludes(failed.error!, "SetupError: Cannot build the decoder: make gave 2:");
  assertStringIncludes(failed.error!, "fault 1\nfault 2\nfault 3");
  assertEquals(await workshop.kept(), { finished: [], partial: [] });
  assertEquals((await workshop.build()).text, "module by 1.0\n");
});

Deno.test("a build that is aborted ends, and leaves nothing", async () => {
  await using workshop = await Workshop.open();
  const began = performance.now();
  const aborted = await workshop.build({ make: "hang", abortAfter: 1500 });
  assert(performance.now() - began < 20_000);
  assertStringIncludes(aborted.error!, "TimeoutError");
  assertEquals(await workshop.kept(), { finished: [], partial: [] });
});

Deno.test("a build that is killed is never taken for a finished one", async () => {
  await using workshop = await Workshop.open();
  const child = workshop.start({ make: "hang" });
  const hanging = await workshop.hanging();
  child.kill("SIGKILL");
  Deno.kill(hanging, "SIGKILL");
  await Promise.all([child.stdout.cancel(), child.stderr.cancel(), child.status]);
  assertEquals((await workshop.kept()).finished, []);
  assertEquals((await workshop.build()).text, "module by 1.0\n");
});

Deno.test("builds at the same time end with one and the same", async () => {
  await using workshop = await Workshop.open();
  const outcomes = await Promise.all([1, 2, 3].map(() => workshop.build({ make: "slow" })));
  for (const { path, text, error } of outcomes) {
    assertEquals(text, "module by 1.0\n", error);
    assertEquals(path, outcomes[0].path);
  }
  const { finished, partial } = await workshop.kept();
  assertEquals(finished.length, 2);
  assertEquals(partial, []);
});

Deno.test("a tool that is missing is named with the packages that bring it", async () => {
  for (const tool of ["emcc", "make"]) {
    await using workshop = await Workshop.open();
    await Deno.remove(`${workshop.folder}/bin/${tool}`);
    const { error, code } = await workshop.build();
    assertEquals(code, "module");
    assertStringIncludes(error!, `${tool} is missing; run: apt-get install emscripten make gcc`);
  }
});
