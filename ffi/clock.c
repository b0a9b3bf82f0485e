/* The clock, and the version. */
#include <errno.h>
#include <time.h>

#include "millrace.h"

uint32_t mr_abi(void) {
  return MR_ABI;
}

int32_t mr_monotonic_ns(int64_t *out) {
  if (!out) return -EFAULT;
  struct timespec now;
  if (clock_gettime(CLOCK_MONOTONIC, &now) < 0) return -errno;
  *out = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  return 0;
}
