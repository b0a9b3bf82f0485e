import { assert, assertEquals, assertRejects } from "@std/assert";
import { ShmReader, ShmWriter } from "../../src/shm/mod.ts";
import { freshName, grey } from "./rings.ts";

const SHAPE = { width: 8, height: 4, format: "GRAY8" } as const;
const module = new URL("../../mod.ts", import.meta.url);
/** Numbers that are nobody's. */
const USER = 54_321, GROUP = 54_322, OTHER = 54_323;

const isRoot = Deno.uid() === 0;
const canBeOther = isRoot && letsOthersThrough(new URL("../../", import.meta.url)) &&
  letsOthersThrough(new URL("file:///dev/shm/"));
if (!isRoot) console.log("Skipping what another user may do: only root can become one");
else if (!canBeOther) {
  console.log("Skipping what another user may do: none but root gets at this folder, or at /dev/shm");
}

/** Whether every user may look into a folder, from the root on. */
function letsOthersThrough(folder: URL): boolean {
  for (let at = folder;; at = new URL("../", at)) {
    const needed = at === folder ? 0o005 : 0o001;
    if ((Deno.statSync(at).mode! & needed) !== needed) return false;
    if (at.pathname === "/") return true;
  }
}

/** Runs a program that is another user from its first `become()` on, and gives what it says. */
async function asOther(program: string): Promise<unknown> {
  const whole = `
    import { Frame, ShmReader, ShmWriter } from "${module}";
    const libc = Deno.dlopen("libc.so.6", {
      setgroups: { parameters: ["usize", "pointer"], result: "i32" },
      setegid: { parameters: ["u32"], result: "i32" },
      seteuid: { parameters: ["u32"], result: "i32" },
    });
    // The library is loaded while its folder can be read.
    await ShmReader.open("no-such-ring").catch(() => {});
    const become = (user, group) => {
      const { setgroups, setegid, seteuid } = libc.symbols;
      if (setgroups(0, null) < 0 || setegid(group) < 0 || seteuid(user) < 0) throw new Error("Cannot become another user");
    };
    const read = async (name) => {
      try {
        await using reader = await ShmReader.open(name, { mode: "every" });
        using frame = await reader.next();
        return frame.planes[0].data[0];
      } catch (error) {
        return [error.name, error.code, error.message];
      }
    };
    const create = async (name, options) => {
      try {
        await using ring = await ShmWriter.create(name, { ...${JSON.stringify(SHAPE)}, ...options });
        const { uid, gid, mode } = Deno.statSync("/dev/shm/" + name);
        return [uid, gid, mode & 0o777];
      } catch (error) {
        return [error.name, error.code, error.message];
      }
    };
    console.log(JSON.stringify(await (async () => { ${program} })()));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--no-lock", whole],
    env: { NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stdout);
  assert(said !== "", new TextDecoder().decode(stderr));
  return JSON.parse(said);
}

Deno.test({
  name: "a reader of the ring's group may read, its owner too, and another user may not (as root)",
  ignore: !canBeOther,
  async fn() {
    const [shared, given, secret] = [freshName(), freshName(), freshName()];
    await using group = await ShmWriter.create(shared, { ...SHAPE, mode: 0o640, group: GROUP });
    await using owned = await ShmWriter.create(given, { ...SHAPE, owner: USER });
    await using own = await ShmWriter.create(secret, SHAPE);
    for (const [i, ring] of [group, owned, own].entries()) ring.write(grey(i + 1, 8, 4));
    const stat = (name: string) => {
      const { uid, gid, mode } = Deno.statSync(`/dev/shm/${name}`);
      return [uid, gid, mode! & 0o777];
    };
    assertEquals([stat(shared), stat(given), stat(secret)], [[0, GROUP, 0o640], [USER, 0, 0o600], [0, 0, 0o600]]);
    const reading = `return [await read("${shared}"), await read("${given}"), await read("${secret}")];`;
    const refused = (name: string) => [
      "ShmError",
      "permission",
      `Cannot open ring "${name}": its owner does not let this user at it`,
    ];
    assertEquals(await asOther(`become(${USER}, ${GROUP}); ${reading}`), [1, 2, refused(secret)]);
    assertEquals(await asOther(`become(${OTHER}, ${OTHER}); ${reading}`), [shared, given, secret].map(refused));
  },
});

Deno.test({
  name: "a ring is given only to whom the system lets its writer give it, and else there is none (as root)",
  ignore: !canBeOther,
  async fn() {
    const name = freshName();
    const words = (whom: string) => [
      "ShmError",
      "permission",
      `Cannot create ring "${name}": this user may not give it to ${whom}; a group must be one of its own, and only root ` +
      "gives anything to another user",
    ];
    const said = await asOther(`
      become(${USER}, ${GROUP});
      const results = [];
      for (const options of [{ group: ${GROUP}, mode: 0o644 }, { owner: ${USER} }, { owner: 0 }, { group: ${OTHER} },
        { owner: ${OTHER}, group: ${OTHER} }]) results.push(await create("${name}", options));
      return [results, [...Deno.readDirSync("/dev/shm")].some((entry) => entry.name === "${name}")];`);
    assertEquals(said, [
      [
        [USER, GROUP, 0o644],
        [USER, GROUP, 0o600],
        words("user 0"),
        words(`group ${OTHER}`),
        words(`user ${OTHER} and group ${OTHER}`),
      ],
      false,
    ]);
  },
});

Deno.test({
  name: "another user's ring, alive or dead, is no name for a ring of one's own (as root)",
  ignore: !canBeOther,
  async fn() {
    const [alive, dead] = [freshName(), freshName()];
    await using _living = await ShmWriter.create(alive, SHAPE);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "--quiet",
        "--no-lock",
        `import { ShmWriter } from "${module}";
         await ShmWriter.create("${dead}", ${JSON.stringify(SHAPE)});
         Deno.kill(Deno.pid, "SIGKILL");`,
      ],
    }).spawn();
    await child.status;
    const said = await asOther(`
      become(${USER}, ${GROUP});
      return [await create("${alive}", {}), await create("${dead}", {})];`) as string[][];
    assertEquals(said.map(([name, code]) => [name, code]), [["ShmError", "permission"], ["ShmError", "permission"]]);
    await (await ShmWriter.create(dead, SHAPE))[Symbol.asyncDispose]();
  },
});

Deno.test("owner, group and mode are numbers that can be", async () => {
  for (const bad of [-2, 1.5, NaN, 2 ** 32 - 1, "root" as unknown as number]) {
    await assertRejects(() => ShmWriter.create(freshName(), { ...SHAPE, owner: bad }), RangeError, "owner is");
    await assertRejects(() => ShmWriter.create(freshName(), { ...SHAPE, group: bad }), RangeError, "group is");
  }
  for (const mode of [0o040, 0o1600, 0o577, 1.5]) {
    await assertRejects(() => ShmWriter.create(freshName(), { ...SHAPE, mode }), RangeError, "mode is");
  }
});

Deno.test("a reader's memory is mapped to read alone: its page cannot be poked, by whatever means", async () => {
  const name = freshName();
  await using ring = await ShmWriter.create(name, SHAPE);
  ring.write(grey(7, 8, 4));
  const run = async (program: string) => {
    const { signal, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        "--quiet",
        "--no-lock",
        `import { ShmReader } from "${module}";
         const reader = await ShmReader.open("${name}", { mode: "every" });
         using frame = reader.borrow();
         ${program}`,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    return [signal, new TextDecoder().decode(stdout)];
  };
  const rights = `
    const lines = Deno.readTextFileSync("/proc/self/maps").split("\\n").filter((line) => line.includes("${name}"));
    console.log(lines.map((line) => line.split(" ")[1]).join());`;
  assertEquals(await run(`${rights} console.log(frame.planes[0].data[0]);`), [null, "r--s\n7\n"]);
  assertEquals(await run(`console.log("pokes"); frame.planes[0].data[0] = 1; console.log("has poked");`), [
    "SIGSEGV",
    "pokes\n",
  ]);
  await using reader = await ShmReader.open(name, { mode: "every" });
  using frame = await reader.next();
  assertEquals(frame!.planes[0].data[0], 7);
});
