/**
 * The ring: one writer, any number of readers, one block of memory shared by threads or by processes. The writer never waits; a
 * reader never gets a record that was overwritten while it was read, and learns how many it missed.
 *
 * @module
 */
export { codecCode, codecOf, frameRecord, RecordMeta, SlotRecord } from "./meta.ts";
export type { RecordInfo, RecordPlane } from "./meta.ts";
export { audioRecord, audioUnitOf, dataRecord, dataUnitOf } from "./side_records.ts";
export { HEADER, LAYOUT_VERSION, MAGIC, readHeader, ringBytes, STATE } from "./layout.ts";
export type { PayloadKind, RingHeader, RingOptions, RingPolicy, RingRoom } from "./layout.ts";
export type { RingMemory, WaitResult } from "./memory.ts";
export { type Reading, type ReadResult, RESULT, STEP } from "./reading.ts";
export type { WriteRequest } from "./write_request.ts";
export { SharedRingMemory } from "./shared_memory.ts";
export { Generations } from "./generations.ts";
export { createRing, RingWriter } from "./writer.ts";
export type { CreateRingOptions, Reservation, RingWriterStats } from "./writer.ts";
export { RingReader } from "./reader.ts";
export type { ReadMode, ReadStart, RingReaderStats } from "./reader.ts";
