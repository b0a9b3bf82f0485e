import { Command, Option } from "commander";
import { listRings } from "../shm/mod.ts";
import { count, milliseconds } from "./arguments.ts";
import { print } from "./print.ts";
import { type ReadFlags, readRing } from "./read_ring.ts";

/** `millrace shm` */
export function shm(): Command {
  return new Command("shm").description("rings in shared memory")
    .addCommand(
      new Command("list").description("the rings there are, how fast they fill, and whether their writers live")
        .option("--json", "one JSON object a line")
        .addHelpText(
          "after",
          "\nA ring whose writer is dead stays until the next writer of its name.\n\n" +
            "Examples:\n  millrace shm list\n  millrace shm list --json",
        )
        .action(list),
    )
    .addCommand(
      new Command("read").description("read a ring's frames: a line for each, or their pixels")
        .argument("<name>", "name of the ring")
        .option("--frames <number>", "end after so many", count)
        .option("--wait <ms>", "wait for a writer that is not there yet", milliseconds, 0)
        .addOption(new Option("--mode <name>", "which frames").choices(["latest", "every"]).default("every"))
        .option("--json", "one JSON object a line")
        .option("--out <file>", "write the pixels, one frame after the other, to a file, or to standard output (-)")
        .addHelpText(
          "after",
          "\nExamples:\n  millrace shm read demo-1 --frames 10\n  millrace shm read demo-1 --frames 1 --out picture.rgb\n" +
            "  millrace shm read demo-1 --out - | ffplay -f rawvideo -pixel_format rgb24 -video_size 480x270 -",
        )
        .action((name: string, flags: ReadFlags) => readRing(name, flags)),
    )
    .addHelpText("after", "\nExamples:\n  millrace shm list\n  millrace shm read demo-1");
}

async function list(flags: { json?: boolean }): Promise<void> {
  const rings = await listRings();
  if (flags.json) return rings.forEach((ring) => print(JSON.stringify(ring)));
  if (rings.length === 0) return print("There are no rings.");
  const rows = rings.map((ring) => [
    ring.name,
    ring.writer,
    ring.pid > 0 ? String(ring.pid) : "-",
    ring.kind,
    ring.width > 0 ? `${ring.width}x${ring.height} ${ring.format}` : ring.format || "-",
    String(ring.slots),
    `${(ring.bytes / 2 ** 20).toFixed(1)} MiB`,
    String(ring.records),
    // What a dead writer's ring holds came at some rate; nothing comes now.
    ring.writer === "alive" && ring.rate > 0 ? `${ring.rate.toFixed(1)}/s` : "-",
    ring.age === null ? "-" : `${(ring.age / 1000).toFixed(1)} s`,
  ]);
  printTable(["NAME", "WRITER", "PID", "KIND", "PICTURE", "SLOTS", "MEMORY", "RECORDS", "RATE", "AGE"], rows);
}

/** Prints rows under headings, each column as wide as its widest cell. */
function printTable(headings: string[], rows: string[][]): void {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i].length)));
  for (const row of [headings, ...rows]) print(row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd());
}
