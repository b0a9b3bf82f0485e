/** Rings in POSIX shared memory, for other processes. @module */
export { type EventFdOptions, EventFdServer, type EventFdStats, shareEventFds } from "./event_fds.ts";
export { listRings, type ShmInfo } from "./shm_list.ts";
export { ShmRingMemory } from "./shm_memory.ts";
export { ShmSelector, type ShmSelectorOptions } from "./selector.ts";
export type { SelectableReader } from "./selectable.ts";
export { ShmReader, type ShmReaderOptions, type ShmReaderStats } from "./shm_reader.ts";
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
export { type ByteRingOptions, type FrameRingOptions, ShmWriter } from "./shm_writer.ts";
