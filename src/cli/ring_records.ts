import type { Frame } from "../media/mod.ts";
import type { RecordMeta } from "../ring/mod.ts";
import { ShmReader, type ShmUnit, type ValkkaReader } from "../shm/mod.ts";

/** One record of a ring as the command line tells of it. What it gives is good until the next record. */
export interface RecordRead {
  /** A line. */
  text(): string;
  json(): Record<string, unknown>;
  /** The pixels without padding, or the payload. */
  bytes(): Uint8Array;
  /** What it is, for the summary; others of that kind may have other bytes. */
  kind: "frame" | "access unit" | "record";
  /** Its shape or codec, empty where it has none. */
  shape: string;
}

/** The records of a ring of any kind, until it is over. */
export async function* recordsOf(reader: ShmReader | ValkkaReader): AsyncGenerator<RecordRead, undefined> {
  if (!(reader instanceof ShmReader)) return yield* reader.measures.kind === "frames" ? frames(reader) : pulled(reader);
  const { kind } = reader.header;
  if (kind === "frames") yield* frames(reader);
  else if (kind === "access-units") { for await (const unit of reader.units()) yield unitRead(unit); }
  else for await (const { meta, data, blob } of reader.records()) yield recordRead(meta, data, blob);
}

async function* frames(reader: ShmReader | ValkkaReader): AsyncGenerator<RecordRead, undefined> {
  let pixels = new Uint8Array(0);
  for (;;) {
    using frame = await reader.next();
    if (!frame) return;
    if (pixels.length !== frame.byteLength) pixels = new Uint8Array(frame.byteLength);
    yield frameRead(frame, pixels);
  }
}

function frameRead(frame: Frame, pixels: Uint8Array): RecordRead {
  const { sequence, width, height, format, pts, age, missed, blob } = frame;
  const shape = `${width}x${height} ${format}`;
  return {
    kind: "frame",
    shape,
    text: () =>
      `${sequence}  ${shape}  ${seconds(pts)}  age ${age.toFixed(1)} ms  missed ${missed}` +
      (blob ? `  blob ${blob.length} bytes` : ""),
    json: () => ({ sequence, width, height, format, pts, age, missed, ...blobJson(blob) }),
    bytes: () => frame.copy(pixels),
  };
}

function unitRead({ sequence, codec, data, pts, keyframe, missed, blob }: ShmUnit): RecordRead {
  return {
    kind: "access unit",
    shape: codec,
    text: () => `${sequence}  ${codec}  ${data.length} bytes  ${seconds(pts)}${sign(keyframe)}  missed ${missed}`,
    json: () => ({ sequence, codec, bytes: data.length, pts, keyframe, missed, ...blobJson(blob) }),
    bytes: () => data,
  };
}

function recordRead(
  { sequence, pts, keyframe, missed }: RecordMeta,
  data: Uint8Array,
  blob: Uint8Array | null,
): RecordRead {
  return {
    kind: "record",
    shape: "",
    text: () => `${sequence}  ${data.length} bytes  ${seconds(pts)}${sign(keyframe)}  missed ${missed}`,
    json: () => ({ sequence, bytes: data.length, pts, keyframe, missed, ...blobJson(blob) }),
    bytes: () => data,
  };
}

/** Bytes and boxes of a ring in libValkka's layout. */
async function* pulled(reader: ValkkaReader): AsyncGenerator<RecordRead, undefined> {
  for (;;) {
    const record = reader.pull();
    if (record) yield recordRead(record.meta, reader.slots[record.index].subarray(0, record.size), null);
    else if (!(await reader.wait())) return;
  }
}

const seconds = (pts: number) => `pts ${(pts / 1e6).toFixed(3)} s`;
const sign = (keyframe: boolean) => keyframe ? "  keyframe" : "";

function blobJson(blob: Uint8Array | null): { blob?: string } {
  return blob ? { blob: blob.toHex() } : {};
}
