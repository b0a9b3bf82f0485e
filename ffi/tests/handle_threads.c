/*
 * Threads that open, use and close the same handles at once. What must never happen is found by the sanitizer (use
 * after unmap, races in the table); what must hold is checked here: each call completes or gives -EBADF, each handle
 * is closed exactly once, and at the end the table is empty.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "../millrace.h"
#include "check.h"

#define THREADS 6
#define SHARED 8
#define TURNS 3000

static atomic_int shared[SHARED];
static atomic_int opened, closed;

static int32_t open_one(uint32_t kind) {
  uint8_t loopback[MR_ADDRESS_BYTES] = {4, 0, 0, 0, 0, 0, 0, 0, 127, 0, 0, 1};
  int32_t got;
  switch (kind) {
    case 0: return mr_shm_create(4096, 0600);
    case 1: return mr_poll_new();
    default: return mr_udp_open(loopback, 0, &got);
  }
}

static int allowed(int32_t result) {
  return result >= 0 || result == -EBADF;
}

/* Each thread has bytes of its own: two that write the same ones is the caller's race, not the table's. */
static void use(int32_t handle, int32_t other, uint64_t own_bytes) {
  uint8_t bytes[256];
  uint32_t word, tags[4], events[4];
  int32_t lens[4];
  memset(bytes, 1, sizeof bytes);
  CHECK(allowed(mr_mem_write(handle, own_bytes, bytes, sizeof bytes)));
  CHECK(allowed(mr_mem_load32(handle, 4092, &word)));
  CHECK(allowed(mr_mem_notify(handle, 0)));
  int32_t waited = mr_mem_wait(handle, 8, 0, 0);
  CHECK(allowed(waited) || waited == -ETIMEDOUT);
  CHECK(allowed(mr_poll_wake(handle)));
  int32_t set = mr_poll_set(handle, other, MR_POLL_IN, 3);
  CHECK(allowed(set));
  CHECK(allowed(mr_poll_wait(handle, 0, tags, events, 4)));
  CHECK(allowed(mr_udp_recv_many(handle, bytes, 64, 4, lens, NULL)));
}

static void *work(void *number_of_thread) {
  uint32_t number = *(uint32_t *)number_of_thread, seed = number * 7919 + 1;
  for (int turn = 0; turn < TURNS; turn++) {
    seed = seed * 1664525u + 1013904223u;
    uint32_t place = (seed >> 8) % SHARED, choice = (seed >> 16) % 8;
    int32_t handle = atomic_load(&shared[place]), other = atomic_load(&shared[(place + 1) % SHARED]);
    if (choice == 0) {
      int32_t fresh = open_one((seed >> 20) % 3);
      CHECK(fresh > 0);
      atomic_fetch_add(&opened, 1);
      int32_t old = atomic_exchange(&shared[place], fresh);
      if (old > 0 && mr_close(old) == 0) atomic_fetch_add(&closed, 1);
    } else if (choice == 1) {
      /* Closed while it stays in the table of the test, so that others go on with a dead handle. */
      if (handle > 0 && mr_close(handle) == 0) atomic_fetch_add(&closed, 1);
    } else {
      use(handle, other, 256 + number * 256);
    }
  }
  return NULL;
}

static void *sleep_in_poll(void *poll) {
  uint32_t tag, events;
  EQUAL(mr_poll_wait(*(int32_t *)poll, -1, &tag, &events, 1), -EBADF);
  return NULL;
}

int main(void) {
  pthread_t threads[THREADS];
  uint32_t numbers[THREADS];
  for (uint32_t i = 0; i < THREADS; i++) {
    numbers[i] = i;
    EQUAL(pthread_create(&threads[i], NULL, work, &numbers[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  for (int i = 0; i < SHARED; i++) {
    if (atomic_load(&shared[i]) > 0 && mr_close(atomic_load(&shared[i])) == 0) atomic_fetch_add(&closed, 1);
  }
  EQUAL(atomic_load(&closed), atomic_load(&opened));

  int32_t poll = mr_poll_new();
  for (int i = 0; i < THREADS; i++) EQUAL(pthread_create(&threads[i], NULL, sleep_in_poll, &poll), 0);
  EQUAL(mr_close(poll), 0);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);

  /* The table is empty: the full number fits, and not one more. Two descriptors fewer each than the system allows. */
  static int32_t all[4096];
  int made = 0;
  while (made < 4096 && (all[made] = mr_poll_new()) > 0) made++;
  CHECK(made == 4096 || all[made] == -EMFILE);
  if (made == 4096) EQUAL(mr_poll_new(), -EMFILE);
  for (int i = 0; i < made; i++) EQUAL(mr_close(all[i]), 0);
  puts("ok");
  return 0;
}
