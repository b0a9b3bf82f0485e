import type { CameraState, RtspCamera } from "../../src/ingest/mod.ts";

/** Sockets that this process has open. */
export function openSockets(): number {
  let count = 0;
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`).startsWith("socket:")) count++;
    } catch {
      // closed since
    }
  }
  return count;
}

/** Resolves once no more sockets are open than `before`: threads and other ends take a moment to go. */
export async function socketsAreBack(before: number): Promise<void> {
  while (openSockets() > before) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Seconds of a processor that a thread has used, by its name as the system shows it (15 characters). */
export function threadSeconds(name: string): number {
  let ticks = 0;
  for (const { name: id } of Deno.readDirSync("/proc/self/task")) {
    try {
      const stat = Deno.readTextFileSync(`/proc/self/task/${id}/stat`);
      const end = stat.lastIndexOf(")");
      if (stat.slice(stat.indexOf("(") + 1, end) !== name.slice(0, 15)) continue;
      const fields = stat.slice(end + 2).split(" ");
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // ended since
    }
  }
  return ticks / 100;
}

/** Resolves once a camera is in a state; rejects where it is over without. */
export async function reaches(camera: RtspCamera, wanted: CameraState): Promise<void> {
  for await (const { state } of camera.states()) if (state === wanted) return;
  throw new Error(`The camera ended without having been ${wanted}`);
}
