/** A process, as /proc shows it. */
interface Shown {
  pid: number;
  parent: number;
  /** One letter; `Z` is a process that is over, and that nobody asked about yet. */
  state: string;
  command: string;
}

/** The processes that a process started, and those that they started. */
export function descendantsOf(pid: number): Shown[] {
  const all = [...Deno.readDirSync("/proc")].flatMap(({ name }) => /^\d+$/.test(name) ? look(Number(name)) ?? [] : []);
  const found: Shown[] = [];
  for (let parents = [pid]; parents.length > 0;) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

/** Resolves when none of these processes runs any more; rejects where one still does after a while. */
export async function allGone(processes: readonly Shown[], patience = 5_000): Promise<void> {
  for (let waited = 0;; waited += 20) {
    const left = processes.filter(({ pid, command }) => {
      const now = look(pid);
      return now !== null && now.state !== "Z" && now.command === command;
    });
    if (left.length === 0) return;
    if (waited >= patience) throw new Error(`Still running: ${left.map(({ command }) => command).join("\n")}`);
    await new Promise((done) => setTimeout(done, 20));
  }
}

function look(pid: number): Shown | null {
  try {
    const command = Deno.readTextFileSync(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
    // The name of the program, in brackets, may hold anything.
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { pid, parent: Number(parent), state, command };
  } catch {
    return null; // it ended while it was looked at
  }
}
