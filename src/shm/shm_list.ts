import { ShmError } from "../media/mod.ts";
import { RingReader } from "../ring/mod.ts";
import { libraryPath, loadLibrary, type NativeLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { describeRing, type ShmInfo } from "./ring_info.ts";
import { shmError } from "./shm_error.ts";
import { ShmRingMemory } from "./shm_memory.ts";
import { listNames } from "./shm_names.ts";
import { cellName, listValkka } from "./valkka/list.ts";

/**
 * The rings in shared memory that this user may read, of both protocols and of any writer; what is no ring is left out.
 *
 * Needs `--allow-ffi=<library>`.
 */
export async function listRings(): Promise<ShmInfo[]> {
  const library = loadLibrary(await libraryPath());
  const names = listNames(library);
  const rings = [...names.flatMap((name) => ringOf(library, name) ?? []), ...listValkka(library, names)];
  countReaders(library, rings);
  return rings.sort((a, b) => a.name.localeCompare(b.name));
}

function ringOf(library: NativeLibrary, name: string): ShmInfo | null {
  const { symbols } = library;
  const handle = symbols.mr_shm_open(cString(name), 0);
  if (handle < 0) return null;
  try {
    const reader = new RingReader(new ShmRingMemory(library, handle), { start: "latest" });
    const { totalBytes: bytes, policy, cellBytes, arenaBytes } = reader.header;
    const maxBytes = policy === "fixed" ? cellBytes : arenaBytes;
    return describeRing(reader, {
      name,
      protocol: "millrace",
      alive: symbols.mr_shm_owner(handle) === 1,
      bytes,
      maxBytes,
    });
  } catch (error) {
    if (!(error instanceof ShmError)) throw error;
    return null;
  } finally {
    symbols.mr_close(handle);
  }
}

/** Fills in who reads them, all in one look at the processes there are. */
function countReaders(library: NativeLibrary, rings: readonly ShmInfo[]): void {
  if (rings.length === 0) return;
  const objects = rings.map(({ protocol, name }) => protocol === "valkka" ? cellName(name) : name);
  const bytes = new TextEncoder().encode(objects.map((name) => name + "\0").join(""));
  const readers = new Uint32Array(rings.length), unseen = new Uint32Array(1);
  const result = library.symbols.mr_shm_readers(bytes, bytes.length, readers, readers.length, unseen);
  if (result < 0) throw shmError("Cannot look for the readers of the rings", result);
  for (const [i, ring] of rings.entries()) {
    ring.readers = readers[i];
    ring.allReaders = unseen[0] === 0;
  }
}
