/* One call for each record that is read from a ring. Nothing that lies in the memory is believed: it may be anybody's work. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "memory.h"
#include "millrace.h"
#include "ring.h"

/* How many records one call tries. */
#define ATTEMPTS 64
#define MOST UINT64_C(9007199254740991) /* what a double counts to */
/* A reader whose writer published its last two records so close to one another spins so long before it sleeps, because to be woken takes
 * longer than the next record does. Below 20,000 records a second nobody spins. */
#define SPIN_NS 50000u
/* Where nothing came meanwhile, the writer mostly waits for this very core: so many waits at most then go by without. */
#define RESTS_MOST 1024u
#define CLOSED 2u
#define TURN_NS 500000u

/* What the caller's block says: numbers as doubles there, and as they are here. */
struct block {
  double cursor, gap, delivered, missed, overtaken, invalid, bytes;
  double arena, arena_bytes, cell_bytes;
  uint32_t slots, mode, step, fresh, peeked, seen;
  double before;
  double published_ms;
  uint32_t pace_ns;
  uint16_t rests, rests_next;
  uint8_t described[MR_RING_SLOT];
};
_Static_assert(sizeof(struct block) == MR_RING_READING_BYTES, "the header says how long it is");

struct reading {
  struct block *block;
  const uint8_t *ring;
  uint64_t cursor, arena, arena_bytes, cell_bytes, slots;
  bool copies_strings;
};

/* Of these in a descriptor. */
enum { PAYLOAD = 8, BYTES = 16, PUBLISHED_AT = 56, PLANES = 88, BLOB = 92 };

static uint64_t head_of(const uint8_t *ring) {
  uint64_t head = mr_ring_load64(ring, MR_RING_HEAD);
  return head <= MOST ? head : 0;
}

static uint64_t oldest_of(const struct reading *reading, uint64_t head) {
  uint64_t oldest = mr_ring_load64(reading->ring, MR_RING_OLDEST);
  uint64_t least = head > reading->slots ? head - reading->slots : 0;
  return oldest > least ? oldest : least;
}

static void lose(struct reading *reading, uint64_t records) {
  reading->cursor += records;
  reading->block->missed += (double)records;
  reading->block->gap += (double)records;
}

static uint64_t slot_of(const struct reading *reading) {
  return MR_RING_HEADER + reading->cursor % reading->slots * MR_RING_SLOT;
}

static bool intact(const struct reading *reading) {
  atomic_thread_fence(memory_order_seq_cst);
  return mr_ring_load64(reading->ring, MR_RING_OLDEST) <= reading->cursor &&
         mr_ring_load64(reading->ring, slot_of(reading)) == reading->cursor + 1;
}

static uint64_t word(const uint8_t *described, uint32_t at) {
  uint64_t value;
  memcpy(&value, described + at, sizeof value);
  return value;
}

static uint32_t half(const uint8_t *described, uint32_t at) {
  uint32_t value;
  memcpy(&value, described + at, sizeof value);
  return value;
}

/* Whether payload and blob lie where such a record's must. */
static bool acceptable(const struct reading *reading, uint64_t *payload, uint64_t *bytes, uint64_t *blob) {
  const uint8_t *described = reading->block->described;
  *payload = word(described, PAYLOAD);
  *bytes = word(described, BYTES);
  *blob = half(described, BLOB);
  uint64_t end;
  if (__builtin_add_overflow(*payload, *bytes, &end) || __builtin_add_overflow(end, *blob, &end)) return false;
  if (end > reading->arena_bytes || half(described, PLANES) > 4) return false;
  if (reading->cell_bytes == 0) return true;
  uint64_t cell = reading->cursor % reading->slots * reading->cell_bytes;
  return *payload == cell && end - cell <= reading->cell_bytes;
}

/* Copies and checks the descriptor at the cursor; where it is not to be had, moves on and counts. */
static bool look(struct reading *reading, uint64_t *payload, uint64_t *bytes, uint64_t *blob) {
  struct block *block = reading->block;
  uint64_t slot = slot_of(reading);
  bool there = mr_ring_load64(reading->ring, slot) == reading->cursor + 1, good = false;
  if (there) {
    for (uint32_t at = 0; at < MR_RING_SLOT; at += 8) {
      uint64_t value = atomic_load_explicit((const _Atomic uint64_t *)(reading->ring + slot + at), memory_order_relaxed);
      memcpy(block->described + at, &value, sizeof value);
    }
    there = intact(reading);
    good = there && acceptable(reading, payload, bytes, blob);
  } else there = mr_ring_load64(reading->ring, MR_RING_OLDEST) <= reading->cursor;
  if (good) return true;
  if (there) block->invalid++;
  else block->overtaken++;
  lose(reading, 1);
  return false;
}

