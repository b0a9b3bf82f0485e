/* A timeout as a point in time, so that a wait which a signal interrupts goes on for the rest of it. */
#ifndef MILLRACE_DEADLINE_H
#define MILLRACE_DEADLINE_H

#include <stdint.h>
#include <time.h>

static inline struct timespec mr_deadline(int32_t timeout_ms) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  at.tv_sec += timeout_ms / 1000;
  at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
  if (at.tv_nsec >= 1000000000) {
    at.tv_sec++;
    at.tv_nsec -= 1000000000;
  }
  return at;
}

/* Milliseconds left, rounded up, 0 when it is over. */
static inline int32_t mr_deadline_left(const struct timespec *at) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  int64_t left = ((int64_t)at->tv_sec - now.tv_sec) * 1000000000 + (at->tv_nsec - now.tv_nsec);
  return left <= 0 ? 0 : (int32_t)((left + 999999) / 1000000);
}

#endif
