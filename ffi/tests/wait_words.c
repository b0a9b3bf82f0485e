/*
 * One thread waits for many words, others change them. Every change must end a wait that began before it: a lost one
 * shows as a time-out, for the changers go on only when the waiter has seen the last.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../millrace.h"
#include "check.h"

#define WORDS 5
#define CHANGES 400

static int32_t memories[WORDS];
static atomic_int seen[WORDS];

static void *change(void *number_of_word) {
  int number = *(int *)number_of_word;
  for (uint32_t value = 1; value <= CHANGES; value++) {
    EQUAL(mr_mem_store32(memories[number], 144, value), 0);
    CHECK(mr_mem_notify(memories[number], 144) >= 0);
    while (atomic_load(&seen[number]) < (int)value) EQUAL(mr_mem_wait(memories[0], 0, 1, 1), 0);
  }
  return NULL;
}

int main(void) {
  pthread_t threads[WORDS];
  int numbers[WORDS];
  uint64_t offsets[WORDS];
  uint32_t known[WORDS] = {0};
  for (int i = 0; i < WORDS; i++) {
    CHECK((memories[i] = mr_shm_create(4096, 0600)) > 0);
    offsets[i] = 144;
  }
  EQUAL(mr_mem_wait_many(memories, offsets, known, WORDS, 20), -ETIMEDOUT);
  EQUAL(mr_mem_wait_many(memories, offsets, known, WORDS, 0), -ETIMEDOUT);
  for (int i = 0; i < WORDS; i++) {
    numbers[i] = i;
    EQUAL(pthread_create(&threads[i], NULL, change, &numbers[i]), 0);
  }
  for (int i = 0; i < WORDS * CHANGES; i++) {
    int32_t index = mr_mem_wait_many(memories, offsets, known, WORDS, i % 2 ? 20000 : -1);
    CHECK(index >= 0 && index < WORDS);
    uint32_t value;
    EQUAL(mr_mem_load32(memories[index], 144, &value), 0);
    if (value == known[index]) { /* woken by the notify of a change that was seen without it */
      i--;
      continue;
    }
    EQUAL(value, known[index] + 1);
    known[index] = value;
    atomic_store(&seen[index], (int)value);
  }
  for (int i = 0; i < WORDS; i++) pthread_join(threads[i], NULL); /* all of them sleep on the first memory */
  for (int i = 0; i < WORDS; i++) {
    EQUAL(known[i], CHANGES);
    EQUAL(mr_close(memories[i]), 0);
  }
  puts("ok");
  return 0;
}
