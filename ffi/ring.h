/* A ring's offsets, as millrace.h has them, and how its payloads are copied. */
#ifndef MILLRACE_RING_H
#define MILLRACE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MR_RING_HEADER 256u
#define MR_RING_SLOT 128u
#define MR_RING_HEAD 128u
#define MR_RING_OLDEST 136u
#define MR_RING_SIGNAL 144u
#define MR_RING_STATE 148u

/* Words are atomic, so that a ring whose other side is hostile, or only late, is a race of values and nothing worse. */
static inline uint64_t mr_ring_load64(const uint8_t *bytes, uint64_t offset) {
  return atomic_load_explicit((const _Atomic uint64_t *)(bytes + offset), memory_order_acquire);
}

static inline void mr_ring_store64(uint8_t *bytes, uint64_t offset, uint64_t value) {
  atomic_store_explicit((_Atomic uint64_t *)(bytes + offset), value, memory_order_release);
}

/* Copies bytes that another process may be writing, or reading, at the same time: what comes out then is any mixture, and the protocol
 * finds out. A data race by design, which the thread sanitizer is therefore not told of. copies_strings: what the function
 * below says. */
void mr_ring_copy(uint8_t *to, const uint8_t *from, uint64_t len, bool copies_strings);
/* Whether this processor has an instruction that copies fast. To ask takes a while, above all in a virtual machine. */
bool mr_ring_copies_strings(void);

/* A number from a caller's block, which is a double because JavaScript has no other; false where it is no offset or size. */
static inline bool mr_ring_number(double from, uint64_t *to) {
  if (!(from >= 0 && from <= 9007199254740992.0)) return false;
  *to = (uint64_t)from;
  return true;
}

#endif
