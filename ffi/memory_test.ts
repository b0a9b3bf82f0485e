import { assert, assertEquals } from "@std/assert";
import { ERRNO } from "./errno.ts";
import { cString, type NativeSymbols } from "./symbols.ts";
import { freshName, nativeTest } from "./testing.ts";

const SIZE = 8192;

/** Memory mapped twice: by its owner, and to read only. */
function mapped(library: NativeSymbols, run: (owner: number, reader: number) => void): void {
  const name = freshName();
  const owner = library.mr_shm_create(SIZE, 0o600);
  assert(owner > 0);
  assertEquals(library.mr_shm_publish(owner, name), 0);
  const reader = library.mr_shm_open(name, 0);
  assert(reader > 0);
  try {
    run(owner, reader);
  } finally {
    assertEquals(library.mr_shm_unpublish(owner, name), 1);
    library.mr_close(reader);
    library.mr_close(owner);
  }
}

nativeTest("words stored in memory are loaded from its other mapping, little-endian", (library) => {
  mapped(library, (owner, reader) => {
    const word = new Uint32Array(1), long = new BigUint64Array(1), bytes = new Uint8Array(8);
    assertEquals(library.mr_mem_store32(owner, 144, 0xfedcba98), 0);
    assertEquals(library.mr_mem_load32(reader, 144, word), 0);
    assertEquals(word[0], 0xfedcba98);
    assertEquals(library.mr_mem_store64(owner, 128, new BigUint64Array([0x0102030405060708n])), 0);
    assertEquals(library.mr_mem_fence(), 0);
    assertEquals(library.mr_mem_load64(reader, 128, long), 0);
    assertEquals(long[0], 0x0102030405060708n);
    assertEquals(library.mr_mem_read(reader, 128, bytes, 8), 0);
    assertEquals([...bytes], [8, 7, 6, 5, 4, 3, 2, 1]);
  });
});

nativeTest("mr_mem_write() and mr_mem_read() reach the last byte and not one more", (library) => {
  mapped(library, (owner, reader) => {
    const bytes = new Uint8Array(SIZE).map((_, i) => i);
    assertEquals(library.mr_mem_write(owner, 0, bytes, SIZE), 0);
    const into = new Uint8Array(SIZE);
    assertEquals(library.mr_mem_read(reader, 0, into, SIZE), 0);
    assertEquals(into, bytes);
    assertEquals(library.mr_mem_write(owner, SIZE, bytes, 0), 0, "nothing fits anywhere");
    assertEquals(library.mr_mem_write(owner, 0, null, 0), 0);
    for (const [offset, length] of [[1, SIZE], [SIZE, 1], [2 ** 53 - 1, 1], [0, SIZE + 1], [SIZE - 3, 4]]) {
      assertEquals(library.mr_mem_write(owner, offset, bytes, length), -ERRNO.ERANGE, `${offset} ${length}`);
      assertEquals(library.mr_mem_read(reader, offset, into, length), -ERRNO.ERANGE);
    }
    // Sums that wrap around.
    assertEquals(library.mr_mem_read(reader, 2n ** 64n - 1n, into, 2), -ERRNO.ERANGE);
    assertEquals(library.mr_mem_read(reader, 2, into, 2n ** 64n - 1n), -ERRNO.ERANGE);
  });
});

nativeTest("words must lie inside the memory, at a multiple of their width", (library) => {
  mapped(library, (owner) => {
    const word = new Uint32Array(1), long = new BigUint64Array(1);
    assertEquals(library.mr_mem_load32(owner, SIZE - 4, word), 0);
    assertEquals(library.mr_mem_load64(owner, SIZE - 8, long), 0);
    for (const offset of [2, SIZE - 2, SIZE, 2 ** 64, 2 ** 53 + 4, -4, 4.5, NaN, Infinity]) {
      assertEquals(library.mr_mem_load32(owner, offset, word), -ERRNO.ERANGE);
      assertEquals(library.mr_mem_store32(owner, offset, 1), -ERRNO.ERANGE);
      assertEquals(library.mr_mem_notify(owner, offset), -ERRNO.ERANGE);
    }
    for (const offset of [2, SIZE - 2, SIZE, 2n ** 64n - 4n]) {
      assertEquals(library.mr_mem_wait(owner, offset, 0, 0), -ERRNO.ERANGE);
    }
    for (const offset of [4, SIZE - 4, SIZE, 2 ** 64, -8, 8.5, NaN]) {
      assertEquals(library.mr_mem_load64(owner, offset, long), -ERRNO.ERANGE);
      assertEquals(library.mr_mem_store64(owner, offset, long), -ERRNO.ERANGE);
    }
  });
});

