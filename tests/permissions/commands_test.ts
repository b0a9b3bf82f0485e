import { assertEquals, assertMatch } from "@std/assert";
import { Frame, NO_LEASE, now, ShmWriter } from "../../mod.ts";
import { VirtualCamera } from "../../src/camera/mod.ts";
import { ENTRIES } from "../../tools/entries.ts";
import { cacheFolder, ensureSetup, PROJECT } from "../../tools/setup.ts";
import { type Outcome, outcomeOf } from "../cli/command.ts";
import { shortClip } from "../support/clips.ts";

/** Where a command runs: with which of its permissions left out, and where it keeps what it makes. */
interface Surroundings {
  without?: string;
  cache?: string;
}

const { library } = await ensureSetup({ wants: ["library", "wasm", "clip"] });

function permissionsOf(args: string[], { cache = cacheFolder() }: Surroundings = {}): string[] {
  return ENTRIES.millrace.permissions({ args, library, project: PROJECT, cache, deno: Deno.execPath() });
}

/** The kinds of permission that a command is given. */
function kindsOf(args: string[]): string[] {
  return permissionsOf(args).map((permission) => /^--allow-(\w+)/.exec(permission)![1]).sort();
}

async function run(args: string[], where: Surroundings = {}): Promise<Outcome> {
  const { without, cache = cacheFolder() } = where;
  const permissions = permissionsOf(args, where).filter((permission) => !permission.startsWith(`--allow-${without}`));
  const { file } = ENTRIES.millrace;
  return await outcomeOf(
    new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt", "--no-lock", `--config=${PROJECT}/deno.json`],
        ...[...permissions, `${PROJECT}/${file(args)}`, ...args],
      ],
      env: { NO_COLOR: "", XDG_CACHE_HOME: cache.replace(/\/millrace$/, "") },
      stdin: "null",
    }),
  );
}

/** One line that names the permission and how to give it, and not where in the program it was missed. */
function saysWhatIsMissing({ code, stderr }: Outcome, kind: string): void {
  assertMatch(stderr, new RegExp(`^(Starting.*\\n)?[^\\n]+ run it (again )?with --allow-${kind}=\\S+\\n$`));
  assertEquals(code, 1);
}

function greyFrame(): Frame {
  const info = {
    width: 8,
    height: 8,
    format: "GRAY8",
    pts: 0,
    wallTime: null,
    receivedAt: now(),
    keyframe: true,
  } as const;
  const rest = { corrupt: false, sequence: 0, generation: 0, missed: 0, streamId: 0 };
  return new Frame({ ...info, ...rest }, [{ data: new Uint8Array(64), stride: 8, rowBytes: 8, rows: 8 }], NO_LEASE);
}

/** A command, and the kinds without which it cannot do its work. All may read the environment, which decides on colours. */
type Case = [args: string[], needs: string[]];

Deno.test("each command works with the permissions that it is given, and says which one is missing", async (test) => {
  const clip = await shortClip();
  await using server = await VirtualCamera.start({ files: { street: clip } });
  const url = server.url("street");
  const name = `permissions-${Deno.pid}`;
  await using ring = await ShmWriter.create(name, { width: 8, height: 8, format: "GRAY8" });
  const writing = setInterval(() => void ring.write(greyFrame()), 20);
  const out = await Deno.makeTempFile();
  const cases: Case[] = [
    [["camera", clip, "--seconds", "0.1"], ["net", "read"]],
    [["probe", url, "--seconds", "0.5"], ["ffi", "net", "read"]],
    [["serve", url, "--port", "0", "--seconds", "1.5"], ["ffi", "net", "read"]],
    [["serve", url, "--port", "0", "--seconds", "1.5", "--transport", "tcp"], ["ffi", "net", "read"]],
    [["decode", clip, "--frames", "2"], ["read"]],
    [["decode", url, "--frames", "2"], ["ffi", "net", "read"]],
    [["shm", "list"], ["ffi", "read"]],
    [["shm", "read", name, "--frames", "1", "--out", out], ["ffi", "read", "write"]],
  ];
  for (const [args, needs] of cases) {
    await test.step(args.slice(0, 2).map((arg) => arg.replace(/\/.*\//, "")).join(" "), async () => {
      assertEquals(kindsOf(args), [...needs, "env"].sort());
      const [whole, ...lacking] = await Promise.all([run(args), ...needs.map((without) => run(args, { without }))]);
      assertEquals(whole.code, 0, whole.stderr);
      lacking.forEach((outcome, i) => saysWhatIsMissing(outcome, needs[i]));
    });
  }
  clearInterval(writing);
  await Deno.remove(out);
});

Deno.test("millrace camera says what it needs to make the clip that it plays", async () => {
  const cache = `${await Deno.makeTempDir()}/millrace`;
  const args = ["camera", "--seconds", "0.1"];
  assertEquals(kindsOf(args), ["env", "net", "read", "run", "write"]);
  for (const without of ["env", "read", "run", "write"]) {
    saysWhatIsMissing(await run(args, { without, cache }), without);
  }
  saysWhatIsMissing(await run(args, { without: "net" }), "net");
  await Deno.remove(cache.replace(/\/millrace$/, ""), { recursive: true });
});

Deno.test("millrace demo says what it needs", async () => {
  const args = ["demo", "--seconds", "1"];
  const kinds = kindsOf(args);
  assertEquals(kinds, ["env", "ffi", "net", "read", "run"]);
  const outcomes = await Promise.all(kinds.map((without) => run(args, { without })));
  outcomes.forEach((outcome, i) => saysWhatIsMissing(outcome, kinds[i]));
});

Deno.test("help needs nothing but the environment", async () => {
  assertEquals(kindsOf(["--help"]), ["env"]);
  const { code, stderr } = await run(["--help"]);
  assertEquals([code, stderr], [0, ""]);
  saysWhatIsMissing(await run(["--help"], { without: "env" }), "env");
});
