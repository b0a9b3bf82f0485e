import { buildLibrary } from "./build.ts";
import { loadLibrary } from "./load.ts";
import { cString, type NativeSymbols } from "./symbols.ts";

/** Where this checkout keeps what its tests build. */
export const TEST_CACHE = decodeURIComponent(new URL("../.millrace/build", import.meta.url).pathname);

/** The library under test, built from the sources as they are. */
export const TEST_LIBRARY = (await buildLibrary({ cacheDir: TEST_CACHE })).libraryPath;

/** A test of the real library, which may call that one file and do nothing else but what `more` says. */
export function nativeTest(
  name: string,
  run: (library: NativeSymbols) => void | Promise<void>,
  more: Deno.PermissionOptionsObject = {},
): void {
  const permissions = { ...more, ffi: [TEST_LIBRARY] };
  Deno.test({ name, permissions, fn: () => run(loadLibrary(TEST_LIBRARY).symbols) });
}

/** A name in /dev/shm that no other test has. */
export function freshName(): Uint8Array<ArrayBuffer> {
  return cString(`millrace-test-${crypto.randomUUID()}`);
}