/* The choice of a record: 0 where there is none, 1 found, -EAGAIN where one is to be tried later. */
static int32_t choose(struct reading *reading, uint64_t *payload, uint64_t *bytes, uint64_t *blob, uint32_t *tries) {
  struct block *block = reading->block;
  while ((*tries)++ < ATTEMPTS) {
    uint64_t head = head_of(reading->ring);
    if (block->mode == MR_RING_LATEST && head > 0 && head - 1 > reading->cursor) {
      /* What was there before this reader's first record was never meant for it. */
      if (block->fresh) reading->cursor = head - 1;
      else lose(reading, head - 1 - reading->cursor);
    }
    if (reading->cursor >= head) return 0;
    uint64_t least = oldest_of(reading, head);
    if (least > head - 1) least = head - 1;
    if (reading->cursor < least) lose(reading, least - reading->cursor);
    if (look(reading, payload, bytes, blob)) return 1;
  }
  return -EAGAIN;
}

/* The oldest record is the next to be overwritten: a reader that is slower than the writer would lose every copy. From the middle it
 * gets some in a row. */
static void overtaken(struct reading *reading) {
  reading->block->overtaken++;
  lose(reading, 1);
  uint64_t head = head_of(reading->ring), oldest = oldest_of(reading, head);
  if (oldest > head) oldest = head;
  uint64_t middle = head - (head - oldest) / 2;
  if (middle > reading->cursor) lose(reading, middle - reading->cursor);
}

static int32_t read_record(struct reading *reading, uint8_t *into, uint64_t len) {
  struct block *block = reading->block;
  uint64_t payload = 0, bytes = 0, blob = 0;
  for (uint32_t tries = 0;;) {
    if (!block->peeked) {
      /* Before the head is loaded, so that a record published after that ends the wait. */
      block->seen = atomic_load_explicit((const _Atomic uint32_t *)(reading->ring + MR_RING_SIGNAL), memory_order_acquire);
      int32_t found = choose(reading, &payload, &bytes, &blob, &tries);
      if (found <= 0) return found == 0 ? MR_RING_NOTHING : MR_RING_LATER;
      block->peeked = 1;
      block->before = block->gap;
    } else if (!acceptable(reading, &payload, &bytes, &blob)) return -EINVAL;
    block->bytes = (double)(bytes + blob);
    if (block->step == MR_RING_LOOK || len < bytes) return MR_RING_FOUND;
    mr_ring_copy(into, reading->ring + reading->arena + payload, len >= bytes + blob ? bytes + blob : bytes,
                 reading->copies_strings);
    block->peeked = 0;
    if (intact(reading)) break;
    overtaken(reading);
    if (block->step == MR_RING_COPY) return MR_RING_LOST;
  }
  reading->cursor++;
  block->delivered++;
  block->gap = 0;
  block->fresh = 0;
  return MR_RING_TAKEN;
}

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint32_t signal_of(const struct reading *reading) {
  return atomic_load_explicit((const _Atomic uint32_t *)(reading->ring + MR_RING_SIGNAL), memory_order_acquire);
}

static bool spin(struct reading *reading) {
  struct block *block = reading->block;
  if (block->pace_ns >= SPIN_NS) return false;
  if (block->rests > 0) {
    block->rests--;
    return false;
  }
  int64_t until = nanoseconds() + SPIN_NS;
  do {
    /* Seldom, because each look takes the line away from the writer, who writes three words in it. */
    for (int i = 0; i < 32; i++) {
#if defined(__x86_64__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      __asm__ volatile("yield");
#endif
    }
    if (signal_of(reading) != block->seen) {
      block->rests_next = 0;
      return true;
    }
  } while (nanoseconds() < until);
  block->rests_next = (uint16_t)(block->rests_next == 0 ? 1 : block->rests_next < RESTS_MOST ? 2 * block->rests_next : RESTS_MOST);
  block->rests = block->rests_next;
  return false;
}

/* What sched_setattr() takes, of which the C library has no declaration. */
struct scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t slice_ns, deadline_ns, period_ns;
  uint32_t least, most;
};

