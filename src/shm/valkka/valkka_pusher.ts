import { type FrameInfo, now, packedPlanes, type Plane, ShmError } from "../../media/mod.ts";
import { frameRecord, type RecordInfo, type RecordPlane, SlotRecord } from "../../ring/mod.ts";
import { ERRNO } from "../../../ffi/errno.ts";
import type { NativeLibrary } from "../../../ffi/load.ts";
import { shmError } from "../shm_error.ts";
import { beginsWithKeyframe, type Box } from "./boxes.ts";
import { CellMeta } from "./cell_meta.ts";
import type { ValkkaKind } from "./layout.ts";

const NONE = new Uint8Array(8);

/** Puts records into a ring of this process's by its handle: in whichever thread writes it at the time. */
export class ValkkaPusher {
  readonly #library: NativeLibrary;
  readonly #handle: number;
  readonly #what: string;
  readonly #meta: CellMeta;
  readonly #slot = new SlotRecord();
  readonly #info: RecordInfo = {};
  /** One plane without padding. */
  #planes: RecordPlane[] = [];
  #planesFor = 0;
  /** Whether the last `moof` began with a keyframe: its `mdat` is told so, too. */
  #isFirst = false;

  /** @param what how messages call the ring, such as `ring "cam-1"`. */
  constructor(library: NativeLibrary, handle: number, kind: ValkkaKind, what: string) {
    this.#library = library;
    this.#handle = handle;
    this.#what = what;
    this.#meta = new CellMeta(kind);
  }

  /** @throws {TypeError} where the frame is not RGB24, or larger than a cell. */
  writeFrame(frame: Omit<FrameInfo, "sequence" | "missed">, planes: readonly Plane[]): void {
    const { width, height, format } = frame;
    if (format !== "RGB24" || planes.length !== 1) {
      throw new TypeError(`Cannot write ${this.#what}: the frame is ${format}, libValkka's rings take RGB24`);
    }
    const [{ data, stride, rowBytes, rows }] = planes;
    if (rowBytes !== width * 3 || rows !== height) {
      throw new TypeError(
        `Cannot write ${this.#what}: a ${width}x${height} frame has ${rows} rows of ${rowBytes} bytes`,
      );
    }
    if (this.#planesFor !== rowBytes) {
      this.#planes = packedPlanes(format, width, 1);
      this.#planesFor = rowBytes;
    }
    this.#meta.encodeFrame(width, height, frame.streamId, frame.wallTime ?? frame.receivedAt);
    this.#push(frameRecord(frame, this.#planes, this.#info), data, stride, rowBytes, rows);
  }

  writeBytes(payload: Uint8Array, info: RecordInfo): void {
    this.#push(info, payload, payload.length, payload.length, 1);
  }

  /** One box. Whether it belongs to a keyframe is what `info` says, else what the box itself does. */
  writeBox(box: Box, info: RecordInfo): void {
    const { bytes } = box;
    if (box.name === "moof") this.#isFirst = info.keyframe ?? beginsWithKeyframe(bytes);
    else if (box.name !== "mdat") this.#isFirst = false;
    else if (info.keyframe !== undefined) this.#isFirst = info.keyframe;
    // libValkka's own servers always say 0 for the time; its clients hand on what is there.
    const stamp = info.wallTime ?? info.receivedAt ?? 0;
    this.#meta.encodeBox(bytes.subarray(4, 8), this.#isFirst, info.streamId ?? 0, stamp);
    this.#push({ ...info, keyframe: this.#isFirst }, bytes, bytes.length, bytes.length, 1);
  }

  #push(info: RecordInfo, data: Uint8Array, stride: number, rowBytes: number, rows: number): void {
    this.#slot.encode(info, 0, 0, 0, now());
    const buffer = data.length > 0 ? data : NONE;
    const result = this.#library.symbols.mr_valkka_push(
      this.#handle,
      this.#meta.bytes,
      this.#slot.body,
      buffer,
      buffer.length,
      0,
      stride,
      rowBytes,
      rows,
    );
    if (result >= 0) return;
    if (result === -ERRNO.EMSGSIZE) {
      throw new ShmError("size", `Cannot write ${this.#what}: ${rowBytes * rows} bytes are more than a cell takes`, {
        errno: ERRNO.EMSGSIZE,
      });
    }
    throw shmError(`Cannot write ${this.#what}`, result);
  }
}
