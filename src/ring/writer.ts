// Pure: no I/O.
import type { AccessUnit } from "../media/access_unit.ts";
import { now } from "../media/clock.ts";
import type { FrameInfo, Plane } from "../media/frame.ts";
import { packedPlanes, type PixelFormat, type PlaneLayout } from "../media/pixel_format.ts";
import { Arena } from "./arena.ts";
import { Generations } from "./generations.ts";
import {
  HEADER,
  readHeader,
  type RingHeader,
  ringLayout,
  type RingOptions,
  SLOT,
  slotOffset,
  STATE,
  writeHeader,
} from "./layout.ts";
import type { RingMemory } from "./memory.ts";
import { accessUnitRecord, frameRecord, type RecordInfo, RecordMeta } from "./meta.ts";
import { PARTS, WriteRequest } from "./write_request.ts";

/** Room for the next record; one object, filled anew by each `reserve()`. */
export interface Reservation {
  /** The record's number, once it is committed. */
  sequence: number;
  /** Where the room is in the ring's memory. */
  offset: number;
  bytes: number;
  /** The room itself, where the memory can be viewed. */
  view: Uint8Array<ArrayBufferLike> | undefined;
}

/** What a writer has written. */
export interface RingWriterStats {
  records: number;
  /** Bytes of payloads and blobs. */
  bytes: number;
}

/** How a ring is made, beyond its measures. */
export interface CreateRingOptions {
  /** The process that the ring belongs to. @default {0} */
  pid?: number;
  /** Unix milliseconds for what the ring says of times. @default {now} */
  clock?: () => number;
  /** Those of the ring that this one goes on for. */
  generations?: Generations;
  /** Records that its writer published there and before. @default {0} */
  before?: number;
}

const NO_BYTES = new Uint8Array(0);

/**
 * Makes a ring in zeroed memory.
 *
 * @throws {RangeError} where the memory is too small, or a size is beyond reason.
 */
export function createRing(memory: RingMemory, options: RingOptions & CreateRingOptions): RingWriter {
  const layout = ringLayout(options);
  if (memory.byteLength < layout.totalBytes) {
    throw new RangeError(
      `Cannot make a ring: it takes ${layout.totalBytes} bytes, the memory has ${memory.byteLength}`,
    );
  }
  const clock = options.clock ?? now;
  const instance = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0"));
  const header: RingHeader = {
    ...layout,
    kind: options.kind,
    policy: options.policy,
    instance: instance.join(""),
    createdAt: clock(),
    pid: options.pid ?? 0,
    before: options.before ?? 0,
  };
  writeHeader(memory, header);
  return RingWriter.adopt(memory, { clock, generations: options.generations });
}

/**
 * The one writer of a ring. It never waits for readers. All that it decides by is its own: it reads nothing back from memory that
 * a reader who is not trusted may have scribbled on.
 */
export class RingWriter {
  readonly memory: RingMemory;
  readonly header: Readonly<RingHeader>;
  /** Of the frames; a ring that goes on where another one ended goes on with its count. */
  readonly generations: Generations;
  readonly #clock: () => number;
  readonly #request: WriteRequest;
  readonly #arena: Arena | null;
  /** Views of the cells, made once each. */
  readonly #cells: Uint8Array<ArrayBufferLike>[] = [];
  readonly #reservation: Reservation = { sequence: 0, offset: 0, bytes: 0, view: undefined };
  readonly #info: RecordInfo = {};
  #shape: { format: PixelFormat; width: number; height: number; planes: PlaneLayout[]; bytes: number } | null = null;
  #head: number;
  #oldest: number;
  #signal: number;
  #position = -1;
  #closed = false;
  #records = 0;
  #bytes = 0;

  private constructor(memory: RingMemory, header: RingHeader, clock: () => number, generations = new Generations()) {
    this.generations = generations;
    this.memory = memory;
    this.header = header;
    this.#clock = clock;
    this.#request = new WriteRequest(header.slots);
    this.#head = memory.load64(HEADER.head);
    this.#oldest = memory.load64(HEADER.oldest);
    this.#signal = memory.load32(HEADER.signal);
    this.#arena = header.policy === "variable" ? new Arena(header.arenaBytes, header.slots) : null;
    this.#resume();
  }

  /**
   * Goes on with a ring where the writer before stopped, wherever that was: with one that was just made, or handed over
   * by another thread. The other one must not write any more.
   *
   * @throws {ShmError} where it is no ring, or a damaged one.
   */
  static adopt(memory: RingMemory, options: { clock?: () => number; generations?: Generations } = {}): RingWriter {
    return new RingWriter(memory, readHeader(memory), options.clock ?? now, options.generations);
  }

