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
/* How often what nobody wakes a waiter for is looked at. */
#define LOOK_NS 200000
/* Overflows of its own asking that a reader tries for proof, before it goes without. */
#define PROOFS 3

static uint64_t number(const uint8_t *meta, uint32_t offset) {
  uint64_t value;
  memcpy(&value, meta + offset, sizeof value);
  return value;
}

static int64_t stamp_of(const struct mr_valkka *ring, uint32_t cell) {
  return (int64_t)number(ring->cell[cell].bytes[MR_VALKKA_META], 24);
}

void mr_valkka_note(struct mr_valkka *ring, bool old) {
  for (uint32_t i = 0; ring->kind == MR_VALKKA_RGB && i < ring->cells; i++) {
    ring->cell[i].found = stamp_of(ring, i);
    if (old) ring->cell[i].known = ring->cell[i].found;
  }
}

/* The server begins anew with cell 0 when the count says that its reader is a whole ring behind. A reader that does not know
 * which cell is next has it do so. With an overflow while the count is being filled, what was posted after it would count for
 * records that there are not: then it is filled again. */
void mr_valkka_ask(struct mr_valkka *ring) {
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
  if (pending < (int)ring->cells) mr_valkka_ask(ring);
  return false;
}

/* -ESTALE where the count belongs to a server whose memory this is not; a unit that was taken from it is given back. */
static int32_t leave(struct mr_valkka *ring) {
  if (ring->held) sem_post(ring->count);
  ring->held = false;
  return -ESTALE;
}

/* The cell that the server wrote last or is writing, by the time stamps of its pictures; -1 where they do not tell. */
static int32_t newest(const struct mr_valkka *ring) {
  if (ring->kind != MR_VALKKA_RGB || ring->cells < 2) return -1;
  int32_t found = -1;
  int64_t most = INT64_MIN;
  for (uint32_t i = 0; i < ring->cells; i++) {
    int64_t stamp = stamp_of(ring, i);
    if (stamp == most) found = -1;
    if (stamp > most) {
      most = stamp;
      found = (int32_t)i;
    }
  }
  return found;
}

/* Records are lost, and where the server goes on is not known. */
static int32_t out_of_step(struct mr_valkka *ring, uint32_t records) {
  ring->missed += records;
  ring->resyncs++;
  mr_valkka_ask(ring);
  return -EAGAIN;
}

/*
 * Following an overflow. Of a flag that is up already the server says nothing when the next overflow begins, and a reader
 * that takes a unit and lowers the flag in the middle of that one is out of step from then on, and reads what is
 * being written. The stamps tell: while the first cell is newer than the last one, the server has not come to the last
 * one since it began anew, and cannot be at another overflow. That must hold before the unit is taken and after the flag
 * is lowered, with the same record in the first cell.
 */
static bool early(const struct mr_valkka *ring, int64_t *first) {
  if (newest(ring) < 0) return false;
  *first = stamp_of(ring, 0);
  mr_mem_fence();
  return *first > stamp_of(ring, ring->cells - 1);
}

static int32_t follow_overflow(struct mr_valkka *ring) {
  int64_t first = 0, again = 0;
  bool proven = early(ring, &first);
  /* Without stamps, or with a clock that was set back, the answer to this reader's own asking has to do. */
  bool enough = ring->asked && (newest(ring) < 0 || ring->proofs >= PROOFS);
  if (!proven && !enough) {
    ring->proofs++;
    return out_of_step(ring, ring->asked ? 0 : ring->cells);
  }
  if (sem_trywait(ring->count) < 0) return -EAGAIN;
  sem_trywait(ring->flag);
  mr_mem_fence();
  if (proven && (!early(ring, &again) || again != first)) return out_of_step(ring, ring->cells);
  if (!proven) ring->unproven++;
  ring->overflows++;
  if (!ring->asked) ring->missed += ring->cells;
  ring->asked = false;
  ring->proofs = 0;
  ring->index = -1;
  return 0;
}

/* Copies a cell. The server writes the metadata first: if they are the same after the copy, it has not begun to overwrite
 * it. -EINTR where it has. */
static int32_t copy(struct mr_valkka *ring, uint8_t *meta, uint8_t *into) {
  const struct mr_valkka_cell *cell = &ring->cell[ring->index];
  memcpy(meta, cell->bytes[MR_VALKKA_META], ring->meta_bytes);
  mr_mem_fence();
  uint64_t bytes = number(meta, ring->kind == MR_VALKKA_MP4 ? 8 : 0);
  if (bytes > ring->cell_bytes) {
    ring->invalid++;
    ring->missed++;
    return -EINTR;
  }
  if (bytes) memcpy(into, cell->bytes[MR_VALKKA_PAYLOAD], bytes);
  mr_mem_fence();
  if (memcmp(meta, cell->bytes[MR_VALKKA_META], ring->meta_bytes) == 0) return 0;
  ring->torn++;
  ring->missed++;
  return -EINTR;
}

/*
 * A picture with a stamp of its own is whole if it had been written, and has not been overwritten. It had been if another
 * one is newer, or by the count: in step, the server is at this cell again when all others are counted, or after an
 * overflow, before which the flag goes up. It is in turn if it is newer than the last one; where it is older twice, the
 * server's clock was set back. What this reader had already, or found there when it came, is never new.
 */
