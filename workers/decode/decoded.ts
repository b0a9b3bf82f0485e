// Pure: no I/O.
import type { FrameInfo } from "../../src/media/mod.ts";
import type { PlanePlace } from "../../src/decode/frame_table.ts";

/** One picture on its way through the jobs of its source: what it is, where it lies, and how to give it back. */
export interface Decoded {
  info: FrameInfo;
  planes: readonly PlanePlace[];
  /** Samples over the full range instead of the video range. */
  fullRange: boolean;
  /** ITU-T H.273's number of the YUV matrix. */
  matrix: number;
  /** Pictures of the source that were lost up to this one, and that a reader of all of them would have got. */
  lost: number;
  /** Its entry in the frame table, once a queue has it; -1 before. */
  entry: number;
  /** Gives the pixels back. */
  release: () => void;
}
