import { ShmReader, ShmWriter } from "../src/shm/mod.ts";
import { picture } from "../tests/valkka/frames.ts";
import { pause, sequenceOf } from "../tests/valkka/pattern.ts";
import { objectsOf, Peer } from "../tests/valkka/peer.ts";
import { momentOf } from "./kills_moment.ts";
import { KILLS_RING, KILLS_SHAPE, KILLS_SLOTS } from "./kills_program.ts";
import type { Results } from "./results.ts";

const KILLS = 1_000, QUICK = 100;
/** Of a hundred victims so many are readers. */
const READERS = 30;
/** Each so many writers live until every survivor has a frame of it. */
const MET = 10;
/** A survivor without a frame of a living writer for so long is wedged, in milliseconds. */
const WEDGED = 5_000;
const PROGRAM = decodeURIComponent(new URL("./kills_program.ts", import.meta.url).pathname);
const PROTOCOLS = ["millrace", "valkka"] as const;
type Protocol = typeof PROTOCOLS[number];

/** Who is killed: a process of ours, or the stand-in for libValkka. */
interface Victim {
  kill(): Promise<void>;
}

/** What a reader that outlives all others has met. */
interface Survivor {
  writers: number;
  frames: number;
  torn: number;
  stale: number;
}

/**
 * Writers and readers of rings killed with SIGKILL, a thousand times: at which step, and what the others saw. The steps are told
 * by the ring that a dead writer left.
 */
export async function killsBench(results: Results, { quick }: { quick: boolean }): Promise<void> {
  const kills = (quick ? QUICK : KILLS) / PROTOCOLS.length;
  for (const protocol of PROTOCOLS) await killAll(results, protocol, kills);
}

async function killAll(results: Results, protocol: Protocol, kills: number): Promise<void> {
  const name = `kills-${crypto.randomUUID()}-t`;
  const stop = new AbortController();
  const survivors: Survivor[] = [];
  const modes = protocol === "millrace" ? ["latest", "every", "every"] as const : ["every"] as const;
  const following = modes.map((mode) => {
    const survivor = { writers: 0, frames: 0, torn: 0, stale: 0 };
    survivors.push(survivor);
    return follow(name, protocol, mode, stop.signal, survivor);
  });
  const moments = new Map<string, number>();
  const count = (moment: string) => moments.set(moment, (moments.get(moment) ?? 0) + 1);
  let failedStarts = 0, wedged = 0, left = 0, longest = 0;

  const writers = async () => {
    for (let i = 0; i < kills * (100 - READERS) / 100; i++) {
      const theirs = protocol === "valkka" && i % 3 === 2;
      const before = survivors.map(({ writers }) => writers);
      const early = i % 5 === 0;
      let writer: Victim | null = null;
      try {
        writer = await startWriter(name, protocol, theirs, early);
      } catch (error) {
        console.error(`writer ${i} did not start: ${error}`);
        failedStarts++;
        continue;
      }
      if (early) await pause(Math.random() * 120);
      else {
        // One writer has one ring, and its predecessors have left nothing beside it.
        left += Math.max(0, objectsOf(name).length - OBJECTS[protocol]);
        if (i % MET === 1) {
          const began = performance.now();
          while (survivors.some((survivor, k) => survivor.writers === before[k])) {
            if (performance.now() - began > WEDGED) {
              wedged++;
              break;
            }
            await pause(2);
          }
          longest = Math.max(longest, performance.now() - began);
        } else await pause(Math.random() * 30);
      }
      await writer.kill();
      const ring = `/dev/shm/${name}${protocol === "millrace" ? "" : "_millrace_side"}`;
      const moment = early ? "while-it-started" : theirs ? "while-it-wrote" : await momentOf(ring);
      count(`${theirs ? "libvalkka-server" : "writer"}.${moment}`);
    }
  };
  const readers = async () => {
    for (let i = 0; i < kills * READERS / 100; i++) {
      const theirs = protocol === "valkka" && i % 2 === 1;
      const reader = theirs
        ? await Peer.start("client", peerRing(name))
        : await startOurs("read", name, protocol, i % 5 === 0);
      await pause(Math.random() * 60);
      await reader.kill();
      count(
        `${theirs ? "libvalkka-client" : "reader"}.${!theirs && i % 5 === 0 ? "while-it-started" : "while-it-read"}`,
      );
    }
  };
  await Promise.all([writers(), readers()]);

  const before = survivors.map(({ frames }) => frames);
  {
    await using ring = protocol === "millrace"
      ? await ShmWriter.create(name, KILLS_RING.millrace)
      : await ShmWriter.create(name, KILLS_RING.valkka);
    const until = performance.now() + WEDGED;
    for (let sequence = 0; performance.now() < until; sequence++) {
      ring.write(picture(sequence, KILLS_SHAPE));
      await pause(5);
      if (survivors.every(({ frames }, k) => frames > before[k] + 3)) break;
    }
    wedged += survivors.filter(({ frames }, k) => frames <= before[k] + 3).length;
    stop.abort();
  }
  await Promise.all(following);
  left += objectsOf(name).length;

  const sum = (figure: (survivor: Survivor) => number) => survivors.reduce((all, one) => all + figure(one), 0);
  for (const [moment, value] of [...moments].sort()) {
    results.add({ name: `kills.${protocol}.${moment}`, value, unit: "kills" });
  }
  const add = (what: string, value: number, unit: string) =>
    results.add({ name: `kills.${protocol}.${what}`, value, unit });
  add("all", [...moments.values()].reduce((all, one) => all + one, 0), "kills");
  add("others.frames", sum(({ frames }) => frames), "frames read whole by those who lived on");
  add("others.writers", sum(({ writers }) => writers), "writers met by them");
  add("others.torn", sum(({ torn }) => torn), "frames");
  add("others.stale", sum(({ stale }) => stale), "frames");
  add("others.wedged", wedged, "readers");
  add("next-writer.seen-after", longest, "ms at most");
  add("next-writer.failed", failedStarts, "starts");
  add("left-behind", left, "objects");
}

