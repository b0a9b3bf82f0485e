import { ERRNO } from "../../ffi/errno.ts";
import type { NativeLibrary } from "../../ffi/load.ts";
import { shmError } from "./shm_error.ts";

/** Every name in shared memory that a ring could have. */
export function listNames(library: NativeLibrary): string[] {
  const { symbols } = library;
  let names = new Uint8Array(65_536);
  let length = symbols.mr_shm_list(names, names.length);
  while (length === -ERRNO.ENOBUFS) {
    names = new Uint8Array(names.length * 4);
    length = symbols.mr_shm_list(names, names.length);
  }
  if (length < 0) throw shmError("Cannot list the rings", length);
  return new TextDecoder().decode(names.subarray(0, length)).split("\0").filter((name) => name !== "");
}