/*
 * From Linux 6.12 on, whoever is woken preempts a thread whose turns are longer than its own. Without that, a reader that is woken on its
 * writer's core mostly waits until the writer sleeps; and in virtual machines it is woken there, because an idle core counts as
 * one that is not to be had. Of how much a thread gets the length of its turns decides nothing.
 */
static void take_short_turns(void) {
  struct scheduling now = {0};
  if (syscall(SYS_sched_getattr, 0, &now, sizeof now, 0) != 0) return;
  if (now.policy != SCHED_OTHER || now.slice_ns <= TURN_NS) return; /* older systems say 0 */
  now.slice_ns = TURN_NS;
  long refused = syscall(SYS_sched_setattr, 0, &now, 0);
  (void)refused; /* then it is as it was */
}

/* As read_record(), and where there is nothing waits for it. Somebody's wake without a record ends the wait as well: that somebody wants the
 * caller to look around. */
static int32_t wait_and_read(struct reading *reading, uint8_t *into, uint64_t len, int32_t timeout_ms) {
  struct timespec deadline = mr_deadline(timeout_ms > 0 ? timeout_ms : 0);
  for (;;) {
    int32_t result = read_record(reading, into, len);
    if (result != MR_RING_NOTHING) return result;
    uint32_t state = atomic_load_explicit((const _Atomic uint32_t *)(reading->ring + MR_RING_STATE), memory_order_acquire);
    if (state >= CLOSED) return result;
    /* A signal that changes all the time, with no record behind it, keeps no reader beyond its time. */
    if (timeout_ms >= 0 && mr_deadline_left(&deadline) == 0) return result;
    if (spin(reading)) continue;
    take_short_turns();
    int failed = mr_word_wait((const uint32_t *)(reading->ring + MR_RING_SIGNAL), reading->block->seen,
                              timeout_ms < 0 ? NULL : &deadline);
    if (failed == -ETIMEDOUT || (failed == 0 && signal_of(reading) == reading->block->seen)) return result;
    if (failed < 0) return failed;
  }
}

/* By the writer's clock: that this reader slept, or was kept from running, says nothing of the writer. */
static void keep_pace(struct block *block) {
  double published;
  memcpy(&published, block->described + PUBLISHED_AT, sizeof published);
  double pace = (published - block->published_ms) * 1e6 / (block->before + 1);
  block->pace_ns = pace >= 0 && pace < SPIN_NS ? (uint32_t)pace : SPIN_NS;
  block->published_ms = published;
}

int32_t mr_ring_read(int32_t handle, uint8_t *block, uint8_t *into, double room, int32_t timeout_ms) {
  uint64_t len;
  if (!mr_ring_number(room, &len)) return -EINVAL;
  if (!block || (!into && len)) return -EFAULT;
  struct block copy;
  memcpy(&copy, block, sizeof copy);
  struct reading reading = {.block = &copy, .slots = copy.slots};
  if (copy.step < MR_RING_LOOK || copy.step > MR_RING_NEXT || (copy.step == MR_RING_COPY) != (copy.peeked != 0)) return -EINVAL;
  if (!mr_ring_number(copy.cursor, &reading.cursor) || !mr_ring_number(copy.arena, &reading.arena) ||
      !mr_ring_number(copy.arena_bytes, &reading.arena_bytes) || !mr_ring_number(copy.cell_bytes, &reading.cell_bytes)) {
    return -EINVAL;
  }
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  int32_t result = -ERANGE;
  uint64_t slots_end = MR_RING_HEADER + reading.slots * MR_RING_SLOT, cells;
  if (copy.slots > 0 && mr_memory_range(memory, 0, slots_end, false) == 0 &&
      mr_memory_range(memory, reading.arena, reading.arena_bytes, false) == 0 &&
      !__builtin_mul_overflow(reading.cell_bytes, reading.slots, &cells) && cells <= reading.arena_bytes) {
    reading.ring = memory->bytes;
    reading.copies_strings = memory->copies_strings;
    result = timeout_ms == 0 ? read_record(&reading, into, len) : wait_and_read(&reading, into, len, timeout_ms);
    if (result == MR_RING_TAKEN) keep_pace(&copy);
    copy.cursor = (double)reading.cursor;
    memcpy(block, &copy, sizeof copy);
  }
  mr_handle_done(handle);
  return result;
}