/**
 * Objects of a ring. In libValkka's layout: two semaphores, two for each cell, and the segment beside it, which a libValkka
 * server does not know, and leaves there when a writer of ours was killed before.
 */
const OBJECTS = { millrace: 1, valkka: 2 + 2 * KILLS_SLOTS + 1 } as const;
const peerRing = (name: string) => ({ name, cells: KILLS_SLOTS, ...KILLS_SHAPE });

async function startWriter(name: string, protocol: Protocol, theirs: boolean, early: boolean): Promise<Victim> {
  if (!theirs) return await startOurs("write", name, protocol, early);
  const peer = await Peer.start("server", peerRing(name));
  if (early) return peer;
  if (await peer.line() !== "ready") throw new Error("the server did not say that it is ready");
  await peer.tell("push 0 1000000 200");
  return peer;
}

async function startOurs(what: "write" | "read", name: string, protocol: Protocol, early: boolean): Promise<Victim> {
  const args = ["run", "-A", "--quiet", "--no-check", "--no-prompt", PROGRAM, what, name, protocol];
  const process = new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "piped" }).spawn();
  const lines = process.stdout.getReader();
  // A reader is ready once there is a ring, which may be later.
  if (!early && what === "write" && (await lines.read()).done) {
    throw new Error(`it ended with ${(await process.status).code}`);
  }
  return {
    async kill() {
      try {
        process.kill("SIGKILL");
      } catch { /* It ended by itself: its status says so. */ }
      await lines.cancel();
      const { signal, code } = await process.status;
      if (signal !== "SIGKILL") throw new Error(`A ${what}r ended by itself, with ${code}`);
    },
  };
}

/** A reader that goes on from writer to writer, and checks what it gets. */
async function follow(
  name: string,
  protocol: Protocol,
  mode: "latest" | "every",
  signal: AbortSignal,
  seen: Survivor,
): Promise<void> {
  const options = { mode, wait: 60_000, signal };
  try {
    await using reader = protocol === "millrace"
      ? await ShmReader.open(name, options)
      : await ShmReader.open(name, { ...KILLS_RING.valkka, ...options });
    let last = -1;
    for (let frame = await reader.next(); frame; frame = await reader.next()) {
      using held = frame;
      const { writers } = reader.stats();
      if (seen.writers !== writers) last = -1;
      seen.writers = writers;
      seen.frames++;
      const sequence = sequenceOf(held.planes[0].data);
      if (sequence < 0) seen.torn++;
      else if (sequence <= last) seen.stale++;
      else last = sequence;
    }
  } catch (error) {
    if (error !== signal.reason) throw error;
  }
}