  /** Sequence of the next record. */
  get head(): number {
    return this.#head;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** The largest payload that fits, its blob included. */
  get maxBytes(): number {
    return this.#arena ? this.header.arenaBytes : this.header.cellBytes;
  }

  stats(): RingWriterStats {
    return { records: this.#records, bytes: this.#bytes };
  }

  /**
   * Takes room for the next record, so that it can be filled in place; without a `commit` the next call takes it again. From here on
   * the records that lay there are gone for readers.
   *
   * @throws {RangeError} where more is asked for than a cell, or the arena, has.
   */
  reserve(bytes: number): Reservation {
    const { memory, header } = this;
    const oldest = this.#oldest;
    const room = this.#place(bytes);
    const head = this.#head;
    // (a) Who copies one of these records now finds out when it validates.
    if (this.#oldest !== oldest) memory.store64(HEADER.oldest, this.#oldest);
    memory.fence();
    // (b)
    memory.store64(slotOffset(head, header.slots) + SLOT.sequence, 0);
    if (memory.view) {
      room.view = this.#arena
        ? memory.view(room.offset, bytes)
        : this.#cells[head % header.slots] ??= memory.view(room.offset, header.cellBytes);
    }
    return room;
  }

  /**
   * Publishes what was put into the room reserved last.
   *
   * @param bytes of the payload, by default all that was reserved.
   * @param blobBytes of the user's blob, right behind the payload.
   */
  commit(info: RecordInfo, bytes: number = this.#reservation.bytes, blobBytes = 0): void {
    if (this.#position < 0) throw new TypeError("Cannot commit a record: nothing was reserved");
    const room = this.#reservation;
    if (!(bytes >= 0 && blobBytes >= 0 && bytes + blobBytes <= room.bytes)) {
      throw new RangeError(`Cannot commit ${bytes} bytes and a blob of ${blobBytes}: ${room.bytes} were reserved`);
    }
    const { memory, header } = this;
    const head = this.#head;
    const slot = slotOffset(head, header.slots);
    // (d)
    const record = this.#request.slot;
    record.encode(info, room.offset - header.arenaOffset, bytes, blobBytes, this.#clock());
    memory.write(slot + SLOT.payloadOffset, record.body);
    // (e), (f), (g)
    memory.store64(slot + SLOT.sequence, head + 1);
    memory.store64(HEADER.head, head + 1);
    this.#published(bytes + blobBytes);
    this.#wake();
  }

  /** Writes one record of bytes that lie in one piece or in several. */
  write(info: RecordInfo, payload: Uint8Array | readonly Uint8Array[], blob: Uint8Array = NO_BYTES): void {
    let bytes = 0;
    const single = payload instanceof Uint8Array;
    if (single) bytes = payload.length;
    else for (const part of payload) bytes += part.length;
    if (this.memory.writeRecord && (single || payload.length <= PARTS)) {
      if (single) this.#request.whole(0, payload);
      else for (let i = 0; i < payload.length; i++) this.#request.whole(i, payload[i]);
      return this.#writeAtOnce(info, bytes, blob);
    }
    let { offset } = this.reserve(bytes + blob.length);
    // (c)
    if (single) this.memory.write(offset, payload);
    else {
      for (const part of payload) {
        this.memory.write(offset, part);
        offset += part.length;
      }
    }
    if (blob.length > 0) this.memory.write(this.#reservation.offset + bytes, blob);
    this.commit(info, bytes, blob.length);
  }

  /**
   * Writes one frame without padding, plane after plane.
   *
   * @throws {TypeError} where the planes are not those of such a picture.
   */
  writeFrame(
    frame: Omit<FrameInfo, "sequence" | "missed">,
    planes: readonly Plane[],
    blob: Uint8Array = NO_BYTES,
  ): void {
    const shape = this.#shapeOf(frame);
    if (planes.length !== shape.planes.length) {
      throw new TypeError(
        `Cannot write a ${frame.format} frame: it has ${planes.length} planes, expected ${shape.planes.length}`,
      );
    }
    for (let i = 0; i < planes.length; i++) {
      const { rowBytes, rows } = planes[i], { stride, rows: expected } = shape.planes[i];
      if (rowBytes === stride && rows === expected) continue;
      throw new TypeError(
        `Cannot write a ${frame.width}x${frame.height} ${frame.format} frame: plane ${i} has ${rows} rows of ` +
          `${rowBytes} bytes, expected ${expected} of ${stride}`,
      );
    }
    const info = frameRecord(frame, shape.planes, this.#info);
    info.generation = this.generations.next(frame);
    if (this.memory.writeRecord) {
      for (let i = 0; i < planes.length; i++) {
        const { data, stride, rowBytes, rows } = planes[i];
        this.#request.part(i, data, stride, rowBytes, rows);
      }
      return this.#writeAtOnce(info, shape.bytes, blob);
    }
    const { offset } = this.reserve(shape.bytes + blob.length);
    for (let i = 0; i < planes.length; i++) {
      const { data, stride, rowBytes, rows } = planes[i];
      this.memory.writeRows(offset + shape.planes[i].offset, rowBytes, data, stride, rowBytes, rows);
    }
    if (blob.length > 0) this.memory.write(offset + shape.bytes, blob);
    this.commit(info, shape.bytes, blob.length);
  }

  /** Writes one access unit. */
  writeAccessUnit(
    unit: Omit<AccessUnit, "sequence">,
    more: { width?: number; height?: number; streamId?: number; discontinuity?: boolean; blob?: Uint8Array } = {},
  ): void {
    const info = accessUnitRecord(unit, this.#info);
    info.width = more.width;
    info.height = more.height;
    info.streamId = more.streamId;
    info.discontinuity = more.discontinuity;
    this.write(info, unit.data, more.blob);
  }

  /**
   * Tells readers that nothing comes any more, or that it goes on in another ring, which has the name by now. What is in this
   * one can still be read. Idempotent.
   */
  close(state: "closed" | "moved" = "closed"): void {
    if (this.#closed) return;
    this.#closed = true;
    this.memory.store32(HEADER.state, STATE[state]);
    this.#wake();
  }

  /** Takes the place for the next record, and gives up what lies there. */
  #place(bytes: number): Reservation {
    if (this.#closed) throw new TypeError("Cannot write to a ring: it was closed");
    if (!(bytes <= this.maxBytes)) {
      const room = this.#arena ? "the arena" : "a cell";
      throw new RangeError(`Cannot write ${bytes} bytes to a ring: ${room} takes ${this.maxBytes}`);
    }
    const { header } = this;
    const head = this.#head;
    const position = this.#arena ? this.#arena.place(bytes) : 0;
    let oldest = Math.max(this.#oldest, head - header.slots + 1);
    if (this.#arena) { while (oldest < head && this.#arena.overlaps(oldest, position, bytes)) oldest++; }
    this.#oldest = oldest;
    this.#position = position;
    const room = this.#reservation;
    room.sequence = head;
    room.offset = header.arenaOffset +
      (this.#arena ? this.#arena.offset(position) : head % header.slots * header.cellBytes);
    room.bytes = bytes;
    return room;
  }

  /** Writes the record whose parts were put into the request; all steps in one call. */
  #writeAtOnce(info: RecordInfo, bytes: number, blob: Uint8Array): void {
    const { memory, header } = this, request = this.#request;
    try {
      if (blob.length > 0) request.whole(PARTS, blob);
      const room = this.#place(bytes + blob.length);
      this.#signal = (this.#signal + 1) >>> 0;
      request.place(room.sequence, this.#oldest, room.offset, this.#signal);
      // When it is published the memory's owner says.
      request.slot.encode(info, room.offset - header.arenaOffset, bytes, blob.length, info.receivedAt ?? this.#clock());
      memory.writeRecord!(request);
    } catch (error) {
      this.#position = -1;
      throw error;
    } finally {
      request.clear();
    }
    this.#published(bytes + blob.length);
  }

  #published(bytes: number): void {
    this.#arena?.take(this.#head, this.#position, bytes);
    this.#head++;
    this.#position = -1;
    this.#records++;
    this.#bytes += bytes;
  }

  #wake(): void {
    this.#signal = (this.#signal + 1) >>> 0;
    this.memory.store32(HEADER.signal, this.#signal);
    this.memory.notify(HEADER.signal);
  }

  #shapeOf({ format, width, height }: { format: PixelFormat; width: number; height: number }) {
    const known = this.#shape;
    if (known && known.format === format && known.width === width && known.height === height) return known;
    const planes = packedPlanes(format, width, height);
    const last = planes[planes.length - 1];
    return this.#shape = { format, width, height, planes, bytes: last.offset + last.stride * last.rows };
  }

  /** Learns where the writer before put things; whatever cannot be so is given up for readers. */
  #resume(): void {
    if (!Number.isSafeInteger(this.#head)) this.#head = 0;
    this.#closed = this.memory.load32(HEADER.state) >= STATE.closed;
    const { slots } = this.header;
    const oldest = this.#oldest;
    if (!(oldest <= this.#head && this.#head - oldest <= slots)) this.#oldest = this.#head;
    else if (this.#arena) {
      for (let sequence = oldest; sequence < this.#head; sequence++) {
        const { slot } = this.#request;
        this.memory.read(slotOffset(sequence, slots), slot.bytes);
        const { payloadOffset, payloadBytes, blobBytes } = slot;
        if (this.#arena.resume(sequence, payloadOffset, payloadBytes + blobBytes)) continue;
        this.#oldest = this.#head;
        break;
      }
    }
    if (this.#oldest !== oldest) this.memory.store64(HEADER.oldest, this.#oldest);
    if (this.header.kind !== "frames" || this.#oldest === this.#head) return;
    const { slot } = this.#request, newest = new RecordMeta();
    this.memory.read(slotOffset(this.#head - 1, slots), slot.bytes);
    slot.decode(newest);
    this.generations.resume(newest);
  }
}
