import { assert, assertEquals } from "@std/assert";
import type { Watched } from "../support/watch.ts";

const PROGRAM = decodeURIComponent(new URL("./netem_program.ts", import.meta.url).pathname);
const WATCHED = "2500";

/** What the system itself is told to do to all that passes, and what there is to see of it. */
const NETWORKS: { name: string; netem: string; shows: (watched: Watched) => void }[] = [
  { name: "5 % of packets lost", netem: "loss 5%", shows: ({ stats }) => assert(stats.lost > 0) },
  { name: "reordering", netem: "delay 20ms reorder 20%", shows: ({ stats }) => assert(stats.reordered > 0) },
];

/** Runs a command in a network of its own, which treats its packets so. */
function inNetwork(netem: string, command: string): Deno.Command {
  const script = `ip link set lo up && tc qdisc add dev lo root netem ${netem} && ${command}`;
  return new Deno.Command("unshare", { args: ["--net", "sh", "-c", script], env: { NO_COLOR: "1" }, stdin: "null" });
}

const mayImpair = await inNetwork("loss 1%", "true").output().then(({ success }) => success, () => false);
if (!mayImpair) console.log("Skipping netem: it takes root, iproute2, and a kernel that has sch_netem");

Deno.test({
  name: "no frame that comes through a network that netem makes bad differs from native FFmpeg's",
  ignore: !mayImpair,
  fn: async (t) => {
    const runs = await Promise.all(NETWORKS.map(async ({ netem }) => {
      const command = `${Deno.execPath()} run -A --no-check --no-lock --no-prompt '${PROGRAM}' ${WATCHED}`;
      const { success, stdout, stderr } = await inNetwork(netem, command).output();
      assert(success, new TextDecoder().decode(stderr));
      return JSON.parse(new TextDecoder().decode(stdout).trim().split("\n").at(-1)!) as Watched;
    }));
    for (const [i, { name, shows }] of NETWORKS.entries()) {
      const { frames, wrong, share } = runs[i];
      await t.step(`${name}: ${Math.round(share * 100)} % of the frames came`, () => {
        assert(frames > 0, "none came");
        assertEquals(wrong, 0, `of ${frames} frames`);
        shows(runs[i]);
      });
    }
  },
});
