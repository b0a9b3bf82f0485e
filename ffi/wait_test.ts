import { assert, assertEquals } from "@std/assert";
import { ERRNO } from "./errno.ts";
import type { NativeSymbols } from "./symbols.ts";
import { freshName, nativeTest } from "./testing.ts";

/** Some memories, each mapped to read as well. */
async function memories(
  library: NativeSymbols,
  count: number,
  run: (owners: number[], readers: number[]) => Promise<void> | void,
): Promise<void> {
  const owners: number[] = [], readers: number[] = [];
  for (let i = 0; i < count; i++) {
    const name = freshName();
    owners.push(library.mr_shm_create(4096, 0o600));
    assertEquals(library.mr_shm_publish(owners[i], name), 0);
    readers.push(library.mr_shm_open(name, 0));
    assertEquals(library.mr_shm_unpublish(owners[i], name), 1);
  }
  try {
    await run(owners, readers);
  } finally {
    for (const handle of [...owners, ...readers]) assertEquals(library.mr_close(handle), 0);
  }
}

const soon = () => new Promise((resolve) => setTimeout(resolve, 20));

nativeTest("mr_mem_wait() returns at once when the word is another, and when the time is over", async (library) => {
  await memories(library, 1, ([owner], [reader]) => {
    library.mr_mem_store32(owner, 144, 5);
    assertEquals(library.mr_mem_wait(reader, 144, 4, -1), 0);
    const before = performance.now();
    assertEquals(library.mr_mem_wait(reader, 144, 5, 30), -ERRNO.ETIMEDOUT);
    assert(performance.now() - before >= 29);
    assertEquals(library.mr_mem_wait(reader, 144, 5, 0), -ERRNO.ETIMEDOUT);
  });
});

nativeTest("mr_mem_notify() wakes who waits through a mapping to read", async (library) => {
  await memories(library, 1, async ([owner], [reader]) => {
    const waiting = [1, 2, 3].map(() => library.mr_mem_wait_async(reader, 144, 0, 10_000));
    await soon();
    library.mr_mem_store32(owner, 144, 1);
    const woken = library.mr_mem_notify(owner, 144);
    assert(woken >= 0 && woken <= 3);
    assertEquals(await Promise.all(waiting), [0, 0, 0]);
    assertEquals(library.mr_mem_notify(owner, 144), 0);
  });
});

nativeTest("mr_close() while another thread waits lets the wait end by itself", async (library) => {
  const owner = library.mr_shm_create(4096, 0o600);
  const waiting = library.mr_mem_wait_async(owner, 0, 0, 60);
  await soon();
  assertEquals(library.mr_close(owner), 0);
  assertEquals(library.mr_mem_wait(owner, 0, 0, 0), -ERRNO.EBADF);
  assertEquals(await waiting, -ERRNO.ETIMEDOUT);
});

nativeTest(
  "mr_shm_wait() is over when the owner died, and one that is told to stop is over as well",
  async (library) => {
    await memories(library, 1, async ([owner], [reader]) => {
      const stop = new Int32Array(new SharedArrayBuffer(4));
      assertEquals(library.mr_shm_wait(reader, 144, 1, -1, stop), 0);
      assertEquals(library.mr_shm_wait(reader, 144, 0, 30, stop), -ERRNO.ETIMEDOUT);
      assertEquals(library.mr_shm_wait(reader, 144, 0, 0, null), -ERRNO.EFAULT);
      assertEquals(library.mr_shm_wait(reader, 4096, 0, 0, stop), -ERRNO.ERANGE);
      const woken = library.mr_shm_wait_async(reader, 144, 0, 60_000, stop);
      await soon();
      library.mr_mem_store32(owner, 144, 1);
      library.mr_mem_notify(owner, 144);
      assertEquals(await woken, 0);
      const stopped = library.mr_shm_wait_async(reader, 144, 1, -1, stop);
      await soon();
      Atomics.store(stop, 0, 1); // and nobody wakes it
      assertEquals(await stopped, 0);
      assertEquals(library.mr_shm_wait(reader, 144, 1, -1, stop), 0, "nor is it begun");
    });
    const name = freshName();
    const owner = library.mr_shm_create(4096, 0o600);
    assertEquals(library.mr_shm_publish(owner, name), 0);
    const reader = library.mr_shm_open(name, 0), stop = new Int32Array(new SharedArrayBuffer(4));
    const waiting = library.mr_shm_wait_async(reader, 0, 0, -1, stop);
    await soon();
    assertEquals(library.mr_close(owner), 0);
    assertEquals(await waiting, -ERRNO.EOWNERDEAD);
    assertEquals([library.mr_shm_unlink(name), library.mr_close(reader)], [0, 0]);
  },
);

nativeTest("mr_mem_wait_many() names the word that changed", async (library) => {
  await memories(library, 5, async (owners, readers) => {
    const handles = new Int32Array(readers), offsets = new BigUint64Array(5).fill(144n), expected = new Uint32Array(5);
    assertEquals(library.mr_mem_wait_many(handles, offsets, expected, 5, 20), -ERRNO.ETIMEDOUT);
    const waiting = library.mr_mem_wait_many_async(handles, offsets, expected, 5, 10_000);
    await soon();
    library.mr_mem_store32(owners[3], 144, 1);
    library.mr_mem_notify(owners[3], 144);
    assertEquals(await waiting, 3);
    assertEquals(library.mr_mem_wait_many(handles, offsets, expected, 5, -1), 3, "it has changed already");
    expected[3] = 1;
    assertEquals(library.mr_mem_wait_many(handles, offsets, expected, 5, 0), -ERRNO.ETIMEDOUT);
  });
});

nativeTest("mr_mem_wait_many() takes 128 words, and not a closed one among them", async (library) => {
  await memories(library, 1, ([owner]) => {
    const handles = new Int32Array(129).fill(owner), offsets = new BigUint64Array(129), expected = new Uint32Array(129);
    for (let i = 0; i < 129; i++) offsets[i] = BigInt(4 * i);
    library.mr_mem_store32(owner, 4 * 127, 9);
    assertEquals(library.mr_mem_wait_many(handles, offsets, expected, 128, -1), 127);
    assertEquals(library.mr_mem_wait_many(handles, offsets, expected, 129, 0), -ERRNO.EINVAL);
    assertEquals(library.mr_mem_wait_many(handles, offsets, expected, 0, 0), -ERRNO.EINVAL);
    assertEquals(library.mr_mem_wait_many(null, offsets, expected, 1, 0), -ERRNO.EFAULT);
    offsets[5] = 4096n;
    assertEquals(library.mr_mem_wait_many(handles, offsets, expected, 128, 0), -ERRNO.ERANGE);
    offsets[5] = 20n;
    handles[6] = 4711;
    assertEquals(library.mr_mem_wait_many(handles, offsets, expected, 128, 0), -ERRNO.EBADF);
  });
});
