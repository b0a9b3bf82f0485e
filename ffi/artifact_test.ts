import { assert, assertEquals, assertRejects } from "@std/assert";
import { SetupError } from "../src/media/errors.ts";
import { artifact, type ArtifactKind } from "./artifact.ts";

/** A folder with a list of artifacts in it, and a cache beside. */
async function withFolder(run: (folder: string, list: URL) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "millrace #1 100% " });
  try {
    await run(folder, new URL(`file://${folder.split("/").map(encodeURIComponent).join("/")}/artifacts.json`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const BYTES = new TextEncoder().encode("built");
const SHA256 = new Uint8Array(await crypto.subtle.digest("SHA-256", BYTES)).toHex();

/** A release as a web server offers it; gives how often each file was asked for. */
async function served(
  files: Record<string, string | Uint8Array<ArrayBuffer>>,
  run: (base: string, asked: Map<string, number>) => Promise<void>,
): Promise<void> {
  const asked = new Map<string, number>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked.set(pathname, (asked.get(pathname) ?? 0) + 1);
    const body = files[pathname];
    const type = pathname.endsWith(".json") ? "application/json" : "application/octet-stream";
    return body === undefined ? new Response(null, { status: 404 }) : new Response(body, {
      headers: { "content-type": type },
    });
  });
  try {
    await run(`http://127.0.0.1:${server.addr.port}`, asked);
  } finally {
    await server.shutdown();
  }
}

Deno.test("artifact() finds what was built here, in a folder of any name", async () => {
  await withFolder(async (folder, list) => {
    const path = `${folder}/libmillrace.so`;
    await Deno.writeFile(path, BYTES);
    await Deno.writeTextFile(`${folder}/artifacts.json`, JSON.stringify({ library: path }));
    const found = await artifact("library", { list });
    assertEquals(await found.path(), path);
    assertEquals(await found.bytes(), BYTES);
    const missing = await assertRejects(() => artifact("wasm", { list }), SetupError);
    assertEquals(missing.code, "module");
    assertEquals(missing.message, "Cannot load the WebAssembly module: it is not built; run: deno task build");
  });
});

Deno.test("artifact() says that nothing is built where there is no list", async () => {
  await withFolder(async (_, list) => {
    for (const [kind, noun] of [["library", "C library"], ["wasm", "WebAssembly module"]] as [ArtifactKind, string][]) {
      const error = await assertRejects(() => artifact(kind, { list }), SetupError);
      assertEquals(error.message, `Cannot load the ${noun}: it is not built; run: deno task build`);
    }
  });
});

Deno.test("artifact() says that the list may not be read", { permissions: "none" }, async () => {
  const error = await assertRejects(() => artifact("library", { list: new URL("file:///a/b.json") }), SetupError);
  assertEquals(error.code, "permission");
  assert(error.message.includes("read access"), error.message);
});

/**
 * The library's path, or why there is none, as a program that was imported from afar would get it: in a process of its own, because a list
 * that is imported is written into the lock file.
 */
async function pathElsewhere(list: string, cacheDir: string): Promise<string> {
  const script = `
    import { artifact } from ${JSON.stringify(new URL("./artifact.ts", import.meta.url).href)};
    const options = { list: new URL(${JSON.stringify(list)}), cacheDir: ${JSON.stringify(cacheDir)} };
    try { console.log(await (await artifact("library", options)).path()); }
    catch (error) { console.log(error.name + " " + error.code + ": " + error.message); }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", "--no-config", "--ext=ts", script],
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

Deno.test("artifact() copies a release's file into the cache once, and mends a damaged copy", async () => {
  const list = JSON.stringify({ library: { url: "../native/lib.so", sha256: SHA256 } });
  await withFolder(async (folder) => {
    await served({ "/r/.millrace/artifacts.json": list, "/r/native/lib.so": BYTES }, async (base, asked) => {
      const again = () => pathElsewhere(`${base}/r/.millrace/artifacts.json`, `${folder}/cache`);
      const path = await again();
      assertEquals(path, `${folder}/cache/${SHA256}/libmillrace.so`);
      assertEquals(await Deno.readFile(path), BYTES);
      assertEquals((await Deno.stat(path)).mode! & 0o077, 0, "nobody else's business");
      assertEquals(await again(), path);
      assertEquals(asked.get("/r/native/lib.so"), 1);
      await Deno.writeTextFile(path, "damaged");
      assertEquals(await again(), path);
      assertEquals(await Deno.readFile(path), BYTES);
      assertEquals([...Deno.readDirSync(`${folder}/cache/${SHA256}`)].map(({ name }) => name), ["libmillrace.so"]);
    });
  });
});

Deno.test("artifact() takes nothing from afar that has no checksum, or another one, or is not there", async () => {
  const files = {
    "/bare.json": JSON.stringify({ library: "lib.so" }),
    "/other.json": JSON.stringify({ library: { url: "lib.so", sha256: "0".repeat(64) } }),
    "/gone.json": JSON.stringify({ library: { url: "gone.so", sha256: SHA256 } }),
    "/lib.so": BYTES,
  };
  await withFolder(async (folder) => {
    await served(files, async (base) => {
      const failure = (list: string) => pathElsewhere(`${base}/${list}`, folder);
      assertEquals(
        await failure("bare.json"),
        `SetupError library: Cannot load the C library: ${base}/bare.json has no checksum for it`,
      );
      assertEquals(
        await failure("other.json"),
        `SetupError library: Cannot load the C library: ${base}/lib.so is not what the release was made with (its checksum differs)`,
      );
      assertEquals(
        await failure("gone.json"),
        `SetupError library: Cannot load the C library: ${base}/gone.so cannot be fetched: the server answered 404`,
      );
      assertEquals([...Deno.readDirSync(folder)], []);
    });
  });
});
