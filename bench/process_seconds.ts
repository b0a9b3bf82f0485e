/** CPU seconds of a process so far, of all of its threads that still are: the system counts them in nanoseconds. */
export function processSeconds(pid: number): number {
  let nanoseconds = 0;
  for (const { name } of Deno.readDirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(Deno.readTextFileSync(`/proc/${pid}/task/${name}/schedstat`).split(" ")[0]);
    } catch {
      // a thread that ended
    }
  }
  return nanoseconds / 1e9;
}
