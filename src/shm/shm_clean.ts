import { HEADER, MAGIC } from "../ring/mod.ts";
import { libraryPath, loadLibrary, type NativeLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import type { ShmInfo } from "./ring_info.ts";
import { listRings } from "./shm_list.ts";
import { listNames } from "./shm_names.ts";
import { ringOfSide, sideName } from "./valkka/layout.ts";
import { livingRival } from "./valkka/rivals.ts";

/** A version of the layout beyond this is no version: the file is somebody else's. */
const MOST_VERSIONS = 65_535;

/** What a dead writer left. */
export interface LeftRing {
  name: string;
  protocol: ShmInfo["protocol"];
  /** Bytes of shared memory that it takes. */
  bytes: number;
}

/**
 * Takes away what dead writers left, of both protocols; never what a living one has, and nothing that is no ring. A ring of ours
 * is dead when nobody holds its lock, one of a libValkka server when no process has its cells mapped to write, as far as this
 * user may look.
 *
 * Needs `--allow-ffi=<library>`.
 *
 * @param options.dryRun only says what there is to take away. @default {false}
 * @returns what was taken away, in the order of the names.
 */
export async function cleanRings(options: { dryRun?: boolean } = {}): Promise<LeftRing[]> {
  const library = loadLibrary(await libraryPath());
  const left: LeftRing[] = [];
  for (const { name, protocol, bytes, slots, writer } of await listRings()) {
    if (protocol !== "valkka" || writer === "alive" || isAlive(library, sideName(name))) continue;
    if (livingRival(library, name, slots) !== null) continue;
    if (options.dryRun || removeValkka(library, name, slots)) left.push({ name, protocol, bytes });
  }
  // By the lock, the magic and a version alone: what is left may be damaged.
  for (const name of listNames(library)) {
    const bytes = leftBytes(library, name);
    if (bytes === null) continue;
    if (!options.dryRun && library.symbols.mr_shm_reap(cString(name)) !== 1) continue;
    const ring = ringOfSide(name);
    if (ring === null) left.push({ name, protocol: "millrace", bytes });
  }
  return left.sort((a, b) => a.name.localeCompare(b.name));
}

function isAlive(library: NativeLibrary, name: string): boolean {
  const handle = library.symbols.mr_shm_open(cString(name), 0);
  if (handle < 0) return false;
  const owner = library.symbols.mr_shm_owner(handle);
  library.symbols.mr_close(handle);
  return owner === 1;
}

/** Bytes of a ring of ours, or of the segment beside a libValkka ring, that nobody owns; null where it is something else. */
function leftBytes(library: NativeLibrary, name: string): number | null {
  const { symbols } = library;
  const handle = symbols.mr_shm_open(cString(name), 0);
  if (handle < 0) return null;
  try {
    const begin = new Uint8Array(HEADER.headerBytes), size = new BigUint64Array(1);
    if (symbols.mr_mem_read(handle, 0, begin, begin.length) < 0) return null;
    const version = new DataView(begin.buffer).getUint32(HEADER.version, true);
    if (new TextDecoder().decode(begin.subarray(0, MAGIC.length)) !== MAGIC || version > MOST_VERSIONS) return null;
    if (symbols.mr_shm_owner(handle) !== 0 || symbols.mr_shm_size(handle, size) < 0) return null;
    return Number(size[0]);
  } finally {
    symbols.mr_close(handle);
  }
}

/** Takes the objects of a ring away; false where this user may not. */
function removeValkka(library: NativeLibrary, name: string, cells: number): boolean {
  const { symbols } = library;
  if (symbols.mr_valkka_clear(cString(name), 0, cells) < 0) return false;
  for (const suffix of ["_valkka_ringbuffer", "_valkka_ringflag"]) symbols.mr_sem_unlink(cString(name + suffix));
  return true;
}
