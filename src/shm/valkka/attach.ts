import { ShmError } from "../../media/mod.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { NativeLibrary } from "../../../ffi/load.ts";
import { cString } from "../../../ffi/symbols.ts";
import { shmError } from "../shm_error.ts";
import { ForeignSource } from "./foreign_source.ts";
import { describe, META_BYTES, sameMeasures, VALKKA_KIND, type ValkkaMeasures } from "./layout.ts";
import { hasMoreCells } from "./rivals.ts";
import { openSide, SideSource } from "./side_source.ts";
import type { ValkkaSource } from "./source.ts";

/** A ring that was found, or why there is none that can be read yet. */
export type Attached = { source: ValkkaSource } | { missing: ShmError };

/**
 * Attaches to a ring of that name, whoever writes it.
 *
 * @param start with our own writer: the newest record, or the oldest that is there.
 * @returns `missing` where it may be there in a moment: servers make their cells one after the other.
 * @throws {ShmError} `size` where it is there, and is another ring than the reader was told; `permission`.
 */
export function attach(
  library: NativeLibrary,
  name: string,
  wanted: ValkkaMeasures,
  start: "latest" | "oldest",
): Attached {
  const action = `Cannot open ring "${name}"`;
  const side = openSide(library, name);
  if (side) {
    if (!sameMeasures(side.measures, wanted)) {
      library.symbols.mr_close(side.handle);
      throw new ShmError(
        "size",
        `${action}: it has ${describe(side.measures)}, and was asked for with ${describe(wanted)}`,
      );
    }
    const source = SideSource.attach(library, name, side, start);
    return source ? { source } : { missing: notThere(action) };
  }
  const { kind, cells, cellBytes } = wanted;
  const found = new BigUint64Array(3);
  const handle = library.symbols.mr_valkka_open(cString(name), VALKKA_KIND[kind], cells, cellBytes, 1, found);
  const [cell, segment, bytes] = [...found].map(Number);
  if (handle === -ERRNO.ENOENT) {
    if (cell === 0) return { missing: notThere(action) };
    const message = `${action}: it has ${cell} cells, and was asked for with ${describe(wanted)}`;
    return { missing: new ShmError("size", message, { errno: ERRNO.ENOENT }) };
  }
  if (handle === -ERRNO.EMSGSIZE) {
    const has = segment === 0
      ? `cell ${cell} has ${bytes} bytes`
      : `the metadata of cell ${cell} have ${bytes} bytes (${kindOfMeta(bytes)})`;
    const asked = segment === 0
      ? describe(wanted)
      : `${META_BYTES[kind]} bytes of metadata (${kindOfMeta(META_BYTES[kind])})`;
    const error = new ShmError("size", `${action}: ${has}, and it was asked for with ${asked}`, {
      errno: ERRNO.EMSGSIZE,
    });
    // A segment has no size for a moment when it is made.
    if (bytes === 0) return { missing: error };
    throw error;
  }
  if (handle < 0) throw shmError(action, handle);
  if (hasMoreCells(library, name, cells)) {
    library.symbols.mr_close(handle);
    throw new ShmError(
      "size",
      `${action}: it has more than ${cells} cells, and was asked for with ${describe(wanted)}`,
    );
  }
  return { source: new ForeignSource(library, handle, name, wanted) };
}

function notThere(action: string): ShmError {
  return shmError(action, -ERRNO.ENOENT);
}

function kindOfMeta(bytes: number): string {
  return bytes === META_BYTES.bytes
    ? "a ring of bytes"
    : bytes === META_BYTES.frames
    ? "pictures or boxes"
    : "no ring's";
}
