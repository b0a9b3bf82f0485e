import { now, ShmError } from "../media/mod.ts";
import { type PayloadKind, RingReader } from "../ring/mod.ts";
import { libraryPath, loadLibrary } from "../../ffi/load.ts";
import { cString } from "../../ffi/symbols.ts";
import { ShmRingMemory } from "./shm_memory.ts";
import { listNames } from "./shm_names.ts";

/** What is known of a ring in shared memory. */
export interface ShmInfo {
  name: string;
  /** `dead`: its writer ended without taking it away; the next writer of that name will. */
  writer: "alive" | "dead" | "closed";
  pid: number;
  kind: PayloadKind;
  /** Bytes of shared memory. */
  bytes: number;
  slots: number;
  /** Records published so far. */
  records: number;
  /** Of the newest record: size and format of its picture, where it is one. */
  width: number;
  height: number;
  format: string;
  /** Records a second, over what the ring holds; 0 where that cannot be told. */
  rate: number;
  /** Milliseconds since the newest record was published; null where there is none. */
  age: number | null;
}

/** The rings in shared memory that this user may read; what is no ring of ours is left out. */
export async function listRings(): Promise<ShmInfo[]> {
  const library = loadLibrary(await libraryPath());
  const { symbols } = library;
  const rings: ShmInfo[] = [];
  for (const name of listNames(library)) {
    const handle = symbols.mr_shm_open(cString(name), 0);
    if (handle < 0) continue;
    try {
      const alive = symbols.mr_shm_owner(handle) === 1;
      rings.push(describe(name, alive, new RingReader(new ShmRingMemory(library, handle), { start: "latest" })));
    } catch (error) {
      if (!(error instanceof ShmError)) throw error;
    } finally {
      symbols.mr_close(handle);
    }
  }
  return rings.sort((a, b) => a.name.localeCompare(b.name));
}

function describe(name: string, alive: boolean, reader: RingReader): ShmInfo {
  const { header } = reader;
  const info: ShmInfo = {
    name,
    writer: reader.closed ? "closed" : alive ? "alive" : "dead",
    pid: header.pid,
    kind: header.kind,
    bytes: header.totalBytes,
    slots: header.slots,
    records: header.before + reader.head,
    width: 0,
    height: 0,
    format: "",
    rate: 0,
    age: null,
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