static int32_t copy_stamped(struct mr_valkka *ring, uint8_t *meta, uint8_t *into) {
  /* First its stamp, then which is the newest: the other way round the server could begin with this cell in between. */
  int64_t stamp = stamp_of(ring, (uint32_t)ring->index);
  mr_mem_fence();
  int32_t last = newest(ring);
  /* Whatever the count says: another reader may have been at it. */
  if (stamp == ring->cell[ring->index].known) return out_of_step(ring, 0);
  if (ring->delivered_one && stamp <= ring->last_stamp) {
    if (stamp == ring->cell[ring->index].found) return out_of_step(ring, 0);
    if (ring->older_before) ring->delivered_one = false;
    ring->older_before = true;
    return out_of_step(ring, 1);
  }
  bool newer = last >= 0 && last != ring->index;
  if (!newer && (mr_valkka_value(ring->count) >= (int)ring->cells - 1 || mr_valkka_value(ring->flag) > 0)) {
    ring->missed++;
    return -EINTR;
  }
  int32_t result = copy(ring, meta, into);
  if (result < 0) return result;
  if ((int64_t)number(meta, 24) != stamp) { /* overwritten between the two looks, by what is perhaps not whole */
    ring->torn++;
    ring->missed++;
    return -EINTR;
  }
  ring->cell[ring->index].known = stamp;
  ring->delivered_one = true;
  ring->older_before = false;
  ring->last_stamp = stamp;
  return 0;
}

/* Without stamps, the count alone says that the server was elsewhere; where it may have been at this cell, nothing does. */
static int32_t copy_unstamped(struct mr_valkka *ring, uint8_t *meta, uint8_t *into) {
  int before = mr_valkka_value(ring->count);
  int32_t result = copy(ring, meta, into);
  if (result < 0) return result;
  int after = mr_valkka_value(ring->count);
  if (mr_valkka_value(ring->flag) > 0 || after >= (int)ring->cells || after < before) {
    ring->torn++;
    ring->missed++;
    return -EINTR;
  }
  if (after == (int)ring->cells - 1) ring->unproven++;
  return 0;
}

/* The next record: its cell; -EAGAIN there is none; -EINTR one was lost, and another may be there. */
static int32_t take(struct mr_valkka *ring, bool latest, uint8_t *meta, uint8_t *into) {
  if (mr_valkka_value(ring->flag) > 0) {
    /* A unit that was taken while the flag was down is one of before. */
    ring->held = false;
    int32_t result = follow_overflow(ring);
    if (result < 0) return result;
  } else {
    if (!ring->held && sem_trywait(ring->count) < 0) return -EAGAIN;
    ring->held = false;
    /* With a flag that came up in between, the unit may be one of before the overflow or of after it. */
    if (mr_valkka_value(ring->flag) > 0) return out_of_step(ring, ring->cells + 1);
  }
  if (mr_valkka_gone(ring)) {
    ring->held = true;
    return leave(ring);
  }
  uint32_t passed = 0;
  while (latest && passed < ring->cells && sem_trywait(ring->count) == 0) passed++;
  ring->missed += passed;
  if (passed && mr_valkka_value(ring->flag) > 0) return out_of_step(ring, ring->cells + 1);
  ring->index = (int32_t)(((int64_t)ring->index + 1 + passed) % ring->cells);
  int32_t result = newest(ring) >= 0 ? copy_stamped(ring, meta, into) : copy_unstamped(ring, meta, into);
  if (result < 0) return result;
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
      if (mr_valkka_gone(ring)) result = leave(ring);
      else if (!found_again(ring)) result = -EAGAIN;
      else result = take(ring, latest != 0, meta, into);
    }
    pthread_mutex_unlock(&ring->lock);
  }
  mr_handle_done(handle);
  return result;
}

/* While the flag is up, or is waited for, nothing is taken: there is no word to wait on that the server would wake. */
static int32_t wait_for_overflow(struct mr_valkka *ring, int32_t handle, const struct timespec *deadline) {
  const struct timespec slice = {.tv_nsec = LOOK_NS};
  for (;;) {
    pthread_mutex_lock(&ring->lock);
    bool over = mr_valkka_gone(ring) || (found_again(ring) && mr_valkka_value(ring->count) > 0);
    pthread_mutex_unlock(&ring->lock);
    if (over) return 0;
    if ((deadline && mr_deadline_left(deadline) == 0) || mr_handle_closed(handle)) return -ETIMEDOUT;
    nanosleep(&slice, NULL);
  }
}

bool mr_valkka_ready(struct mr_valkka *ring) {
  pthread_mutex_lock(&ring->lock);
  bool ready = ring->held || (found_again(ring) && mr_valkka_value(ring->count) > 0);
  pthread_mutex_unlock(&ring->lock);
  return ready;
}

static int32_t wait_for_unit(struct mr_valkka *ring, const struct timespec *deadline) {
  int failed;
  do failed = deadline ? sem_clockwait(ring->count, CLOCK_MONOTONIC, deadline) : sem_wait(ring->count);
  while (failed && errno == EINTR);
  if (failed) return -errno;
  pthread_mutex_lock(&ring->lock);
  if (ring->held || ring->lost) sem_post(ring->count);
  else if (mr_valkka_value(ring->flag) > 0) out_of_step(ring, ring->cells + 1);
  else ring->held = true;
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
    bool held = ring->held, overflow = ring->lost || mr_valkka_value(ring->flag) > 0;
    pthread_mutex_unlock(&ring->lock);
    result = held ? 0 : overflow ? wait_for_overflow(ring, handle, until) : wait_for_unit(ring, until);
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
