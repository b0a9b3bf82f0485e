import { now, ShmError } from "../../media/mod.ts";
import { HEADER, RingReader } from "../../ring/mod.ts";
import type { NativeLibrary } from "../../../ffi/load.ts";
import { cString } from "../../../ffi/symbols.ts";
import { describeRing, type ShmInfo } from "../ring_info.ts";
import { ShmRingMemory } from "../shm_memory.ts";
import { CellMeta } from "./cell_meta.ts";
import { decodeMeasures, META_BYTES, ringOfSide, ringsOfCell, sideName, sideRing, type ValkkaKind } from "./layout.ts";
import { hasSemaphores } from "./rivals.ts";
import { ValkkaMemory } from "./valkka_memory.ts";

const PAYLOAD = "_valkka_payload";
/** No picture is from before the year 2000, nor from after tomorrow. */
const LONG_AGO = 946_684_800_000, DAY = 86_400_000;

/**
 * The rings in libValkka's layout among the names in shared memory. Those of our own writers say all of themselves; of a
 * libValkka server's there is known what its files tell: the cells, their sizes, the times in their metadata, and which process
 * has them mapped to write.
 */
export function listValkka(library: NativeLibrary, names: readonly string[]): ShmInfo[] {
  const rings: ShmInfo[] = [];
  for (const name of names.flatMap((side) => ringOfSide(side) ?? [])) {
    const ring = ofOurWriter(library, name);
    if (ring) rings.push(ring);
  }
  const ours = new Set(rings.map(({ name }) => name));
  for (const { name, cells } of foreignRings(library, new Set(names))) {
    const ring = ours.has(name) ? null : ofServer(library, name, cells);
    if (ring) rings.push(ring);
  }
  return rings;
}

/** The name of the object in `/dev/shm` by which the readers of a ring in libValkka's layout can be counted. */
export function cellName(name: string, cell = 0): string {
  return `${name}${cell}${PAYLOAD}`;
}

function ofOurWriter(library: NativeLibrary, name: string): ShmInfo | null {
  const { symbols } = library;
  const handle = symbols.mr_shm_open(cString(sideName(name)), 0);
  if (handle < 0) return null;
  try {
    const side = new ShmRingMemory(library, handle);
    if (side.byteLength < HEADER.head + 32) return null;
    const bytes = new Uint8Array(HEADER.head);
    side.read(0, bytes);
    const kind = ({ 1: "frames", 3: "mp4", 4: "bytes" } as const)[side.load32(HEADER.kind)];
    const measures = kind && decodeMeasures(bytes, side.load32(HEADER.slots), kind);
    if (!measures) return null;
    const { cells, cellBytes } = measures;
    const reader = new RingReader(new ValkkaMemory(library, handle, sideRing(measures).totalBytes), {
      start: "latest",
    });
    const bytesInAll = side.byteLength + cells * (cellBytes + META_BYTES[measures.kind]);
    return describeRing(reader, {
      name,
      protocol: "valkka",
      alive: symbols.mr_shm_owner(handle) === 1,
      bytes: bytesInAll,
      maxBytes: cellBytes,
    });
  } catch (error) {
    if (!(error instanceof ShmError)) throw error;
    return null;
  } finally {
    symbols.mr_close(handle);
  }
}

/** Rings whose cells are there. Nothing parts a ring's name from a cell's number: where both could be meant, semaphores tell. */
function foreignRings(library: NativeLibrary, names: ReadonlySet<string>): { name: string; cells: number }[] {
  const prefixes = [...names].filter((name) => name.endsWith(PAYLOAD)).map((name) => name.slice(0, -PAYLOAD.length));
  const candidates = new Set(
    prefixes.flatMap((prefix) => ringsOfCell(prefix).filter(({ cell }) => cell === 0).map(({ name }) => name)),
  );
  const sizeOf = (name: string) => {
    let cells = 0;
    while (names.has(cellName(name, cells))) cells++;
    return { name, cells };
  };
  const certain = [...candidates].filter((name) => hasSemaphores(library, name)).map(sizeOf);
  const taken = new Set(
    certain.flatMap(({ name, cells }) => Array.from({ length: cells }, (_, i) => cellName(name, i))),
  );
  const rest = [...candidates].filter((name) => !taken.has(cellName(name))).map(sizeOf);
  return [...certain, ...rest];
}

function ofServer(library: NativeLibrary, name: string, cells: number): ShmInfo | null {
  const { symbols } = library;
  const cellBytes = sizeOf(library, cellName(name));
  const metaBytes = sizeOf(library, `${name}0_valkka_meta`);
  if (cellBytes === null || metaBytes === null) return null;
  const { kind, width, height, stamps } = readMetas(library, name, cells, cellBytes, metaBytes);
  const pid = symbols.mr_valkka_server(cString(name), 0, cells);
  const first = Math.min(...stamps), last = Math.max(...stamps);
  return {
    name,
    protocol: "valkka",
    writer: pid > 0 ? "alive" : "dead",
    pid: Math.max(0, pid),
    kind,
    bytes: cells * (cellBytes + metaBytes),
    slots: cells,
    maxBytes: cellBytes,
    records: null,
    width,
    height,
    format: width > 0 ? "RGB24" : "",
    rate: stamps.length > 1 && last > first ? (stamps.length - 1) * 1_000 / (last - first) : 0,
    age: stamps.length > 0 ? now() - last : null,
    readers: 0,
    allReaders: false,
  };
}

/** What the metadata of the cells say. Their server writes them without a word: a time is taken if it may be one. */
function readMetas(library: NativeLibrary, name: string, cells: number, cellBytes: number, metaBytes: number) {
  const stamps: number[] = [];
  let kind: ValkkaKind = metaBytes === META_BYTES.bytes ? "bytes" : "frames", width = 0, height = 0;
  for (let cell = 0; cell < cells && metaBytes === META_BYTES.frames; cell++) {
    const meta = new CellMeta("frames");
    if (!readWhole(library, `${name}${cell}_valkka_meta`, meta.bytes)) continue;
    if (meta.width > 0 && meta.height > 0 && 3 * meta.width * meta.height <= cellBytes) ({ width, height } = meta);
    else if (/^[a-z]{4}$/.test(String.fromCharCode(...meta.bytes.subarray(0, 4)))) kind = "mp4";
    if (meta.stamp > LONG_AGO && meta.stamp < now() + DAY) stamps.push(meta.stamp);
  }
  return { kind, width, height, stamps };
}

function readWhole(library: NativeLibrary, name: string, into: Uint8Array): boolean {
  const handle = library.symbols.mr_shm_open(cString(name), 0);
  if (handle < 0) return false;
  const result = library.symbols.mr_mem_read(handle, 0, into, into.length);
  library.symbols.mr_close(handle);
  return result >= 0;
}

function sizeOf(library: NativeLibrary, name: string): number | null {
  const handle = library.symbols.mr_shm_open(cString(name), 0);
  if (handle < 0) return null;
  const size = new BigUint64Array(1);
  const result = library.symbols.mr_shm_size(handle, size);
  library.symbols.mr_close(handle);
  return result < 0 ? null : Number(size[0]);
}
