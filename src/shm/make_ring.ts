import { type RingPlan, ShmError } from "../media/mod.ts";
import { createRing, type Generations, readHeader, ringBytes, type RingOptions, type RingWriter } from "../ring/mod.ts";
import { ERRNO } from "../../ffi/errno.ts";
import type { NativeLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { shmError } from "./shm_error.ts";
import { ShmRingMemory } from "./shm_memory.ts";

/** What stands for "as it is" among the numbers of users and groups. */
const AS_IS = 0xffffffff;

/** The ring whose name a new one takes, and whose count of generations it goes on with. */
export interface Predecessor {
  handle: number;
  generations: Generations;
  /** Records that were written there and before. */
  records: number;
}

/**
 * Makes a ring, and gives it its name.
 *
 * @throws {ShmError} as `ShmWriter.create()` says.
 */
export function makeRing(
  library: NativeLibrary,
  plan: RingPlan,
  measures: RingOptions,
  pid: number,
  predecessor?: Predecessor,
): { memory: ShmRingMemory; writer: RingWriter } {
  const { symbols } = library;
  const { name, owner, group } = plan;
  const action = predecessor ? `Cannot make ring "${name}" anew` : `Cannot create ring "${name}"`;
  const need = ringBytes(measures);
  const handle = symbols.mr_shm_create(need, plan.mode);
  if (handle < 0) {
    const free = new BigUint64Array(1);
    symbols.mr_shm_room(free, new BigUint64Array(1));
    throw shmError(action, handle, { need, free: Number(free[0]) });
  }
  try {
    const memory = new ShmRingMemory(library, handle);
    const { generations, records: before } = predecessor ?? {};
    const writer = createRing(memory, { ...measures, pid, generations, before });
    if (owner >= 0 || group >= 0) {
      const given = symbols.mr_shm_chown(handle, owner < 0 ? AS_IS : owner, group < 0 ? AS_IS : group);
      if (given === -ERRNO.EPERM) throw mayNotGive(action, plan);
      if (given < 0) throw shmError(action, given);
    }
    // The name last: nobody ever sees a ring that is not whole, and who dies before this leaves nothing.
    const named = predecessor
      ? symbols.mr_shm_replace(handle, predecessor.handle, cString(name))
      : symbols.mr_shm_publish(handle, cString(name));
    if (named < 0) throw shmError(action, named, { owner: ownerOf(library, name) });
    symbols.mr_clean_on_signals();
    return { memory, writer };
  } catch (error) {
    symbols.mr_close(handle);
    throw error;
  }
}

function mayNotGive(action: string, { owner, group }: RingPlan): ShmError {
  const whom = [owner >= 0 ? `user ${owner}` : "", group >= 0 ? `group ${group}` : ""].filter(Boolean).join(" and ");
  const message = `${action}: this user may not give it to ${whom}; a group must be one of its own, and only root ` +
    "gives anything to another user";
  return new ShmError("permission", message, { errno: ERRNO.EPERM });
}

/** The process that has a name, 0 where that cannot be told. */
function ownerOf(library: NativeLibrary, name: string): number {
  const handle = library.symbols.mr_shm_open(cString(name), 0);
  if (handle < 0) return 0;
  try {
    return readHeader(new ShmRingMemory(library, handle)).pid;
  } catch {
    return 0;
  } finally {
    library.symbols.mr_close(handle);
  }
}
