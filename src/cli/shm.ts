import { Command, InvalidArgumentError, Option } from "commander";
import { listRings, ShmReader } from "../shm/mod.ts";

/** `millrace shm` */
export function shm(): Command {
  return new Command("shm").description("rings in shared memory")
    .addCommand(
      new Command("list").description("the rings there are, and whether their writers live")
        .option("--json", "one JSON object a line")
        .action(list),
    )
    .addCommand(
      new Command("read").description("read frames of a ring, and print a line for each")
        .argument("<name>", "name of the ring")
        .option("--frames <number>", "end after so many", count)
        .option("--wait <ms>", "wait for a writer that is not there yet", count, 0)
        .addOption(new Option("--mode <name>", "which frames").choices(["latest", "every"]).default("every"))
        .option("--json", "one JSON object a line")
        .addHelpText("after", "\nExample:\n  millrace shm read lesson_4 --frames 10")
        .action(read),
    );
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("expected an integer from 0");
  return value;
}

async function list(flags: { json?: boolean }): Promise<void> {
  const rings = await listRings();
  if (flags.json) return rings.forEach((ring) => console.log(JSON.stringify(ring)));
  if (rings.length === 0) return console.log("There are no rings.");
  const rows = rings.map((ring) => [
    ring.name,
    ring.writer,
    ring.pid > 0 ? String(ring.pid) : "-",
    ring.kind,
    ring.width > 0 ? `${ring.width}x${ring.height} ${ring.format}` : ring.format || "-",
    String(ring.slots),
    `${(ring.bytes / 2 ** 20).toFixed(1)} MiB`,
    String(ring.records),
    ring.age === null ? "-" : `${(ring.age / 1000).toFixed(1)} s`,
  ]);
  printTable(["NAME", "WRITER", "PID", "KIND", "PICTURE", "SLOTS", "MEMORY", "RECORDS", "AGE"], rows);
}

/** Prints rows under headings, each column as wide as its widest cell. */
function printTable(headings: string[], rows: string[][]): void {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map((row) => row[i].length)));
  for (const row of [headings, ...rows]) console.log(row.map((cell, i) => cell.padEnd(widths[i])).join("  ").trimEnd());
}

interface ReadFlags {
  frames?: number;
  wait: number;
  mode: "latest" | "every";
  json?: boolean;
}

async function read(name: string, flags: ReadFlags): Promise<void> {
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, onSignal);
  try {
    await using reader = await ShmReader.open(name, { wait: flags.wait, mode: flags.mode, signal: stop.signal });
    if (reader.header.kind === "frames") await readFrames(reader, flags);
    else await readRecords(reader, flags);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, onSignal);
  }
}

async function readFrames(reader: ShmReader, flags: ReadFlags): Promise<void> {
  let left = flags.frames ?? Infinity;
  while (left-- > 0) {
    using frame = await reader.next();
    if (!frame) return;
    const { sequence, width, height, format, pts, age, missed } = frame;
    console.log(
      flags.json
        ? JSON.stringify({ sequence, width, height, format, pts, age, missed })
        : `${sequence}  ${width}x${height} ${format}  pts ${(pts / 1e6).toFixed(3)} s  age ${
          age.toFixed(1)
        } ms  missed ${missed}`,
    );
  }
}

async function readRecords(reader: ShmReader, flags: ReadFlags): Promise<void> {
  let left = flags.frames ?? Infinity;
  while (left > 0) {
    const record = reader.pull();
    if (!record) {
      if (!(await reader.wait())) return;
      continue;
    }
    left--;
    const { index, size, meta: { sequence, pts, keyframe, missed } } = record;
    console.log(
      flags.json
        ? JSON.stringify({ sequence, slot: index, bytes: size, pts, keyframe, missed })
        : `${sequence}  ${size} bytes in slot ${index}  pts ${(pts / 1e6).toFixed(3)} s${
          keyframe ? "  keyframe" : ""
        }  missed ${missed}`,
    );
  }
}
