/* Checked access to a memory object. */
#ifndef MILLRACE_MEMORY_H
#define MILLRACE_MEMORY_H

#include <time.h>

#include "handle.h"

/* An offset that came as a double; one that is outside any memory where it is none. */
static inline uint64_t mr_memory_offset(double offset) {
  uint64_t whole = offset >= 0 && offset <= 9007199254740992.0 ? (uint64_t)offset : UINT64_MAX;
  return (double)whole == offset ? whole : UINT64_MAX;
}

/* 0, -ERANGE or -EACCES. */
int mr_memory_range(const struct mr_object *memory, uint64_t offset, uint64_t len, bool to_write);
/* The memory of a handle, in use, with an aligned word inside it; else null, and the error is set. */
struct mr_object *mr_memory_word(int32_t handle, uint64_t offset, uint32_t width, bool to_write, int32_t *error);

/* As mr_shm_owner(). */
int32_t mr_memory_owner(const struct mr_object *memory);

/* Sleeps while a word is what was expected: 0 woken or changed, or a negated errno. deadline null: for ever. */
int mr_word_wait(const uint32_t *word, uint32_t expected, const struct timespec *deadline);

/* Tells those who watch the memory's file that a word in it has changed: after the change, at each publish and close. Does
 * nothing for memory that was opened to read. */
void mr_bell(const struct mr_object *memory);

#endif
