// Pure: no I/O.
import type { ShmInfo } from "../shm/mod.ts";

export const RING_HEADINGS = [
  ...["NAME", "PROTOCOL", "WRITER", "PID", "KIND", "PICTURE", "SLOTS", "MEMORY", "RECORDS", "RATE", "AGE", "READERS"],
];

/** A ring as a row under `RING_HEADINGS`. */
export function ringRow(ring: ShmInfo): string[] {
  return [
    ring.name,
    ring.protocol,
    ring.writer,
    ring.pid > 0 ? String(ring.pid) : "-",
    ring.kind,
    ring.width > 0 ? `${ring.width}x${ring.height} ${ring.format}` : ring.format || "-",
    String(ring.slots),
    mebibytes(ring.bytes),
    ring.records === null ? "-" : String(ring.records),
    // What a dead writer's ring holds came at some rate; nothing comes now.
    ring.writer === "alive" && ring.rate > 0 ? `${ring.rate.toFixed(1)}/s` : "-",
    ring.age === null ? "-" : `${(ring.age / 1000).toFixed(1)} s`,
    readers(ring),
  ];
}

/** Where this user may not look into every process, there may be more. */
function readers({ readers, allReaders }: ShmInfo): string {
  return allReaders ? String(readers) : readers > 0 ? `${readers}+` : "?";
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
