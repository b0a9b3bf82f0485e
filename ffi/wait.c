/* Waiting on words of shared memory: futexes that other processes wake, never the process-private kind. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "deadline.h"
#include "memory.h"
#include "millrace.h"

#define WORDS_MAX 128
/* Without futex_waitv each word is looked at this often. */
#define SLICE_MS 2

static uint32_t load(const uint32_t *word) {
  return atomic_load_explicit((const _Atomic uint32_t *)word, memory_order_acquire);
}

int mr_word_wait(const uint32_t *word, uint32_t expected, const struct timespec *deadline) {
  for (;;) {
    if (load(word) != expected) return 0;
    /* The bitset kind, because its timeout is a point in time. */
    long failed = syscall(SYS_futex, word, FUTEX_WAIT_BITSET, expected, deadline, NULL, FUTEX_BITSET_MATCH_ANY);
    if (failed == 0 || errno == EAGAIN) return 0;
    if (errno != EINTR) return -errno;
  }
}

int32_t mr_mem_wait(int32_t handle, uint64_t offset, uint32_t expected, int32_t timeout_ms) {
  int32_t result;
  struct mr_object *memory = mr_memory_word(handle, offset, 4, false, &result);
  if (!memory) return result;
  struct timespec deadline = mr_deadline(timeout_ms > 0 ? timeout_ms : 0);
  result = mr_word_wait((const uint32_t *)(memory->bytes + offset), expected, timeout_ms < 0 ? NULL : &deadline);
  mr_handle_done(handle);
  return result;
}

int32_t mr_shm_wait(int32_t handle, uint64_t offset, uint32_t expected, int32_t timeout_ms, const uint32_t *stop) {
  if (!stop) return -EFAULT;
  int32_t result;
  struct mr_object *memory = mr_memory_word(handle, offset, 4, false, &result);
  if (!memory) return result;
  const uint32_t *word = (const uint32_t *)(memory->bytes + offset);
  struct timespec deadline = mr_deadline(timeout_ms > 0 ? timeout_ms : 0);
  for (;;) {
    result = 0;
    if (load(stop)) break;
    int32_t left = timeout_ms < 0 ? MR_HEARTBEAT_MS : mr_deadline_left(&deadline);
    struct timespec beat = mr_deadline(left < MR_HEARTBEAT_MS ? left : MR_HEARTBEAT_MS);
    result = mr_word_wait(word, expected, &beat);
    if (result != -ETIMEDOUT) break;
    if (mr_memory_owner(memory) == 0) result = -EOWNERDEAD;
    if (result == -EOWNERDEAD || (timeout_ms >= 0 && mr_deadline_left(&deadline) == 0)) break;
  }
  mr_handle_done(handle);
  return result;
}

/*
 * A read of one byte is the cheapest thing that inotify tells others of: 0.33 µs, and 0.72 µs where somebody watches; a
 * write takes 0.46 and 0.83 µs, and changes the file's time. A mapping's accesses are never told.
 */
void mr_bell(const struct mr_object *memory) {
  uint8_t byte;
  if (!memory->writable) return;
  ssize_t got = pread(memory->fd, &byte, 1, 0);
  (void)got; /* a watcher that is not told looks by itself, if later */
}

int32_t mr_mem_notify(int32_t handle, double offset) {
  int32_t result;
  uint64_t at = mr_memory_offset(offset);
  struct mr_object *memory = mr_memory_word(handle, at, 4, false, &result);
  if (!memory) return result;
  long woken = syscall(SYS_futex, memory->bytes + at, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
  result = woken < 0 ? -errno : (int32_t)woken;
  mr_bell(memory);
  mr_handle_done(handle);
  return result;
}

struct word {
  const uint32_t *at;
  uint32_t expected;
};

static int32_t changed(const struct word *words, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    if (load(words[i].at) != words[i].expected) return (int32_t)i;
  }
  return -EAGAIN;
}

/* Linux before 5.16, and containers whose filter does not know the call: one word is slept on, in short slices, and all
 * are looked at. A wake without a change of another word is not seen; no ring does that. */
static int32_t sleep_on_many_in_slices(const struct word *words, uint32_t count, const struct timespec *deadline) {
  for (uint32_t turn = 0;; turn = (turn + 1) % count) {
    int32_t index = changed(words, count);
    if (index >= 0) return index;
    int32_t left = deadline ? mr_deadline_left(deadline) : SLICE_MS;
    if (left == 0) return -ETIMEDOUT;
    struct timespec slice = mr_deadline(left < SLICE_MS ? left : SLICE_MS);
    int error = mr_word_wait(words[turn].at, words[turn].expected, &slice);
    if (error == 0) return (int32_t)turn;
    if (error != -ETIMEDOUT) return error;
  }
}

static int32_t sleep_on_many(const struct word *words, uint32_t count, const struct timespec *deadline) {
#if defined SYS_futex_waitv && !defined MR_WITHOUT_WAITV /* the tests take the other way with it */
  struct futex_waitv waiters[WORDS_MAX];
  memset(waiters, 0, sizeof waiters);
  for (uint32_t i = 0; i < count; i++) {
    waiters[i].uaddr = (uintptr_t)words[i].at;
    waiters[i].val = words[i].expected;
    waiters[i].flags = FUTEX_32;
  }
  for (;;) {
    int32_t index = changed(words, count);
    if (index >= 0) return index;
    long woken = syscall(SYS_futex_waitv, waiters, count, 0, deadline, CLOCK_MONOTONIC);
    if (woken >= 0) return (int32_t)woken;
    if (errno == ENOSYS || errno == EPERM) break;
    if (errno != EINTR && errno != EAGAIN) return -errno;
  }
#endif
  return sleep_on_many_in_slices(words, count, deadline);
}

int32_t mr_mem_wait_many(const int32_t *handles, const uint64_t *offsets, const uint32_t *expected, uint32_t count,
                         int32_t timeout_ms) {
  if (!handles || !offsets || !expected) return -EFAULT;
  if (count == 0 || count > WORDS_MAX) return -EINVAL;
  struct word words[WORDS_MAX];
  /* Copied: the caller's arrays may be changed by another of its threads, and these handles must be given back. */
  int32_t held[WORDS_MAX];
  uint32_t holding = 0;
  int32_t result = 0;
  struct timespec deadline = mr_deadline(timeout_ms > 0 ? timeout_ms : 0);
  for (; holding < count; holding++) {
    held[holding] = handles[holding];
    uint64_t offset = offsets[holding];
    struct mr_object *memory = mr_memory_word(held[holding], offset, 4, false, &result);
    if (!memory) goto fail;
    words[holding] = (struct word){(const uint32_t *)(memory->bytes + offset), expected[holding]};
  }
  result = sleep_on_many(words, count, timeout_ms < 0 ? NULL : &deadline);
fail:
  while (holding > 0) mr_handle_done(held[--holding]);
  return result;
}
