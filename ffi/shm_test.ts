import { assert, assertEquals } from "@std/assert";
import { ERRNO } from "./errno.ts";
import { loadLibrary } from "./load.ts";
import { cString, type NativeSymbols } from "./symbols.ts";
import { freshName, nativeTest, TEST_LIBRARY } from "./testing.ts";

/** The names there are. */
function names(library: NativeSymbols): string[] {
  const into = new Uint8Array(1 << 16);
  const bytes = library.mr_shm_list(into, into.length);
  assert(bytes >= 0, String(bytes));
  return new TextDecoder().decode(into.subarray(0, bytes)).split("\0").slice(0, -1);
}

const textOf = (name: Uint8Array<ArrayBuffer>) => new TextDecoder().decode(name.subarray(0, -1));

nativeTest("memory has no name until it is published, is zeroed, and opens under its name then", (library) => {
  const name = freshName();
  const owner = library.mr_shm_create(10_000, 0o600);
  assert(owner > 0);
  assertEquals(library.mr_shm_open(name, 0), -ERRNO.ENOENT);
  assertEquals(library.mr_shm_same(owner, name), 0);
  assert(!names(library).includes(textOf(name)));
  assertEquals(library.mr_shm_publish(owner, name), 0);
  assert(names(library).includes(textOf(name)));
  assertEquals(library.mr_shm_same(owner, name), 1);
  const reader = library.mr_shm_open(name, 0);
  const size = new BigUint64Array(1), bytes = new Uint8Array(10_000).fill(1);
  assertEquals(library.mr_shm_size(reader, size), 0);
  assertEquals(size[0], 10_000n);
  assertEquals(library.mr_mem_read(reader, 0, bytes, 10_000), 0);
  assert(bytes.every((byte) => byte === 0));
  assertEquals(library.mr_shm_unpublish(owner, name), 1);
  assertEquals(library.mr_shm_unpublish(owner, name), 0);
  assertEquals(library.mr_shm_same(reader, name), 0);
  library.mr_close(owner);
  assertEquals(library.mr_mem_read(reader, 0, bytes, 10_000), 0, "who has it mapped keeps it");
  library.mr_close(reader);
});

nativeTest("mr_shm_owner() tells when the owner is gone", (library) => {
  const name = freshName();
  const owner = library.mr_shm_create(4096, 0o600);
  library.mr_shm_publish(owner, name);
  const reader = library.mr_shm_open(name, 0), writer = library.mr_shm_open(name, 1);
  assertEquals([owner, reader, writer].map((handle) => library.mr_shm_owner(handle)), [1, 1, 1]);
  assertEquals(library.mr_shm_reap(name), 0, "it lives");
  library.mr_close(owner);
  assertEquals([reader, writer].map((handle) => library.mr_shm_owner(handle)), [0, 0]);
  assertEquals(library.mr_shm_reap(name), 1);
  assertEquals(library.mr_shm_reap(name), 1, "it is gone, whoever did it");
  assertEquals(library.mr_shm_same(reader, name), 0);
  library.mr_close(reader);
  library.mr_close(writer);
});

nativeTest("mr_shm_publish() leaves a living owner its name and replaces a dead one's memory", (library) => {
  const name = freshName();
  const first = library.mr_shm_create(4096, 0o600), second = library.mr_shm_create(4096, 0o600);
  assertEquals(library.mr_shm_publish(first, name), 0);
  assertEquals(library.mr_shm_publish(second, name), -ERRNO.EEXIST);
  assertEquals(library.mr_shm_publish(first, name), -ERRNO.EEXIST, "itself lives too");
  assertEquals(library.mr_shm_same(first, name), 1);
  assertEquals(library.mr_shm_unpublish(second, name), 0, "the name is not its own");
  const reader = library.mr_shm_open(name, 0);
  assertEquals(library.mr_shm_publish(reader, freshName()), -ERRNO.EPERM);
  assertEquals(library.mr_shm_unpublish(reader, name), -ERRNO.EPERM);
  library.mr_mem_store32(first, 0, 1);
  library.mr_close(first);
  assertEquals(library.mr_shm_publish(second, name), 0);
  assertEquals(library.mr_shm_same(second, name), 1);
  const word = new Uint32Array(1);
  library.mr_mem_load32(reader, 0, word);
  assertEquals(word[0], 1, "the old reader still has the old memory");
  assertEquals(library.mr_shm_same(reader, name), 0, "and can see that it is old");
  assertEquals(library.mr_shm_unlink(name), 0);
  assertEquals(library.mr_shm_unlink(name), -ERRNO.ENOENT);
  library.mr_close(reader);
  library.mr_close(second);
});

