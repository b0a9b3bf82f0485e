import { ShmError } from "../../media/mod.ts";
import { listRings, ShmWriter } from "../../shm/mod.ts";

/** What other processes get: a small picture a second. */
export const SHARED = { width: 480, height: 270, format: "RGB24" } as const;
const SLOTS = 4;
/** Rings of the demo's; more demos than this at a time are not to be expected. */
const NAME = /^demo-\d{1,3}$/;
const MAX_RINGS = 999;

/** Takes away what demos left in shared memory that were killed. */
export async function removeDeadRings(): Promise<void> {
  for (const { name, writer } of await listRings()) {
    if (writer !== "dead" || !NAME.test(name)) continue;
    try {
      // Whoever makes a ring replaces the dead one of that name, and takes its own away.
      await using _ring = await ShmWriter.create(name, { slots: 1, cellBytes: 8 });
    } catch (error) {
      // It is another user's, or another demo was faster.
      if (!(error instanceof ShmError && ["in-use", "permission"].includes(error.code))) throw error;
    }
  }
}

/**
 * The first ring of the demo's names that no living process has.
 *
 * @throws {ShmError} `full` where /dev/shm has no room for it.
 */
export async function freeRing(): Promise<ShmWriter> {
  for (let number = 1;; number++) {
    try {
      return await ShmWriter.create(`demo-${number}`, { slots: SLOTS, ...SHARED });
    } catch (error) {
      const taken = error instanceof ShmError && ["in-use", "permission"].includes(error.code);
      if (!taken || number === MAX_RINGS) throw error;
    }
  }
}
