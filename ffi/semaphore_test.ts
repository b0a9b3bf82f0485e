import { assert, assertEquals } from "@std/assert";
import { ERRNO } from "./errno.ts";
import { cString } from "./symbols.ts";
import { freshName, nativeTest, TEST_LIBRARY } from "./testing.ts";
import { loadLibrary } from "./load.ts";

nativeTest("a semaphore counts, over all who opened it", async (library) => {
  const name = freshName();
  assertEquals(library.mr_sem_open(name, 0, 0, 0), -ERRNO.ENOENT);
  const first = library.mr_sem_open(name, 2, 0o600, 2);
  assert(first > 0, String(first));
  assertEquals(library.mr_sem_open(name, 2, 0o600, 2), -ERRNO.EEXIST);
  const second = library.mr_sem_open(name, 1, 0o600, 77);
  assertEquals(library.mr_sem_value(second), 2, "the value counts only where it is made");
  assertEquals(library.mr_sem_trywait(second), 0);
  assertEquals(library.mr_sem_wait(first, -1), 0);
  assertEquals(library.mr_sem_trywait(first), -ERRNO.EAGAIN);
  assertEquals(library.mr_sem_wait(first, 20), -ERRNO.ETIMEDOUT);
  const waiting = library.mr_sem_wait_async(first, 10_000);
  assertEquals(library.mr_sem_post(second), 0);
  assertEquals(await waiting, 0);
  assertEquals(library.mr_sem_unlink(name), 0);
  assertEquals(library.mr_sem_unlink(name), -ERRNO.ENOENT);
  assertEquals(library.mr_close(first), 0);
  assertEquals(library.mr_sem_post(first), -ERRNO.EBADF);
  assertEquals(library.mr_sem_post(second), 0, "open for others still");
  library.mr_close(second);
});

Deno.test("mr_sem_open() sets the mode whatever the umask", () => {
  const { symbols } = loadLibrary(TEST_LIBRARY);
  const name = `millrace-test-${crypto.randomUUID()}`;
  const before = Deno.umask(0o077);
  try {
    const handle = symbols.mr_sem_open(cString(name), 2, 0o664, 0);
    assert(handle > 0);
    symbols.mr_close(handle);
    assertEquals(Deno.statSync(`/dev/shm/sem.${name}`).mode! & 0o777, 0o664);
  } finally {
    Deno.umask(before);
    assertEquals(symbols.mr_sem_unlink(cString(name)), 0);
  }
});

nativeTest("mr_sem_open() takes only good names and values", (library) => {
  for (const name of ["", ".", "..", ".x", "a/b", "/a", "sem.a", "a\nb", "x".repeat(201)]) {
    assertEquals(library.mr_sem_open(cString(name), 1, 0o600, 0), -ERRNO.EINVAL, name);
    assertEquals(library.mr_sem_unlink(cString(name)), -ERRNO.EINVAL, name);
  }
  assertEquals(library.mr_sem_open(null, 1, 0o600, 0), -ERRNO.EFAULT);
  assertEquals(library.mr_sem_open(freshName(), 3, 0o600, 0), -ERRNO.EINVAL);
  assertEquals(library.mr_sem_open(freshName(), 1, 0o1777, 0), -ERRNO.EINVAL);
  assertEquals(library.mr_sem_open(freshName(), 1, 0o600, 2 ** 31), -ERRNO.EINVAL);
});