nativeTest("mr_shm_replace() gives a name to other memory in one step, and to nobody else's", (library) => {
  const name = freshName();
  const [first, second, third] = [1, 2, 3].map(() => library.mr_shm_create(4096, 0o600));
  assertEquals(library.mr_shm_replace(second, first, name), -ERRNO.ESTALE, "the name means nothing");
  assertEquals(library.mr_shm_publish(first, name), 0);
  const reader = library.mr_shm_open(name, 0);
  assertEquals(library.mr_shm_replace(second, third, name), -ERRNO.ESTALE, "the name means another one");
  assertEquals(library.mr_shm_replace(second, reader, name), -ERRNO.EPERM);
  assertEquals(library.mr_shm_replace(reader, first, name), -ERRNO.EPERM);
  assertEquals(library.mr_shm_replace(second, 12_345_678, name), -ERRNO.EBADF);
  assertEquals(library.mr_shm_replace(second, first, name), 0);
  assertEquals([first, second, reader].map((handle) => library.mr_shm_same(handle, name)), [0, 1, 0]);
  assertEquals(library.mr_shm_owner(reader), 1, "who has the old one mapped keeps it");
  assertEquals(library.mr_shm_unpublish(first, name), 0);
  assertEquals(library.mr_shm_unpublish(second, name), 1);
  for (const handle of [first, second, third, reader]) library.mr_close(handle);
});

nativeTest("mr_shm_readers() counts the other processes that have a file mapped to read alone", async (library) => {
  const name = freshName(), other = freshName();
  const owner = library.mr_shm_create(4096, 0o600), second = library.mr_shm_create(4096, 0o600);
  library.mr_shm_publish(owner, name);
  library.mr_shm_publish(second, other);
  const own = library.mr_shm_open(name, 0);
  const names = new Uint8Array([...name, ...other, ...freshName()]);
  const count = () => {
    const readers = new Uint32Array(3).fill(99), unseen = new Uint32Array(1);
    assertEquals(library.mr_shm_readers(names, names.length, readers, 3, unseen), 3);
    return [...readers];
  };
  assertEquals(count(), [0, 0, 0], "neither the owner nor a reader of its own process");
  const script = (writable: number) => `
    const lib = Deno.dlopen(${JSON.stringify(TEST_LIBRARY)}, {
      mr_shm_open: { parameters: ["buffer", "u32"], result: "i32" },
    });
    for (let i = 0; i < 2; i++) lib.symbols.mr_shm_open(new Uint8Array(${JSON.stringify([...name])}), ${writable});
    console.log("ready");
    setInterval(() => {}, 1000);`;
  await inChild(script(0), () => assertEquals(count(), [1, 0, 0], "a process counts once"));
  await inChild(script(1), () => assertEquals(count(), [0, 0, 0], "who writes is no reader"));
  assertEquals(count(), [0, 0, 0]);
  const none = new Uint32Array(3);
  assertEquals(library.mr_shm_readers(names, names.length, none, 2, new Uint32Array(1)), -ERRNO.ENOBUFS);
  assertEquals(library.mr_shm_readers(names, names.length - 1, none, 3, new Uint32Array(1)), -ERRNO.EINVAL);
  assertEquals(library.mr_shm_readers(null, 0, none, 3, new Uint32Array(1)), -ERRNO.EFAULT);
  for (const [handle, of] of [[owner, name], [second, other]] as const) library.mr_shm_unpublish(handle, of);
  for (const handle of [owner, second, own]) library.mr_close(handle);
}, { run: [Deno.execPath()] });

nativeTest("mr_shm_chown() is for the owner's handle alone", (library) => {
  const name = freshName();
  const owner = library.mr_shm_create(4096, 0o600);
  library.mr_shm_publish(owner, name);
  const reader = library.mr_shm_open(name, 0), asIs = 0xffffffff;
  assertEquals(library.mr_shm_chown(owner, asIs, asIs), 0);
  assertEquals(library.mr_shm_chown(reader, asIs, asIs), -ERRNO.EPERM);
  library.mr_shm_unpublish(owner, name);
  library.mr_close(owner);
  assertEquals(library.mr_shm_chown(owner, asIs, asIs), -ERRNO.EBADF);
  library.mr_close(reader);
});

nativeTest(
  "a killed owner leaves nothing before it published, and a name that may be replaced after",
  async (library) => {
    for (const published of [false, true]) {
      const name = freshName();
      const script = `
      const lib = Deno.dlopen(${JSON.stringify(TEST_LIBRARY)}, {
        mr_shm_create: { parameters: ["u64", "u32"], result: "i32" },
        mr_shm_publish: { parameters: ["i32", "buffer"], result: "i32" },
      });
      const handle = lib.symbols.mr_shm_create(4096, 0o600);
      if (${published}) lib.symbols.mr_shm_publish(handle, new Uint8Array(${JSON.stringify([...name])}));
      console.log("ready");
      setInterval(() => {}, 1000);`;
      await inChild(script, () => {
        if (!published) return assertEquals(library.mr_shm_open(name, 0), -ERRNO.ENOENT);
        const reader = library.mr_shm_open(name, 0);
        assertEquals(library.mr_shm_owner(reader), 1, "seen across processes");
        library.mr_close(reader);
      });
      if (!published) {
        assert(!names(library).includes(textOf(name)));
        continue;
      }
      const reader = library.mr_shm_open(name, 0);
      assertEquals(library.mr_shm_owner(reader), 0);
      library.mr_close(reader);
      const next = library.mr_shm_create(4096, 0o600);
      assertEquals(library.mr_shm_publish(next, name), 0);
      assertEquals(library.mr_shm_unpublish(next, name), 1);
      library.mr_close(next);
    }
  },
  { run: true },
);

