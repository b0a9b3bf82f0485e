// Pure: no I/O.
import type { RtpPacketView } from "../packet.ts";
import type { VideoParameters } from "../video_depacketizer.ts";
import { countTables, hasSegment, jpegHead, type JpegShape, MAX_SEGMENT_BYTES, readSegments } from "./file_head.ts";
import type { JpegPayload } from "./payload.ts";
import { quantisationTables } from "./tables.ts";

/** Tables of this quality hold for one picture only, as it may mean others in the next. @see RFC 2435, 4.2 */
const DYNAMIC = 255;
/** Profile of the extension in which ONVIF cameras send segments of a JPEG file, and of the one it may be behind. */
const ONVIF_JPEG = 0xffd8;
const ONVIF_REPLAY = 0xabac;
const REPLAY_BYTES = 12;
const NONE = new Uint8Array(0);

/** Makes the head of each picture's file out of its first packet, and makes it anew only where something changed. */
export class PictureHead {
  /** Of the last picture that could be read. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  info: VideoParameters | null = null;
  /** Whether the last `read()` made it anew. */
  renewed = false;
  /** Whether the size or the sampling changed; for the owner to set back. */
  changed = false;
  readonly #described: { width: number; height: number; frameRate: number };
  /** Tables that came in band, by their quality; at most 127 times 256 bytes. */
  readonly #remembered = new Map<number, { tables: Uint8Array; wide: number }>();
  readonly #computed = new Map<number, Uint8Array>();
  #shape: JpegShape | null = null;
  #tables: Uint8Array = NONE;
  #wide = 0;

  constructor(described: { width: number; height: number; frameRate: number }) {
    this.#described = described;
  }

  /** Reads the headers of a picture's first packet; false where they do not make a picture. */
  read(payload: JpegPayload, packet: RtpPacketView): boolean {
    this.renewed = false;
    const extension = extensionOf(packet);
    const { type } = payload;
    if (type > 1) return false;
    const known = extension === null ? null : readSegments(packet.data, extension.start, extension.end);
    const segments = known === null ? NONE : tablesOf(packet.data, known.tables);
    if (!this.#findTables(payload, packet.data) && !hasSegment(segments, 0xdb)) return false;
    const restartInterval = payload.restartInterval || known?.restartInterval || 0;
    const width = known?.width || sideOf(payload.width, this.#described.width);
    const height = known?.height || sideOf(payload.height, this.#described.height);
    if (width === 0 || height === 0) return false;
    const before = this.#shape;
    const sized = before !== null && before.type === type && before.width === width && before.height === height;
    if (
      sized && before.restartInterval === restartInterval && before.wide === this.#wide &&
      equal(before.tables, this.#tables) && equal(before.segments, segments)
    ) return true;
    this.#shape = {
      type,
      width,
      height,
      restartInterval,
      wide: this.#wide,
      tables: this.#tables.slice(),
      segments: segments.slice(),
    };
    this.bytes = jpegHead(this.#shape);
    this.renewed = true;
    if (!sized) {
      this.changed = true;
      this.info = { width, height, frameRate: this.#described.frameRate, codecString: "", maxReorder: 0 };
    }
    return true;
  }

  /** The quantisation tables: computed, in band, or of a picture before. */
  #findTables({ quality, wide, tablesStart, tablesEnd }: JpegPayload, data: Uint8Array): boolean {
    this.#tables = NONE;
    this.#wide = 0;
    if (quality < 128) {
      if (quality === 0 || quality > 99) return false;
      let tables = this.#computed.get(quality);
      if (tables === undefined) this.#computed.set(quality, tables = quantisationTables(quality));
      this.#tables = tables;
      return true;
    }
    if (tablesEnd === tablesStart) {
      const remembered = quality === DYNAMIC ? undefined : this.#remembered.get(quality);
      if (remembered === undefined) return false;
      this.#tables = remembered.tables;
      this.#wide = remembered.wide;
      return true;
    }
    const tables = data.subarray(tablesStart, tablesEnd);
    if (countTables(tables.length, wide) === 0) return false;
    this.#tables = tables;
    this.#wide = wide;
    if (quality === DYNAMIC) return true;
    const before = this.#remembered.get(quality);
    if (before === undefined || before.wide !== wide || !equal(before.tables, tables)) {
      this.#remembered.set(quality, { tables: tables.slice(), wide });
    }
    return true;
  }
}

/** The size as the description has it where the header has none, or one rounded up to whole blocks. */
function sideOf(blocks: number, described: number): number {
  return blocks === 0 || Math.ceil(described / 8) * 8 === blocks ? described : blocks;
}

/**
 * Where the segments of a JPEG file lie that ONVIF cameras send with large pictures; null where there are none.
 *
 * @see ONVIF Streaming Specification, JPEG over RTP; and RTP header extension for replay, which may be in front
 */
function extensionOf({ data, extensionProfile, extensionStart, extensionEnd }: RtpPacketView) {
  if (extensionProfile === ONVIF_JPEG) return { start: extensionStart, end: extensionEnd };
  const at = extensionStart + REPLAY_BYTES;
  if (extensionProfile !== ONVIF_REPLAY || at + 4 > extensionEnd) return null;
  return (data[at] << 8 | data[at + 1]) === ONVIF_JPEG ? { start: at + 4, end: extensionEnd } : null;
}

/** The segments with tables, one behind the other; none where they are larger than any camera's. */
function tablesOf(data: Uint8Array, bounds: number[]): Uint8Array {
  let bytes = 0;
  for (let i = 0; i < bounds.length; i += 2) bytes += bounds[i + 1] - bounds[i];
  if (bytes === 0 || bytes > MAX_SEGMENT_BYTES) return NONE;
  const tables = new Uint8Array(bytes);
  for (let i = 0, at = 0; i < bounds.length; i += 2) {
    tables.set(data.subarray(bounds[i], bounds[i + 1]), at);
    at += bounds[i + 1] - bounds[i];
  }
  return tables;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
