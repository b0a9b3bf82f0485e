import { Command, Option } from "commander";
import { cleanRings, listRings } from "../shm/mod.ts";
import { count, milliseconds, seconds } from "./arguments.ts";
import { tableOf } from "./demo/live_table.ts";
import { print } from "./print.ts";
import { type ReadFlags, readRing } from "./read_ring.ts";
import { mebibytes, RING_HEADINGS, ringRow } from "./shm_table.ts";
import { type WatchFlags, watchRings } from "./watch_rings.ts";

/** `millrace shm` */
export function shm(): Command {
  return new Command("shm").description("rings in shared memory")
    .addCommand(
      new Command("list").description("the rings there are, how fast they fill, who writes and who reads them")
        .option("--json", "one JSON object a line")
        .addHelpText(
          "after",
          "\nRings of both protocols, libValkka's servers' as far as they can be known. A ring whose writer is dead stays\n" +
            "until the next writer of its name, or `clean`. READERS are other processes that have it mapped, those that\n" +
            "this user may look into: `?` and `2+` say that there may be more.\n\n" +
            "Examples:\n  millrace shm list\n  millrace shm list --json",
        )
        .action(list),
    )
    .addCommand(
      new Command("watch").description("the same, once a second")
        .option("--seconds <number>", "end after so many", seconds)
        .option("--json", "one JSON object a line")
        .addHelpText(
          "after",
          "\nExamples:\n  millrace shm watch\n  millrace shm watch --seconds 60 --json > rings.jsonl",
        )
        .action((flags: WatchFlags) => watchRings(flags)),
    )
    .addCommand(readCommand())
    .addCommand(
      new Command("clean").description("take away what dead writers left, never a living one's")
        .option("--dry-run", "only say what there is to take away")
        .option("--json", "one JSON object a line")
        .addHelpText("after", "\nExamples:\n  millrace shm clean --dry-run\n  millrace shm clean")
        .action(clean),
    )
    .addHelpText("after", "\nExamples:\n  millrace shm list\n  millrace shm read demo-1");
}

function readCommand(): Command {
  return new Command("read").description("read a ring: a line for each record, or what they hold")
    .argument("<name>", "name of the ring")
    .option("--frames <number>", "end after so many", count)
    .option("--wait <ms>", "wait for a writer that is not there yet", milliseconds, 0)
    .addOption(
      new Option("--mode <name>", "which frames; of all else each comes").choices(["latest", "every"]).default("every"),
    )
    .option("--json", "one JSON object a line")
    .option("--out <file>", "write pixels or payloads, one after the other, to a file, or to standard output (-)")
    .addOption(new Option("--protocol <name>", "whose layout it has, where both have one of that name").choices([
      "millrace",
      "valkka",
    ]))
    .option("--width <number>", "of a libValkka ring's pictures, where it cannot be found out", count)
    .option("--height <number>", "likewise", count)
    .option("--bytes <number>", "bytes of a libValkka ring's cell, where it holds none", count)
    .option("--slots <number>", "cells of a libValkka ring (n_ringbuffer)", count)
    .addHelpText(
      "after",
      "\nA ring of access units begins at a keyframe, so that what --out writes can be played.\n" +
        "\nExamples:\n  millrace shm read demo-1 --frames 10\n  millrace shm read demo-1 --frames 1 --out picture.rgb\n" +
        "  millrace shm read demo-1 --out - | ffplay -f rawvideo -pixel_format rgb24 -video_size 480x270 -\n" +
        "  millrace shm read cam.h264 --out street.h264",
    )
    .action((name: string, flags: ReadFlags) => readRing(name, flags));
}

async function list(flags: { json?: boolean }): Promise<void> {
  const rings = await listRings();
  if (flags.json) return rings.forEach((ring) => print(JSON.stringify(ring)));
  if (rings.length === 0) return print("There are no rings.");
  tableOf(RING_HEADINGS, rings.map(ringRow)).forEach(print);
}

async function clean(flags: { dryRun?: boolean; json?: boolean }): Promise<void> {
  const left = await cleanRings(flags);
  if (flags.json) return left.forEach((ring) => print(JSON.stringify(ring)));
  if (left.length === 0) return print("Nothing is left of dead writers.");
  const done = flags.dryRun ? "Would remove" : "Removed";
  for (const { name, protocol, bytes } of left) print(`${done} ${name} (${protocol}, ${mebibytes(bytes)})`);
}
