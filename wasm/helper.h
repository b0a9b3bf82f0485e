/*
 * A second thread for pictures that are large: another instance of this module on the same memory, which runs commands
 * that the first one writes into a ring. The first thread alone allocates, and it waits for the second before anything
 * that could see what is not done yet.
 */
#ifndef MILLRACE_HELPER_H
#define MILLRACE_HELPER_H

#include <stdint.h>

/* The ring's bytes: a power of two. */
enum { MR_RING_BYTES = 1 << 19 };

/* Whether there is a second thread, and pictures of so many samples are for it: then it is the caller's until mr_helper_finish(). */
int mr_helper_begin(int64_t samples);
/*
 * Room for a command, the caller's until the next: eight bytes past a multiple of 16. `bytes` is what goes with it, far less than
 * the ring. Waits for room, and traps where the second thread stopped.
 */
void *mr_helper_command(uint32_t operation, uint32_t bytes);
/* What was written so far may be run. */
void mr_helper_publish(void);
/* Whether the second thread has so much to do that what either can do is better done at once. */
int mr_helper_behind(void);
/* Returns when all commands were run; traps as mr_helper_command() does. */
void mr_helper_settle(void);
/* The same, and the second thread is nobody's. */
void mr_helper_finish(void);

/* In kernels/hevc_helper.c: runs a command, on the second thread. `operation` is not 0. */
void mr_hevc_run(uint32_t operation, void *arguments) __attribute__((weak));

#endif
