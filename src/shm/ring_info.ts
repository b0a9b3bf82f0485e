import { now } from "../media/mod.ts";
import type { PayloadKind, RingReader } from "../ring/mod.ts";

/** What is known of a ring in shared memory. */
export interface ShmInfo {
  name: string;
  /** Whose layout it has: ours, or libValkka's. */
  protocol: "millrace" | "valkka";
  /** `dead`: its writer ended without taking it away; the next writer of that name will. */
  writer: "alive" | "dead" | "closed";
  /** The writer's process, 0 where it is not known. */
  pid: number;
  kind: PayloadKind;
  /** Bytes of shared memory. */
  bytes: number;
  slots: number;
  /** Bytes of the largest payload. */
  maxBytes: number;
  /** Records published so far; null where that cannot be told, as with a libValkka server. */
  records: number | null;
  /** Of the newest record: size and format of its picture, where it is one. */
  width: number;
  height: number;
  format: string;
  /** Records a second, over what the ring holds; 0 where that cannot be told. */
  rate: number;
  /** Milliseconds since the newest record was published; null where there is none, or it cannot be told. */
  age: number | null;
  /** Other processes that have it mapped to read, as far as this user may look. */
  readers: number;
  /** Whether this user may look into all processes, so that there are no more readers. */
  allReaders: boolean;
}

/** What a ring's header and newest records say; the readers are filled in later. */
export function describeRing(
  reader: RingReader,
  known: Pick<ShmInfo, "name" | "protocol" | "bytes" | "maxBytes"> & { alive: boolean },
): ShmInfo {
  const { header } = reader;
  const { alive, ...rest } = known;
  const info: ShmInfo = {
    ...rest,
    writer: reader.closed ? "closed" : alive ? "alive" : "dead",
    pid: header.pid,
    kind: header.kind,
    slots: header.slots,
    records: header.before + reader.head,
    width: 0,
    height: 0,
    format: "",
    rate: 0,
    age: null,
    readers: 0,
    allReaders: false,
  };
  const newest = reader.peek("latest");
  if (!newest) return info;
  const { sequence, publishedAt } = newest;
  info.width = newest.width;
  info.height = newest.height;
  info.format = (header.kind === "frames" ? newest.pixelFormat : newest.codec) ?? "";
  info.age = now() - publishedAt;
  reader.skipTo(Math.max(0, sequence - header.slots));
  // The reader has one record to tell with, which is now the oldest.
  const oldest = reader.peek("every");
  if (!oldest) return info;
  const records = sequence - oldest.sequence, elapsed = publishedAt - oldest.publishedAt;
  if (records > 0 && elapsed > 0) info.rate = records * 1_000 / elapsed;
  return info;
}