nativeTest("memory that was opened to read cannot be written", (library) => {
  mapped(library, (_, reader) => {
    const bytes = new Uint8Array(64);
    assertEquals(library.mr_mem_store32(reader, 0, 1), -ERRNO.EACCES);
    assertEquals(library.mr_mem_store64(reader, 0, new BigUint64Array(1)), -ERRNO.EACCES);
    assertEquals(library.mr_mem_write(reader, 0, bytes, 8), -ERRNO.EACCES);
    assertEquals(library.mr_mem_write_rows(reader, 0, 8, bytes, 64, 0, 8, 8, 8), -ERRNO.EACCES);
  });
});

nativeTest("mr_mem_write_rows() and mr_mem_read_rows() change strides, in shared buffers as well", (library) => {
  mapped(library, (owner, reader) => {
    // Three rows of five bytes out of a picture eight wide, packed, and back into one seven wide.
    const picture = new Uint8Array(new SharedArrayBuffer(64)).map((_, i) => i);
    assertEquals(library.mr_mem_write_rows(owner, 100, 5, picture, 64, 16, 8, 5, 3), 0);
    const packed = new Uint8Array(16).fill(255);
    assertEquals(library.mr_mem_read(reader, 100, packed, 15), 0);
    assertEquals([...packed], [16, 17, 18, 19, 20, 24, 25, 26, 27, 28, 32, 33, 34, 35, 36, 255]);
    const wide = new Uint8Array(21).fill(255);
    assertEquals(library.mr_mem_read_rows(reader, 100, 5, wide, 21, 1, 7, 5, 3), 0);
    assertEquals([...wide.subarray(0, 9)], [255, 16, 17, 18, 19, 20, 255, 255, 24]);
    assertEquals([...wide.subarray(15)], [32, 33, 34, 35, 36, 255]);
    // Both packed: one copy.
    assertEquals(library.mr_mem_read_rows(reader, 100, 5, wide, 21, 0, 5, 5, 3), 0);
    assertEquals(wide.subarray(0, 15), packed.subarray(0, 15));
  });
});

nativeTest("mr_mem_write_rows() checks the memory and the buffer", (library) => {
  mapped(library, (owner) => {
    const buffer = new Uint8Array(64);
    const rows = (offset: number, stride: number, bufferOffset: number, bufferStride: number, row: number, n: number) =>
      library.mr_mem_write_rows(owner, offset, stride, buffer, 64, bufferOffset, bufferStride, row, n);
    assertEquals(rows(0, 8, 0, 8, 8, 8), 0);
    assertEquals(rows(0, 8, 1, 8, 8, 8), -ERRNO.ERANGE, "one past the buffer");
    assertEquals(rows(0, 8, 0, 9, 8, 8), -ERRNO.ERANGE);
    assertEquals(rows(0, 8, 2 ** 53, 8, 8, 8), -ERRNO.ERANGE);
    assertEquals(rows(0, 8, 0, 8, 65, 1), -ERRNO.ERANGE);
    assertEquals(rows(SIZE - 64, 8, 0, 8, 8, 8), 0);
    assertEquals(rows(SIZE - 63, 8, 0, 8, 8, 8), -ERRNO.ERANGE, "one past the memory");
    assertEquals(rows(0, 7, 0, 8, 8, 2), -ERRNO.EINVAL, "rows that overlap");
    assertEquals(rows(0, 0, 0, 0, 64, 1), 0, "one row needs no stride");
    assertEquals(rows(0, 0xffffffff, 0, 8, 8, 0xffffffff), -ERRNO.ERANGE);
    assertEquals(rows(0, 8, 0, 8, 0, 8), 0);
    assertEquals(rows(0, 8, 0, 8, 8, 0), 0);
    assertEquals(library.mr_mem_read_rows(owner, 0, 8, null, 64, 0, 8, 8, 8), -ERRNO.EFAULT);
  });
});

nativeTest("the memory functions know no closed handle, and none of another kind", (library) => {
  const poll = library.mr_poll_new();
  for (const handle of [poll, 0, 4711]) {
    const word = new BigUint64Array(1);
    assertEquals(library.mr_mem_load32(handle, 0, word), -ERRNO.EBADF);
    assertEquals(library.mr_mem_store64(handle, 0, word), -ERRNO.EBADF);
    assertEquals(library.mr_mem_read(handle, 0, word, 8), -ERRNO.EBADF);
    assertEquals(library.mr_shm_size(handle, word), -ERRNO.EBADF);
    assertEquals(library.mr_shm_owner(handle), -ERRNO.EBADF);
    assertEquals(library.mr_shm_publish(handle, cString("x")), -ERRNO.EBADF);
    assertEquals(library.mr_mem_wait(handle, 0, 0, 0), -ERRNO.EBADF);
  }
  library.mr_close(poll);
});
