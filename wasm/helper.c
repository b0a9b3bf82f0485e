#include "helper.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "bridge.h"

/* TypeScript knows these numbers, and where `state`, `end`, `written`, `done` and `stack_end` are: see helper.ts. */
enum state { ABSENT = 0, READY = 1, BUSY = 2, GONE = 3, STOPPED = 4 };
enum end { NOT_YET = 0, WHEN_FREE = 1, AT_ONCE = 2 };

enum { SKIP = 0, ALIGNMENT = 16, STACK_BYTES = 512 * 1024 };
/* Bytes of commands: after which it is said how far the second thread is, that it is woken for, and that are much. */
enum { TOLD_AFTER = MR_RING_BYTES / 16, WORTH_WAKING = 16 * 1024, BEHIND = MR_RING_BYTES / 4 };
/* Looks before a thread sleeps: some tens of microseconds. Then seconds in which nothing is done before the other is given up. */
enum { LOOKS = 20000, SECOND = 1000 * 1000 * 1000, PATIENCE = 20 };

static struct {
  _Atomic uint32_t state, end;
  /* Bytes that were ever written and run, modulo 2^32. */
  _Atomic uint32_t written, done;
  _Atomic uint32_t runner_sleeps, writer_sleeps;
  uint8_t *ring, *stack_end;
  /* What must be done before the first thread, which sleeps, can go on. */
  uint32_t wake_at;
  /* Of the memory when the first thread last began: the engine may tell the second of growth later. */
  uint32_t pages;
} helper;

/* The first thread's own. */
static uint32_t next, known_done;
static int64_t least_samples;

/* The second thread's block of thread-local variables. */
static _Alignas(64) char thread_block[4096];
extern void __wasm_init_tls(void *block);

/* Whether a position of the ring has been reached; positions are never further apart than the ring is long. */
static int reached(uint32_t position, uint32_t now) { return (int32_t)(now - position) >= 0; }

/* Waits on the first thread. */
static void wait_until_done(uint32_t position) {
  for (int seconds = 0; seconds < PATIENCE;) {
    uint32_t done = known_done;
    for (int i = 0; i < LOOKS; i++) {
      done = atomic_load(&helper.done);
      if (!reached(position, done)) continue;
      known_done = done;
      return;
    }
    seconds = done == known_done ? seconds + 1 : 0;
    known_done = done;
    helper.wake_at = position;
    atomic_store(&helper.writer_sleeps, 1);
    if (atomic_load(&helper.state) != BUSY) break;
    __builtin_wasm_memory_atomic_wait32((int *)&helper.done, (int)done, SECOND);
    atomic_store(&helper.writer_sleeps, 0);
  }
  __builtin_trap();
}

static void tell_done(uint32_t position) {
  atomic_store(&helper.done, position);
  if (atomic_load(&helper.writer_sleeps) && reached(helper.wake_at, position))
    __builtin_wasm_memory_atomic_notify((int *)&helper.done, 1);
}

/* Waits on the second thread, for something more than is known. */
static void wait_for_more(uint32_t written) {
  for (int i = 0; i < LOOKS; i++)
    if (atomic_load(&helper.written) != written) return;
  atomic_store(&helper.runner_sleeps, 1);
  __builtin_wasm_memory_atomic_wait32((int *)&helper.written, (int)written, SECOND);
  atomic_store(&helper.runner_sleeps, 0);
}

/* Waking a thread costs as much as some dozens of commands: it is not done for fewer, unless they are waited for. */
static void publish(uint32_t worth) {
  atomic_store(&helper.written, next);
  if (atomic_load(&helper.runner_sleeps) && next - atomic_load(&helper.done) >= worth)
    __builtin_wasm_memory_atomic_notify((int *)&helper.written, 1);
}

int mr_helper_begin(int64_t samples) {
  uint32_t expected = READY;
  if (samples < least_samples || !atomic_compare_exchange_strong(&helper.state, &expected, BUSY)) return 0;
  helper.pages = __builtin_wasm_memory_size(0);
  next = known_done = atomic_load(&helper.done);
  return 1;
}

void mr_helper_publish(void) { publish(WORTH_WAKING); }

void *mr_helper_command(uint32_t operation, uint32_t bytes) {
  bytes = (2 * sizeof(uint32_t) + bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1u);
  uint32_t at = next % MR_RING_BYTES, skipped = MR_RING_BYTES - at;
  if (skipped >= bytes) skipped = 0;
  if (next + skipped + bytes - known_done > MR_RING_BYTES) {
    publish(0);
    wait_until_done(next - MR_RING_BYTES / 2);
  }
  if (skipped) {
    uint32_t *rest = (uint32_t *)(helper.ring + at);
    rest[0] = SKIP, rest[1] = skipped;
    next += skipped, at = 0;
  }
  uint32_t *command = (uint32_t *)(helper.ring + at);
  command[0] = operation, command[1] = bytes;
  next += bytes;
  return command + 2;
}

int mr_helper_behind(void) { return next - atomic_load(&helper.done) > BEHIND; }

void mr_helper_settle(void) {
  publish(0);
  wait_until_done(next);
}

void mr_helper_finish(void) {
  mr_helper_settle();
  atomic_store(&helper.state, READY);
}

uint32_t mr_helper_prepare(double samples) {
  if (!mr_hevc_run || __builtin_wasm_tls_size() > sizeof thread_block) return 0;
  least_samples = (int64_t)samples;
  if (!helper.ring) helper.ring = aligned_alloc(64, MR_RING_BYTES);
  if (!helper.stack_end) {
    uint8_t *stack = aligned_alloc(64, STACK_BYTES);
    if (stack) helper.stack_end = stack + STACK_BYTES;
  }
  return helper.ring && helper.stack_end ? (uint32_t)(uintptr_t)&helper : 0;
}

/* A function apart: it is called again and again, and so the engine compiles it well. */
static __attribute__((noinline)) void run(uint32_t from, uint32_t to) {
  while (__builtin_wasm_memory_size(0) < helper.pages) __builtin_wasm_memory_grow(0, 0);
  for (uint32_t told = from; from != to;) {
    uint32_t *command = (uint32_t *)(helper.ring + from % MR_RING_BYTES);
    if (command[0] != SKIP) mr_hevc_run(command[0], command + 2);
    from += command[1];
    if (from == to || from - told > TOLD_AFTER) tell_done(told = from);
  }
}

void mr_helper_run(void) {
  __wasm_init_tls(thread_block);
  uint32_t read = atomic_load(&helper.written), expected = ABSENT;
  atomic_store(&helper.done, read);
  if (!atomic_compare_exchange_strong(&helper.state, &expected, READY)) return;
  for (;;) {
    const uint32_t written = atomic_load(&helper.written), end = atomic_load(&helper.end);
    expected = READY;
    if (end == AT_ONCE) {
      atomic_store(&helper.state, STOPPED);
      return;
    }
    if (end == WHEN_FREE && atomic_compare_exchange_strong(&helper.state, &expected, GONE)) return;
    if (read == written) {
      wait_for_more(written);
      continue;
    }
    run(read, written);
    read = written;
  }
}
