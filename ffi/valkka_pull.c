/* Reading a ring of a libValkka server, which has nothing beside it that says what is whole. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "deadline.h"
#include "handle.h"
#include "millrace.h"
#include "valkka.h"

/* Records that one call tries before its caller may do something else. */
#define ATTEMPTS 64

/* The server begins anew with cell 0 when the count says that its reader is a whole ring behind. A reader that does not know
 * which cell is next has it do so. With an overflow while the count is being filled, what was posted after it would count for
 * records that there are not: then it is filled again. */
static void ask_for_overflow(struct mr_valkka *ring) {
  ring->lost = ring->asked = true;
  ring->held = false;
  for (int tries = 0; tries < 8; tries++) {
    for (int i = 0; i < 64 && sem_trywait(ring->flag) == 0; i++) {}
    for (uint32_t i = 0; i < 2 * ring->cells && mr_valkka_value(ring->count) < (int)ring->cells; i++) {
      sem_post(ring->count);
    }
    if (mr_valkka_value(ring->flag) == 0) return;
  }
}

/* Whether the next cell is known by now. The flag comes after the count was emptied; a count that is still as large as
 * the ring was filled in between, and leads to another overflow. */
static bool found_again(struct mr_valkka *ring) {
  if (!ring->lost) return true;
  int pending = mr_valkka_value(ring->count);
  if (mr_valkka_value(ring->flag) > 0) {
    if (pending >= (int)ring->cells) return false;
    ring->lost = false;
    return true;
  }
  if (pending < (int)ring->cells) ask_for_overflow(ring);
  return false;
}

static bool gone(const struct mr_valkka *ring) {
  struct stat status;
  return fstat(ring->watch, &status) < 0 || status.st_nlink == 0;
}

/* -ESTALE where the count belongs to a server whose memory this is not; a unit that was taken from it is given back. */
static int32_t leave(struct mr_valkka *ring) {
  if (ring->held) sem_post(ring->count);
  ring->held = false;
  return -ESTALE;
}

static uint64_t number(const uint8_t *meta, uint32_t offset) {
  uint64_t value;
  memcpy(&value, meta + offset, sizeof value);
  return value;
}

/* The next record: its cell; -EAGAIN there is none; -EINTR one was lost, and another may be there. */
static int32_t take(struct mr_valkka *ring, bool latest, uint8_t *meta, uint8_t *into) {
  bool flag_was_set = ring->held ? ring->flag_was_set : mr_valkka_value(ring->flag) > 0;
  if (!ring->held && sem_trywait(ring->count) < 0) return -EAGAIN;
  ring->held = false;
  if (gone(ring)) {
    ring->held = true;
    return leave(ring);
  }
  if (mr_valkka_value(ring->flag) > 0) {
    if (!flag_was_set) {
      /* The unit that was taken may be one of before the overflow or of after it. */
      ring->missed += ring->cells + 1;
      ring->resyncs++;
      ask_for_overflow(ring);
      return -EAGAIN;
    }
    ring->index = -1;
    sem_trywait(ring->flag);
    ring->overflows++;
    if (!ring->asked) ring->missed += ring->cells;
    ring->asked = false;
  }
  uint32_t passed = 0;
  while (latest && passed < ring->cells && sem_trywait(ring->count) == 0) passed++;
  ring->missed += passed;
  if (passed && mr_valkka_value(ring->flag) > 0) {
    ring->missed += ring->cells + 1;
    ring->resyncs++;
    ask_for_overflow(ring);
    return -EAGAIN;
  }
  ring->index = (int32_t)(((int64_t)ring->index + 1 + passed) % ring->cells);
  const struct mr_valkka_cell *cell = &ring->cell[ring->index];
  memcpy(meta, cell->bytes[MR_VALKKA_META], ring->meta_bytes);
  uint64_t bytes = number(meta, ring->kind == MR_VALKKA_MP4 ? 8 : 0);
  if (bytes > ring->cell_bytes) {
    ring->invalid++;
    ring->missed++;
    return -EINTR;
  }
  if (bytes) memcpy(into, cell->bytes[MR_VALKKA_PAYLOAD], bytes);
  mr_mem_fence();
  /* The server writes the metadata first, so that a cell which it has come back to has other metadata, where time
   * stamps differ. With so many records pending that it must have come back, the copy counts for nothing. */
  int pending = mr_valkka_value(ring->count);
  if (mr_valkka_value(ring->flag) > 0 || pending >= (int)ring->cells ||
      memcmp(meta, cell->bytes[MR_VALKKA_META], ring->meta_bytes) != 0) {
    ring->torn++;
    ring->missed++;
    return -EINTR;
  }
  uint64_t stamp = ring->kind == MR_VALKKA_BYTES ? 0 : number(meta, 24);
  ring->moves = stamp != ring->last_stamp;
  ring->last_stamp = stamp;
  if (pending == (int)ring->cells - 1 && !ring->moves) ring->unproven++;
  ring->pulled++;
  return ring->index;
}

