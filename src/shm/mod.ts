/** Rings in POSIX shared memory, for other processes. @module */
export { type EventFdOptions, EventFdServer, type EventFdStats, shareEventFds } from "./event_fds.ts";
export { BorrowedFrame } from "./borrowed_frame.ts";
export type { ShmInfo } from "./ring_info.ts";
export { cleanRings, type LeftRing } from "./shm_clean.ts";
export { listRings } from "./shm_list.ts";
export { ShmRingMemory } from "./shm_memory.ts";
export { ShmSelector, type ShmSelectorOptions } from "./selector.ts";
export type { SelectableReader } from "./selectable.ts";
export { PlannedWriter } from "./planned_writer.ts";
export type { GapOptions, ShmReaderOptions, ShmReaderStats, ShmRecord, ShmUnit } from "./reader_options.ts";
export { ShmReader } from "./shm_reader.ts";
export {
  type ValkkaByteOptions,
  type ValkkaFrameOptions,
  type ValkkaMeasures,
  ValkkaPusher,
  ValkkaReader,
  type ValkkaReaderOptions,
  type ValkkaReaderStats,
  ValkkaWriter,
  type ValkkaWriterOptions,
} from "./valkka/mod.ts";
export { ShmWriter, type WriteFrameOptions, type WriteUnitOptions } from "./shm_writer.ts";
export type {
  AnyFrameRingOptions,
  AnyRingOptions,
  ByteRingOptions,
  FrameRingOptions,
  LargerPayload,
  RingAccess,
} from "./writer_options.ts";
