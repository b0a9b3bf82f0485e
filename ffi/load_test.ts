import { assert, assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import { SetupError } from "../src/media/errors.ts";
import { COMPILE_FLAGS, LINK_FLAGS } from "./build.ts";
import { libraryPath, loadLibrary } from "./load.ts";
import { nativeTest, TEST_LIBRARY } from "./testing.ts";

nativeTest("loadLibrary() opens a library once", () => {
  const library = loadLibrary(TEST_LIBRARY);
  assertStrictEquals(loadLibrary(TEST_LIBRARY), library);
  assertEquals(library.path, TEST_LIBRARY);
});

Deno.test("loadLibrary() says that the library is missing and how to build it", () => {
  const error = assertThrows(() => loadLibrary("/nowhere/libmillrace.so"), SetupError);
  assertEquals(error.code, "library");
  assertEquals(error.message, "Cannot load the C library: there is no /nowhere/libmillrace.so; run: deno task build");
});

Deno.test("loadLibrary() names the flag where it may not call the library", { permissions: "none" }, () => {
  const path = "/elsewhere/libmillrace.so";
  const error = assertThrows(() => loadLibrary(path), SetupError);
  assertEquals(error.code, "permission");
  assert(error.message.endsWith(`run it with --allow-ffi=${path}`), error.message);
});

Deno.test("loadLibrary() refuses a file that is no library", async () => {
  const path = await Deno.makeTempFile({ suffix: ".so" });
  try {
    await Deno.writeTextFile(path, "not a library");
    const error = assertThrows(() => loadLibrary(path), SetupError);
    assertEquals(error.code, "library");
    assert(error.message.startsWith(`Cannot load the C library ${path}: `), error.message);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("loadLibrary() tells an older interface by its version, not by what it lacks", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(
      `${folder}/old.c`,
      '__attribute__((visibility("default"))) unsigned mr_abi(void);\nunsigned mr_abi(void) { return 4711; }\n',
    );
    const args = [...COMPILE_FLAGS, ...LINK_FLAGS, "-o", `${folder}/old.so`, `${folder}/old.c`];
    assert((await new Deno.Command("cc", { args }).output()).success);
    const error = assertThrows(() => loadLibrary(`${folder}/old.so`), SetupError);
    assertEquals(error.code, "library");
    assert(error.message.includes("its interface has version 4711, this program needs 1"), error.message);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("libraryPath() says that the list of what was built may not be read", { permissions: "none" }, async () => {
  assertEquals((await assertRejects(libraryPath, SetupError)).code, "permission");
});

Deno.test("libraryPath() looks again where it found nothing, as above, and remembers what it found", async () => {
  const found = libraryPath();
  assert(loadLibrary(await found).symbols.mr_abi() > 0);
  assertStrictEquals(libraryPath(), found);
});
