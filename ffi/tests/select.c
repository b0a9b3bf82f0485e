/*
 * A selector over many rings, whose writers are threads that die and come back. Every change must end a wait that
 * began before it: a lost one shows as a time-out, for a writer goes on only when its last change was seen. Meanwhile another
 * thread adds and removes what is watched, and wakes the waiter.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../millrace.h"
#include "check.h"

#define RINGS 6
#define CHANGES 500
#define CLOSED 0xffffffffu

static char names[RINGS][64];
static int32_t writers[RINGS], readers[RINGS], selector;
static atomic_int seen[RINGS];
static atomic_bool stop;

static void *change(void *number_of_ring) {
  int number = *(int *)number_of_ring;
  for (uint32_t value = 1; value <= CHANGES; value++) {
    EQUAL(mr_mem_store32(writers[number], 144, value), 0);
    CHECK(mr_mem_notify(writers[number], 144) >= 0);
    while (atomic_load(&seen[number]) < (int)value) usleep(20);
  }
  return NULL;
}

static void *disturb(void *ignored) {
  (void)ignored;
  for (uint32_t i = 0; !atomic_load(&stop); i++) {
    uint32_t tag = 1000 + i % 50;
    EQUAL(mr_select_ring(selector, readers[i % RINGS], 144, 0, tag), 0);
    EQUAL(mr_select_arm(selector, tag, CLOSED), 0);
    EQUAL(mr_select_name(selector, "millrace-nobody", tag + 100), 0);
    if (i % 7 == 0) EQUAL(mr_select_wake(selector), 0);
    EQUAL(mr_select_remove(selector, tag), 0);
    EQUAL(mr_select_remove(selector, tag + 100), 0);
    usleep(200);
  }
  return NULL;
}

static void make(int number) {
  snprintf(names[number], sizeof names[number], "millrace-select-%d-%d", (int)getpid(), number);
  CHECK((writers[number] = mr_shm_create(4096, 0600)) > 0);
  EQUAL(mr_shm_publish(writers[number], names[number]), 0);
  CHECK((readers[number] = mr_shm_open(names[number], 0)) > 0);
}

static int32_t wait_once(int32_t timeout, uint32_t *tags, uint32_t cap) {
  /* Exactly as long as it is said to be. */
  uint32_t *exact = malloc(cap * sizeof *exact);
  int32_t count = mr_select_wait(selector, timeout, exact, cap);
  if (count > 0) memcpy(tags, exact, (uint32_t)count * sizeof *exact);
  free(exact);
  return count;
}

static void arguments(void) {
  uint32_t tags[4];
  EQUAL(mr_select_wait(12345, 0, tags, 4), -EBADF);
  EQUAL(mr_select_wait(selector, 0, NULL, 4), -EFAULT);
  EQUAL(mr_select_wait(selector, 0, tags, 0), -EINVAL);
  EQUAL(mr_select_wait(selector, 5, tags, 4), 0);
  EQUAL(mr_select_ring(selector, selector, 144, 0, 1), -EBADF);
  EQUAL(mr_select_ring(selector, readers[0], 4095, 0, 1), -ERANGE);
  EQUAL(mr_select_ring(selector, readers[0], 4096, 0, 1), -ERANGE);
  EQUAL(mr_select_valkka(selector, readers[0], 1), -EBADF);
  EQUAL(mr_select_name(selector, "a/b", 1), -EINVAL);
  EQUAL(mr_select_arm(selector, 1, 0), -ENOENT);
  EQUAL(mr_select_remove(selector, 1), -ENOENT);
  EQUAL(mr_select_ring(selector, readers[0], 144, 0, 1), 0);
  EQUAL(mr_select_ring(selector, readers[1], 144, 0, 1), -EEXIST);
  EQUAL(mr_select_name(selector, "x", 1), -EEXIST);
  EQUAL(wait_once(0, tags, 4), 0);
  EQUAL(mr_select_wake(selector), 0);
  EQUAL(wait_once(-1, tags, 4), 0);
  for (uint32_t tag = 2; tag <= 4096; tag++) EQUAL(mr_select_name(selector, "x", tag), 0);
  EQUAL(mr_select_name(selector, "x", 5000), -ENOSPC);
  for (uint32_t tag = 1; tag <= 4096; tag++) EQUAL(mr_select_remove(selector, tag), 0);
}