/** Runs a program in another process, `during` while it lives, and kills it. */
async function inChild(script: string, during: () => void): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-config", script],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  try {
    const { value } = await reader.read();
    assertEquals(new TextDecoder().decode(value).trim(), "ready");
    during();
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
  }
}

Deno.test("mr_shm_create() sets the mode whatever the umask", () => {
  const { symbols } = loadLibrary(TEST_LIBRARY);
  const before = Deno.umask(0o077);
  const name = freshName();
  const handle = symbols.mr_shm_create(4096, 0o664);
  try {
    assertEquals(symbols.mr_shm_publish(handle, name), 0);
    assertEquals(Deno.statSync(`/dev/shm/${textOf(name)}`).mode! & 0o777, 0o664);
  } finally {
    Deno.umask(before);
    symbols.mr_shm_unpublish(handle, name);
    symbols.mr_close(handle);
  }
});

Deno.test("mr_shm_open() follows no link, waits for no pipe, and takes neither a folder nor an empty file", async () => {
  const { symbols } = loadLibrary(TEST_LIBRARY);
  const name = `millrace-test-${crypto.randomUUID()}`, path = `/dev/shm/${name}`;
  const refused = (why: number) => {
    for (const writable of [0, 1]) assert([-why, -21].includes(symbols.mr_shm_open(cString(name), writable)), name);
    const rival = symbols.mr_shm_create(4096, 0o600);
    assertEquals(symbols.mr_shm_publish(rival, cString(name)), -ERRNO.EEXIST, "what is not memory is not replaced");
    symbols.mr_close(rival);
  };
  Deno.symlinkSync("/etc/passwd", path);
  refused(40);
  Deno.removeSync(path);
  Deno.mkdirSync(path);
  refused(ERRNO.EINVAL);
  Deno.removeSync(path);
  assert((await new Deno.Command("mkfifo", { args: [path] }).output()).success);
  refused(ERRNO.EINVAL);
  Deno.removeSync(path);
  Deno.writeFileSync(path, new Uint8Array());
  assertEquals(symbols.mr_shm_open(cString(name), 0), -ERRNO.EINVAL);
  assertEquals(symbols.mr_shm_reap(cString(name)), 1, "nobody owns it");
});

nativeTest("names are one printable component of at most 200 bytes", (library) => {
  const handle = library.mr_shm_create(4096, 0o600);
  for (const name of ["", ".", "..", ".hidden", "a/b", "/a", "../a", "sem.a", "a\nb", "a\x7f", "é".repeat(101)]) {
    const bytes = cString(name);
    assertEquals(library.mr_shm_publish(handle, bytes), -ERRNO.EINVAL, name);
    assertEquals(library.mr_shm_open(bytes, 0), -ERRNO.EINVAL, name);
    assertEquals(library.mr_shm_unlink(bytes), -ERRNO.EINVAL, name);
    assertEquals(library.mr_shm_reap(bytes), -ERRNO.EINVAL, name);
    assertEquals(library.mr_shm_same(handle, bytes), -ERRNO.EINVAL, name);
  }
  assertEquals(library.mr_shm_open(null, 0), -ERRNO.EFAULT);
  const long = cString("x".repeat(200 - 36) + crypto.randomUUID());
  assertEquals(library.mr_shm_publish(handle, long), 0);
  assertEquals(library.mr_shm_unpublish(handle, long), 1);
  library.mr_close(handle);
});

nativeTest("mr_shm_create() refuses sizes and modes that cannot be", (library) => {
  assertEquals(library.mr_shm_create(0, 0o600), -ERRNO.EINVAL);
  assertEquals(library.mr_shm_create(2n ** 63n, 0o600), -ERRNO.EFBIG);
  assertEquals(library.mr_shm_create(4096, 0o1600), -ERRNO.EINVAL);
  assertEquals(library.mr_shm_create(4096, 0o444), -ERRNO.EINVAL, "its owner could not replace it");
});

nativeTest("mr_shm_list() and mr_shm_room() say what there is", (library) => {
  const handle = library.mr_shm_create(1 << 20, 0o600), name = freshName();
  library.mr_shm_publish(handle, name);
  assertEquals(library.mr_shm_list(new Uint8Array(10), 10), -ERRNO.ENOBUFS);
  assertEquals(library.mr_shm_list(null, 10), -ERRNO.EFAULT);
  const free = new BigUint64Array(1), total = new BigUint64Array(1);
  assertEquals(library.mr_shm_room(free, total), 0);
  assert(total[0] === 0n || free[0] <= total[0]);
  library.mr_shm_unpublish(handle, name);
  library.mr_close(handle);
});
