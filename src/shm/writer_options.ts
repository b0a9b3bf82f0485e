// Pure: no I/O.
import { packedBytes, type PixelFormat, type RingPlan } from "../media/mod.ts";
import type { RingOptions } from "../ring/mod.ts";

/** Who may read a ring, and what happens where it gets too small. */
export interface RingAccess {
  /** `"valkka"` takes other options. */
  protocol?: "millrace";
  /** Permission bits of the memory, whatever the umask; readers need the read bit. @default {0o600} */
  mode?: number;
  /** Number of the user that the memory belongs to; only root may give it away. @default {the program's own} */
  owner?: number;
  /** Number of its group: one of the program's own, unless it is root. @default {the program's own} */
  group?: number;
}

/** Whether a payload that is larger than the ring's room is refused, or the ring is made anew under its name with more room. */
export type LargerPayload = "refuse" | "remake";

/** A ring of frames of one size and format. */
export interface FrameRingOptions extends RingAccess {
  /** Frames that it holds: how far a reader may fall behind before it misses some. @default {10} */
  slots?: number;
  width: number;
  height: number;
  format: PixelFormat;
  /** Bytes of the largest blob beside a frame. @default {1024} */
  blobBytes?: number;
}

/** A ring of frames of any size and format: for a camera whose size may change. */
export interface AnyFrameRingOptions extends RingAccess {
  /** Frames that it holds. @default {10} */
  slots?: number;
  /** Bytes of the largest frame: `packedBytes("I420", 1920, 1080)`. */
  maxBytes: number;
  /**
   * What happens to a frame that is larger: `write()` throws, or the ring is made anew with room for it, and its readers
   * follow. @default {"refuse"}
   */
  larger?: LargerPayload;
  /** Bytes of the largest blob beside a frame. @default {1024} */
  blobBytes?: number;
}

/** A ring of anything else, in cells of one size, or each payload as large as it is in one arena for all. */
export type ByteRingOptions =
  & RingAccess
  & {
    /** @default {"bytes"} */
    kind?: "access-units" | "mp4" | "bytes";
    /** What happens to a payload that is larger than the room. @default {"refuse"} */
    larger?: LargerPayload;
  }
  & (
    | {
      /** @default {10} */
      slots?: number;
      /** Bytes of the largest payload, its blob included. */
      cellBytes: number;
    }
    | {
      /** Payloads that it holds at most. @default {256} */
      slots?: number;
      /** Bytes of all payloads that the ring holds at a time. @default {8 MiB} */
      arenaBytes?: number;
    }
  );

/** Whichever ring of ours. */
export type AnyRingOptions = FrameRingOptions | AnyFrameRingOptions | ByteRingOptions;

const BLOB_BYTES = 1_024;
const ARENA_BYTES = 8 << 20;

/** The measures of the ring that is asked for. */
export function layoutOf(options: AnyRingOptions): RingOptions {
  if ("width" in options || "maxBytes" in options) {
    const { slots = 10, blobBytes = BLOB_BYTES } = options;
    const largest = "width" in options ? packedBytes(options.format, options.width, options.height) : options.maxBytes;
    return { kind: "frames", policy: "fixed", slots, cellBytes: largest + blobBytes };
  }
  const kind = options.kind ?? "bytes";
  if ("cellBytes" in options) {
    return { kind, policy: "fixed", slots: options.slots ?? 10, cellBytes: options.cellBytes };
  }
  const { slots = 256, arenaBytes = ARENA_BYTES } = options;
  return { kind, policy: "variable", slots, arenaBytes };
}

/** @throws {RangeError} where the owner or the group is no number of one, or the mode none that its owner could read and write. */
export function planOf(name: string, options: AnyRingOptions): RingPlan {
  const { mode = 0o600, owner = -1, group = -1 } = options;
  for (const [what, id] of [["owner", owner], ["group", group]] as const) {
    if (Number.isInteger(id) && id >= -1 && id < 2 ** 32 - 1) continue;
    throw new RangeError(`Cannot create ring "${name}": ${what} is ${id}, expected the number of one`);
  }
  if (!Number.isInteger(mode) || mode < 0o600 || mode > 0o777 || (mode & 0o600) !== 0o600) {
    const is = Number.isInteger(mode) ? `0o${mode.toString(8)}` : mode;
    throw new RangeError(
      `Cannot create ring "${name}": mode is ${is}, expected 0o600 to 0o777, with both bits of its owner`,
    );
  }
  const fixed = "width" in options;
  const shape = fixed ? { width: options.width, height: options.height, format: options.format } : null;
  const larger = fixed ? "refuse" : options.larger ?? "refuse";
  const blobBytes = fixed || "maxBytes" in options ? options.blobBytes ?? BLOB_BYTES : 0;
  return { name, shape, larger, blobBytes, mode, owner, group };
}