/* With room for one tag, four that are always ready come in turn. */
static void turns(void) {
  uint32_t tag, asked[4] = {0};
  EQUAL(mr_select_wait(selector, 0, NULL, 0), 0);
  for (uint32_t i = 0; i < 4; i++) EQUAL(mr_select_ring(selector, readers[i], 144, 77, i), 0);
  for (int i = 0; i < 40; i++) {
    for (int k = 0; k < i % 3; k++) EQUAL(mr_select_wait(selector, -1, NULL, 0), 1);
    EQUAL(wait_once(0, &tag, 1), 1);
    asked[tag]++;
  }
  for (uint32_t i = 0; i < 4; i++) {
    EQUAL(asked[i], 10);
    EQUAL(mr_select_remove(selector, i), 0);
  }
}

static void changes(void) {
  pthread_t threads[RINGS], other;
  int numbers[RINGS];
  uint32_t known[RINGS] = {0}, tags[3];
  for (int i = 0; i < RINGS; i++) EQUAL(mr_select_ring(selector, readers[i], 144, 0, (uint32_t)i), 0);
  for (int i = 0; i < RINGS; i++) {
    numbers[i] = i;
    EQUAL(pthread_create(&threads[i], NULL, change, &numbers[i]), 0);
  }
  EQUAL(pthread_create(&other, NULL, disturb, NULL), 0);
  struct timespec began, now;
  clock_gettime(CLOCK_MONOTONIC, &began);
  for (int done = 0; done < RINGS * CHANGES;) {
    int32_t count = wait_once(30000, tags, 3);
    CHECK(count >= 0);
    clock_gettime(CLOCK_MONOTONIC, &now);
    CHECK(now.tv_sec - began.tv_sec < 100);
    for (int32_t i = 0; i < count; i++) {
      uint32_t tag = tags[i], value;
      if (tag >= RINGS) continue; /* the other thread's, in between */
      EQUAL(mr_mem_load32(readers[tag], 144, &value), 0);
      EQUAL(mr_select_arm(selector, tag, value), 0);
      if (value == known[tag]) continue;
      EQUAL(value, known[tag] + 1);
      known[tag] = value;
      atomic_store(&seen[tag], (int)value);
      done++;
    }
  }
  for (int i = 0; i < RINGS; i++) pthread_join(threads[i], NULL);
  atomic_store(&stop, true);
  pthread_join(other, NULL);
}

/* A writer that dies is told of, and so is the next one of its name; and that long before all are looked at, once a second. */
static void deaths(void) {
  struct timespec began, ended;
  clock_gettime(CLOCK_MONOTONIC, &began);
  uint32_t tags[8], value;
  for (uint32_t i = 0; i < RINGS; i++) {
    mr_mem_load32(readers[i], 144, &value);
    EQUAL(mr_select_arm(selector, i, value), 0);
  }
  for (int life = 0; life < 20; life++) {
    EQUAL(wait_once(1, tags, 8), 0);
    EQUAL(mr_close(writers[2]), 0);
    EQUAL(wait_once(10000, tags, 8), 1);
    EQUAL(tags[0], 2);
    EQUAL(wait_once(10000, tags, 8), 1); /* it stays so */
    EQUAL(mr_shm_owner(readers[2]), 0);
    EQUAL(mr_select_remove(selector, 2), 0);
    EQUAL(mr_close(readers[2]), 0);
    EQUAL(mr_select_name(selector, names[2], 900), 0);
    EQUAL(wait_once(0, tags, 8), 1); /* it may have come before it was watched */
    EQUAL(mr_select_arm(selector, 900, 0), 0);
    EQUAL(wait_once(0, tags, 8), 0);
    CHECK((writers[2] = mr_shm_create(4096, 0600)) > 0);
    EQUAL(mr_shm_publish(writers[2], names[2]), 0);
    EQUAL(wait_once(10000, tags, 8), 1);
    EQUAL(tags[0], 900);
    EQUAL(mr_select_remove(selector, 900), 0);
    CHECK((readers[2] = mr_shm_open(names[2], 0)) > 0);
    EQUAL(mr_select_ring(selector, readers[2], 144, 0, 2), 0);
  }
  clock_gettime(CLOCK_MONOTONIC, &ended);
  CHECK(ended.tv_sec - began.tv_sec < 20);
}

