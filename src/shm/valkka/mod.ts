/** Rings in libValkka's layout, for its programs and from them. @module */
export type { ValkkaByteOptions, ValkkaFrameOptions, ValkkaKind, ValkkaMeasures } from "./layout.ts";
export { ValkkaPusher } from "./valkka_pusher.ts";
export { ValkkaReader, type ValkkaReaderOptions, type ValkkaReaderStats } from "./valkka_reader.ts";
export { ValkkaWriter, type ValkkaWriterOptions } from "./valkka_writer.ts";
