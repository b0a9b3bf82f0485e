/* How payloads are copied. */
#include <string.h>

#include "ring.h"

#if defined(__SANITIZE_THREAD__)
/* Its memcpy is watched wherever it is called from; a loop here is not. */
__attribute__((no_sanitize("thread"))) static void copy(uint8_t *to, const uint8_t *from, uint64_t len) {
  for (volatile uint64_t i = 0; i < len; i++) to[i] = from[i];
}
#else
static void copy(uint8_t *to, const uint8_t *from, uint64_t len) {
  if (len) memcpy(to, from, len);
}
#endif

#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#include <cpuid.h>

/*
 * Below, the C library's memcpy uses this instruction as well; above, vector loads and stores. 6 MB, a writer and a reader on two cores
 * at full speed, frames a second that each copies (an EPYC of 2025, glibc 2.36):
 *
 *   memcpy in, memcpy out                  3120  2190
 *   memcpy in, rep movsb out               2780  2850
 *   rep movsb in, rep movsb out            3620  2550, and between two processes 5580  3040
 *   past the caches in, rep movsb out      4600  2970, and between two processes 7050  2750
 *
 * With 390 KB vector stores that go past the caches halve both.
 */
#define LARGE (UINT64_C(1) << 20)

/* "Enhanced REP MOVSB": Intel since 2012, AMD since Zen 3. */
bool mr_ring_copies_strings(void) {
  uint32_t a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 9 & 1);
}

void mr_ring_copy(uint8_t *to, const uint8_t *from, uint64_t len, bool copies_strings) {
  if (copies_strings && len >= LARGE) __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
  else copy(to, from, len);
}
#else
bool mr_ring_copies_strings(void) {
  return false;
}

void mr_ring_copy(uint8_t *to, const uint8_t *from, uint64_t len, bool copies_strings) {
  (void)copies_strings;
  copy(to, from, len);
}
#endif