/* A ring of libValkka's, beside the others: pulled as its own clients do. */
static void foreign(void) {
  uint8_t meta[32] = {0}, slot[120] = {0}, bytes[100] = {7}, into[100];
  char name[64], side_name[96];
  uint64_t found[3];
  uint32_t tags[4];
  snprintf(name, sizeof name, "millrace-select-v-%d", (int)getpid());
  snprintf(side_name, sizeof side_name, "%s_millrace_side", name);
  int32_t side = mr_shm_create(4096, 0600);
  EQUAL(mr_shm_publish(side, side_name), 0);
  int32_t ring = mr_valkka_create(side, name, 1, 4, 100, 0600);
  CHECK(ring > 0);
  int32_t beside = mr_valkka_open(name, 1, 4, 100, 0, found), reader = mr_valkka_open(name, 1, 4, 100, 1, found);
  CHECK(beside > 0 && reader > 0);
  EQUAL(mr_select_valkka(selector, beside, 50), -EPERM);
  EQUAL(mr_select_valkka(selector, ring, 50), -EACCES);
  EQUAL(mr_select_valkka(selector, reader, 50), 0);
  EQUAL(wait_once(5, tags, 4), 0);
  for (int i = 0; i < 100; i++) {
    int times = i % 3 + 1;
    for (int k = 0; k < times; k++) CHECK(mr_valkka_push(ring, meta, slot, bytes, 100, 0, 100, 100, 1) >= 0);
    for (int k = 0; k < times; k++) {
      EQUAL(wait_once(10000, tags, 4), 1);
      EQUAL(tags[0], 50);
      CHECK(mr_valkka_pull(reader, 0, meta, into, 100) >= 0);
    }
    EQUAL(wait_once(0, tags, 4), 0);
  }
  /* Its names mean nothing any more. */
  EQUAL(mr_valkka_remove(ring), 0);
  EQUAL(wait_once(10000, tags, 4), 1);
  EQUAL(mr_valkka_live(reader), 0);
  EQUAL(mr_close(reader), 0);
  EQUAL(wait_once(0, tags, 4), 1); /* what is watched outlives its handle */
  EQUAL(mr_select_remove(selector, 50), 0);
  EQUAL(mr_close(beside), 0);
  EQUAL(mr_close(ring), 0);
  EQUAL(mr_close(side), 0);
}

static void *wait_for_ever(void *result) {
  uint32_t tags[2];
  *(int32_t *)result = mr_select_wait(selector, -1, tags, 2);
  return NULL;
}

int main(void) {
  CHECK((selector = mr_select_new()) > 0);
  for (int i = 0; i < RINGS; i++) make(i);
  arguments();
  turns();
  changes();
  deaths();
  foreign();
  pthread_t thread;
  int32_t ended = 0;
  uint32_t tag;
  EQUAL(pthread_create(&thread, NULL, wait_for_ever, &ended), 0);
  while (mr_select_wait(selector, 0, &tag, 1) != -EBUSY) usleep(100);
  /* What is watched outlives its handle. */
  for (int i = 0; i < RINGS; i++) EQUAL(mr_close(readers[i]), 0);
  EQUAL(mr_close(selector), 0);
  pthread_join(thread, NULL);
  EQUAL(ended, -EBADF);
  for (int i = 0; i < RINGS; i++) {
    EQUAL(mr_shm_unpublish(writers[i], names[i]), 1);
    EQUAL(mr_close(writers[i]), 0);
  }
  puts("ok");
  return 0;
}
