import { HEADER } from "../../ring/mod.ts";
import type { NativeLibrary } from "../../../ffi/load.ts";
import { cString } from "../../../ffi/symbols.ts";
import { ShmRingMemory } from "../shm_memory.ts";
import { listNames } from "../shm_names.ts";
import { collision, ringOfSide, ringsOfCell } from "./layout.ts";

/**
 * Who is in the way of a ring of that name, as the end of a sentence; null where nobody is. Writers of Millrace are known by their locks;
 * libValkka's servers, which leave no word of themselves, by what they have mapped, where this user may see it.
 */
export function livingRival(library: NativeLibrary, name: string, cells: number): string | null {
  const { symbols } = library;
  for (const side of listNames(library)) {
    const other = ringOfSide(side);
    if (other === null || other === name) continue;
    const handle = symbols.mr_shm_open(cString(side), 0);
    if (handle < 0) continue;
    try {
      const memory = new ShmRingMemory(library, handle);
      if (memory.byteLength < HEADER.head || symbols.mr_shm_owner(handle) !== 1) continue;
      const both = collision({ name, cells }, { name: other, cells: memory.load32(HEADER.slots) });
      if (both === null) continue;
      return `the object ${both}_valkka_payload would be a cell of it and of ring "${other}" ` +
        `of process ${memory.load32(HEADER.pid)}`;
    } finally {
      symbols.mr_close(handle);
    }
  }
  const pid = symbols.mr_valkka_server(cString(name), 0, cells);
  if (pid > 0) return `process ${pid} is writing it, or a ring that has a cell of the same name`;
  return null;
}

/** Whether a ring has semaphores: the least that a server of libValkka's leaves. */
export function hasSemaphores(library: NativeLibrary, name: string): boolean {
  const handle = library.symbols.mr_sem_open(cString(`${name}_valkka_ringbuffer`), 0, 0, 0);
  if (handle < 0) return false;
  library.symbols.mr_close(handle);
  return true;
}

/**
 * Whether a living server has more cells than a reader was told: one that has the first of them mapped has the next one, too, and no ring
 * of another name can be meant by it.
 */
export function hasMoreCells(library: NativeLibrary, name: string, cells: number): boolean {
  const { symbols } = library;
  const server = symbols.mr_valkka_server(cString(name), 0, 1);
  if (server <= 0 || symbols.mr_valkka_server(cString(name), cells, cells + 1) !== server) return false;
  return ringsOfCell(`${name}${cells}`).every((ring) => ring.name === name || !hasSemaphores(library, ring.name));
}
