/* One call for each record that goes into a ring: steps (a) to (h) as millrace.h has them. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "millrace.h"
#include "ring.h"

#define DESCRIBED (MR_RING_SLOT - 8)
/* Of `publishedAt` in the descriptor behind its sequence. */
#define PUBLISHED_AT 48

struct request {
  double sequence, oldest, slots, payload;
  struct {
    double bytes, stride, row_bytes, rows;
  } parts[MR_RING_PARTS];
  uint32_t signal, reserved;
  uint8_t described[DESCRIBED];
};
_Static_assert(sizeof(struct request) == MR_RING_REQUEST_BYTES, "the header says how long it is");

struct part {
  const uint8_t *from;
  uint64_t stride, row_bytes, rows;
};

static double unix_milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* 0, and the bytes that this part adds; or why it cannot be copied. */
static int32_t check_part(const struct request *request, int i, struct part *part, uint64_t *adds) {
  uint64_t room, taken;
  if (!mr_ring_number(request->parts[i].bytes, &room) || !mr_ring_number(request->parts[i].stride, &part->stride) ||
      !mr_ring_number(request->parts[i].row_bytes, &part->row_bytes) ||
      !mr_ring_number(request->parts[i].rows, &part->rows)) {
    return -EINVAL;
  }
  *adds = 0;
  if (part->row_bytes == 0 || part->rows == 0) {
    part->rows = 0;
    return 0;
  }
  if (!part->from) return -EFAULT;
  if (part->rows > 1 && part->stride < part->row_bytes) return -EINVAL;
  if (__builtin_mul_overflow(part->rows - 1, part->stride, &taken) ||
      __builtin_add_overflow(taken, part->row_bytes, &taken) || taken > room) {
    return -ERANGE;
  }
  /* No more than what the buffer has, because rows do not overlap. */
  *adds = part->rows * part->row_bytes;
  return 0;
}

static void copy_part(uint8_t *to, const struct part *part, bool copies_strings) {
  if (part->stride == part->row_bytes || part->rows == 1) {
    mr_ring_copy(to, part->from, part->rows * part->row_bytes, copies_strings);
    return;
  }
  for (uint64_t row = 0; row < part->rows; row++) {
    mr_ring_copy(to + row * part->row_bytes, part->from + row * part->stride, part->row_bytes, copies_strings);
  }
}

/* (d), word by word, because a reader may be copying it. */
static void describe(uint8_t *slot, const uint8_t *described) {
  for (uint32_t at = 0; at < DESCRIBED; at += 8) {
    uint64_t word;
    memcpy(&word, described + at, sizeof word);
    atomic_store_explicit((_Atomic uint64_t *)(slot + 8 + at), word, memory_order_relaxed);
  }
}

static int32_t write_record(struct mr_object *memory, struct request *request, struct part *parts) {
  uint64_t sequence, oldest, slots, payload, total = 0, adds[MR_RING_PARTS];
  if (!memory->writable) return -EACCES;
  if (!mr_ring_number(request->sequence, &sequence) || !mr_ring_number(request->oldest, &oldest) ||
      !mr_ring_number(request->slots, &slots) || !mr_ring_number(request->payload, &payload) || slots == 0) {
    return -EINVAL;
  }
  for (int i = 0; i < MR_RING_PARTS; i++) {
    int32_t error = check_part(request, i, &parts[i], &adds[i]);
    if (error < 0) return error;
    if (__builtin_add_overflow(total, adds[i], &total)) return -ERANGE;
  }
  uint64_t slot = MR_RING_HEADER + sequence % slots * MR_RING_SLOT; /* both are below 2^53 + 1 */
  if (mr_memory_range(memory, slot, MR_RING_SLOT, true) < 0) return -ERANGE;
  if (mr_memory_range(memory, payload, total, true) < 0 || payload < MR_RING_HEADER) return -ERANGE;
  uint8_t *bytes = memory->bytes;
  mr_ring_store64(bytes, MR_RING_OLDEST, oldest); /* (a) */
  atomic_thread_fence(memory_order_seq_cst);
  mr_ring_store64(bytes, slot, 0); /* (b) */
  /* Stores after (b) must not be seen before it; a release keeps back only what is before. */
  atomic_thread_fence(memory_order_seq_cst);
  for (int i = 0; i < MR_RING_PARTS; i++) { /* (c) */
    if (adds[i]) copy_part(bytes + payload, &parts[i], memory->copies_strings);
    payload += adds[i];
  }
  double published_at = unix_milliseconds();
  memcpy(request->described + PUBLISHED_AT, &published_at, sizeof published_at);
  describe(bytes + slot, request->described);           /* (d) */
  mr_ring_store64(bytes, slot, sequence + 1);           /* (e) */
  mr_ring_store64(bytes, MR_RING_HEAD, sequence + 1);   /* (f) */
  atomic_store_explicit((_Atomic uint32_t *)(bytes + MR_RING_SIGNAL), request->signal, memory_order_release); /* (g) */
  syscall(SYS_futex, bytes + MR_RING_SIGNAL, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
  mr_bell(memory); /* (h) */
  return 0;
}

int32_t mr_ring_write(int32_t handle, const uint8_t *request, const uint8_t *part0, const uint8_t *part1,
                      const uint8_t *part2, const uint8_t *part3, const uint8_t *blob) {
  if (!request) return -EFAULT;
  struct part parts[MR_RING_PARTS] = {{.from = part0}, {.from = part1}, {.from = part2}, {.from = part3}, {.from = blob}};
  struct request copy; /* the caller's other threads may change theirs */
  memcpy(&copy, request, sizeof copy);
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  int32_t result = write_record(memory, &copy, parts);
  mr_handle_done(handle);
  return result;
}