int32_t mr_valkka_pull(int32_t handle, uint32_t latest, uint8_t *meta, uint8_t *into, uint64_t len) {
  if (!meta || !into) return -EFAULT;
  int32_t result;
  struct mr_valkka *ring = mr_valkka_use(handle, 0, &result);
  if (!ring) return result;
  if (!ring->count) result = -EPERM;
  else if (len < ring->cell_bytes) result = -ENOBUFS;
  else {
    pthread_mutex_lock(&ring->lock);
    result = -EINTR;
    for (int i = 0; i < ATTEMPTS && result == -EINTR; i++) {
      if (gone(ring)) result = leave(ring);
      else if (!found_again(ring)) result = -EAGAIN;
      else result = take(ring, latest != 0, meta, into);
    }
    pthread_mutex_unlock(&ring->lock);
  }
  mr_handle_done(handle);
  return result;
}

/* Until the server begins anew: there is no word to wait on that it would wake. */
static int32_t wait_for_flag(struct mr_valkka *ring, int32_t handle, const struct timespec *deadline) {
  const struct timespec slice = {.tv_nsec = 1000000};
  for (;;) {
    pthread_mutex_lock(&ring->lock);
    bool over = gone(ring) || found_again(ring);
    pthread_mutex_unlock(&ring->lock);
    if (over) return 0;
    if ((deadline && mr_deadline_left(deadline) == 0) || mr_handle_closed(handle)) return -ETIMEDOUT;
    nanosleep(&slice, NULL);
  }
}

static int32_t wait_for_unit(struct mr_valkka *ring, const struct timespec *deadline) {
  pthread_mutex_lock(&ring->lock);
  bool held = ring->held, flag = mr_valkka_value(ring->flag) > 0;
  pthread_mutex_unlock(&ring->lock);
  if (held) return 0;
  int failed;
  do failed = deadline ? sem_clockwait(ring->count, CLOCK_MONOTONIC, deadline) : sem_wait(ring->count);
  while (failed && errno == EINTR);
  if (failed) return -errno;
  pthread_mutex_lock(&ring->lock);
  if (ring->held || ring->lost) sem_post(ring->count);
  else {
    ring->held = true;
    ring->flag_was_set = flag;
  }
  pthread_mutex_unlock(&ring->lock);
  return 0;
}

int32_t mr_valkka_wait(int32_t handle, int32_t timeout_ms) {
  int32_t result;
  struct mr_valkka *ring = mr_valkka_use(handle, 0, &result);
  if (!ring) return result;
  struct timespec deadline = mr_deadline(timeout_ms > 0 ? timeout_ms : 0);
  const struct timespec *until = timeout_ms < 0 ? NULL : &deadline;
  if (!ring->count) result = -EPERM;
  else {
    pthread_mutex_lock(&ring->lock);
    bool lost = ring->lost;
    pthread_mutex_unlock(&ring->lock);
    result = lost ? wait_for_flag(ring, handle, until) : wait_for_unit(ring, until);
  }
  mr_handle_done(handle);
  return result;
}

int32_t mr_valkka_read(int32_t handle, uint64_t offset, uint8_t *into, uint64_t len) {
  if (!into && len) return -EFAULT;
  int32_t result;
  struct mr_valkka *ring = mr_valkka_use(handle, -1, &result);
  if (!ring) return result;
  uint64_t cell = offset / ring->stride, at = offset % ring->stride;
  if (cell >= ring->cells || len > ring->cell_bytes || at > ring->cell_bytes - len) result = -ERANGE;
  else {
    result = 0;
    if (len) memcpy(into, ring->cell[cell].bytes[MR_VALKKA_PAYLOAD] + at, len);
  }
  mr_handle_done(handle);
  return result;
}

int32_t mr_valkka_counts(int32_t handle, uint64_t *out) {
  if (!out) return -EFAULT;
  int32_t result;
  struct mr_valkka *ring = mr_valkka_use(handle, -1, &result);
  if (!ring) return result;
  pthread_mutex_lock(&ring->lock);
  const uint64_t counts[8] = {ring->pushed, ring->overflows, ring->pulled,  ring->missed,
                              ring->torn,   ring->unproven,  ring->resyncs, ring->invalid};
  memcpy(out, counts, sizeof counts);
  pthread_mutex_unlock(&ring->lock);
  mr_handle_done(handle);
  return 0;
}
