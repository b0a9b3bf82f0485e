import { Frame, SetupError } from "../media/mod.ts";
import type { RecordMeta, RingReader } from "../ring/mod.ts";
import type { NativeLibrary } from "../../ffi/load.ts";
import type { Mapping } from "./mapping.ts";
import { frameOf, type RecordPlace } from "./records.ts";
import { shmError } from "./shm_error.ts";

/** What a borrow needs of the reader that it is of. */
export interface BorrowContext {
  library: NativeLibrary;
  /** Keeps the memory mapped; its hold ends with the borrow. */
  mapping: Mapping;
  /** Has the record peeked. */
  reader: RingReader;
  meta: RecordMeta;
  place: RecordPlace;
  /** Called once, when it is over: whether it was whole to the end. */
  onEnd(whole: boolean): void;
}

/**
 * A frame where it lies in the ring's memory, without a copy. The writer does not wait, and may overwrite it at any time: what was
 * made of it counts only if `valid()` says so afterwards. `copy()` gives pixels to keep, on the same condition; `blob` is a copy
 * on that condition, too.
 *
 * The memory is mapped to read: writing into the pixels ends the process. It stays mapped until the frame is disposed of, also
 * where the reader is closed before; then its arrays are empty, whoever still has them.
 */
export class BorrowedFrame extends Frame {
  readonly #reader: RingReader;
  readonly #end: { whole: boolean | null };

  private constructor(frame: Frame, reader: RingReader, end: { whole: boolean | null }, release: () => void) {
    super(frame, frame.planes, { clone: refuseClone, release });
    this.#reader = reader;
    this.#end = end;
  }

  /**
   * Takes the context's hold over, also where it fails.
   *
   * @throws {SetupError} `permission` where this program may not make a pointer.
   */
  static begin({ library, mapping, reader, meta, place, onEnd }: BorrowContext): BorrowedFrame {
    let buffer: ArrayBuffer;
    try {
      buffer = mappedBuffer(library, mapping, meta);
    } catch (error) {
      mapping.release();
      throw error;
    }
    const end: { whole: boolean | null } = { whole: null };
    const release = () => {
      end.whole = reader.take();
      // Detached: whoever kept an array has an empty one now, and none into memory that may go.
      buffer.transfer();
      mapping.release();
      onEnd(end.whole);
    };
    const lease = { clone: refuseClone, release };
    return new BorrowedFrame(frameOf(meta, place, new Uint8Array(buffer), lease), reader, end, release);
  }

  /** Whether it is whole until now; of one that was disposed of, whether it was until then. */
  valid(): boolean {
    return this.#end.whole ?? this.#reader.validate();
  }
}

function refuseClone(): never {
  throw new TypeError("Cannot clone a borrowed frame: copy() it, and ask valid() afterwards");
}

/** The bytes of a record where they lie. */
function mappedBuffer(library: NativeLibrary, mapping: Mapping, meta: RecordMeta): ArrayBuffer {
  const address = new BigUint64Array(1);
  const result = library.symbols.mr_mem_address(mapping.memory.handle, address);
  if (result < 0) throw shmError("Cannot borrow a frame", result);
  try {
    const pointer = Deno.UnsafePointer.create(address[0])!;
    return Deno.UnsafePointerView.getArrayBuffer(pointer, meta.bytes + meta.blobBytes, meta.offset);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new SetupError(
      "permission",
      "Cannot borrow a frame: this program may not make a pointer; run it with --allow-ffi, without a path",
      { cause },
    );
  }
}
