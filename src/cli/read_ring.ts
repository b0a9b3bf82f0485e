import { ShmError } from "../media/mod.ts";
import { listRings, ShmReader, type ValkkaReaderOptions } from "../shm/mod.ts";
import { UsageError } from "./errors.ts";
import { print } from "./print.ts";
import { collector } from "./collector.ts";
import { type RecordRead, recordsOf } from "./ring_records.ts";

/** How often is looked for a ring that is not there yet, in milliseconds. */
const LOOK = 50;

/** What `millrace shm read` was asked for. */
export interface ReadFlags {
  frames?: number;
  wait: number;
  mode: "latest" | "every";
  json?: boolean;
  out?: string;
  protocol?: "millrace" | "valkka";
  width?: number;
  height?: number;
  bytes?: number;
  slots?: number;
}

/** Reads a ring until it is over, or so many records came, or it is interrupted. */
export async function readRing(name: string, flags: ReadFlags): Promise<void> {
  checkUsage(flags);
  const stop = new AbortController();
  const onSignal = () => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, onSignal);
  try {
    const { wait, mode } = flags;
    const valkka = await valkkaOptions(name, flags, stop.signal);
    const options = { wait, mode, signal: stop.signal };
    await using reader = valkka
      ? await ShmReader.open(name, { ...valkka, ...options })
      : await ShmReader.open(name, options);
    if (reader instanceof ShmReader && !reader.alive) {
      console.error(`The writer of ring "${name}" is not running; waiting for the next one.`);
    }
    using sink = flags.out === undefined ? null : collector(flags.out);
    let left = flags.frames ?? Infinity;
    for await (const record of recordsOf(reader)) {
      if (sink) sink.take(record);
      else printRecord(record, flags.json);
      if (--left <= 0) return;
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, onSignal);
  }
}

function checkUsage({ out, json, protocol, width, height, bytes }: ReadFlags): void {
  if (out !== undefined && json) {
    throw new UsageError("Cannot print JSON and write what the ring holds: choose --json or --out");
  }
  if ((width === undefined) !== (height === undefined)) throw new UsageError("Give both of --width and --height");
  if (width !== undefined && bytes !== undefined) {
    throw new UsageError("Give --width and --height, or --bytes, not both");
  }
  if (protocol === "millrace" && (width ?? bytes) !== undefined) {
    throw new UsageError("The numbers of a libValkka ring go with --protocol valkka");
  }
}

function printRecord({ text, json, bytes: _ }: RecordRead, asJson: boolean | undefined): void {
  print(asJson ? JSON.stringify(json()) : text());
}

/** The numbers of a ring in libValkka's layout, as given or as found; null where a ring of ours is meant. */
async function valkkaOptions(name: string, flags: ReadFlags, signal: AbortSignal): Promise<ValkkaReaderOptions | null> {
  const { protocol, slots, width, height, bytes } = flags;
  const given = { protocol: "valkka", ...(slots && { slots }) } as const;
  if (width && height) return { ...given, width, height };
  if (bytes) return { ...given, kind: "bytes", cellBytes: bytes };
  if (protocol === "millrace") return null;
  for (const until = performance.now() + flags.wait;;) {
    const rings = (await listRings()).filter((ring) => ring.name === name);
    const found = rings.find((ring) => ring.protocol === "valkka");
    if (found && (protocol === "valkka" || rings.length === 1)) {
      const cells = { ...given, slots: slots ?? found.slots };
      if (found.kind === "frames" && found.width > 0) return { ...cells, width: found.width, height: found.height };
      if (found.kind !== "frames") {
        return { ...cells, kind: found.kind === "mp4" ? "mp4" : "bytes", cellBytes: found.maxBytes };
      }
    }
    if (rings.length > 0 && !found && protocol === undefined) return null;
    if (signal.aborted || performance.now() >= until) {
      if (protocol !== "valkka") return null;
      const why = found
        ? "its pictures' size is not known yet; give --width and --height"
        : "there is no ring of that name";
      throw new ShmError("not-found", `Cannot open libValkka ring "${name}": ${why}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK));
  }
}
