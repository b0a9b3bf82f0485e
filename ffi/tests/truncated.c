/* A ring's file that somebody cuts while others have it mapped: no function of the library ends the process. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "../millrace.h"
#include "check.h"

#define PAGES 64u
#define BYTES (PAGES * 4096u)

static char name[64], path[80];

static int32_t make(void) {
  int32_t writer = mr_shm_create(BYTES, 0600);
  CHECK(writer > 0);
  EQUAL(mr_shm_publish(writer, name), 0);
  uint8_t *all = malloc(BYTES);
  memset(all, 0xab, BYTES);
  EQUAL(mr_mem_write(writer, 0, all, BYTES), 0);
  free(all);
  return writer;
}

static void cut_to(uint32_t size) {
  int32_t writer = make(), reader = mr_shm_open(name, 0);
  CHECK(reader > 0);
  EQUAL(mr_shm_owner(reader), 1);
  EQUAL(truncate(path, size), 0);
  EQUAL(mr_shm_owner(reader), 0);
  EQUAL(mr_shm_owner(writer), 0);
  uint8_t *all = malloc(BYTES);
  EQUAL(mr_mem_read(reader, 0, all, BYTES), 0);
  for (uint32_t i = 0; i < BYTES; i++) EQUAL(all[i], i < size ? 0xab : 0);
  uint64_t word = 1;
  EQUAL(mr_mem_load64(reader, BYTES - 8, &word), 0);
  EQUAL(word, 0);
  uint32_t half = 1;
  EQUAL(mr_mem_load32(reader, BYTES - 4, &half), 0);
  EQUAL(half, 0);
  EQUAL(mr_mem_wait(reader, BYTES - 4, 0, 1), -ETIMEDOUT);
  /* The writer's own mapping, too. */
  EQUAL(mr_mem_store64(writer, BYTES - 8, &(uint64_t){7}), 0);
  EQUAL(mr_mem_write(writer, 0, all, BYTES), 0);
  CHECK(mr_mem_notify(writer, BYTES - 4) >= 0);
  free(all);
  EQUAL(mr_shm_unpublish(writer, name), 1);
  EQUAL(mr_close(reader), 0);
  EQUAL(mr_close(writer), 0);
}

static void *read_for_ever(void *argument) {
  int32_t reader = *(int32_t *)argument;
  uint8_t *all = malloc(BYTES);
  for (int i = 0; i < 200; i++) EQUAL(mr_mem_read(reader, 0, all, BYTES), 0);
  free(all);
  return NULL;
}

/* Many threads fall over the same page at once, in several mappings. */
static void at_once(void) {
  int32_t writer = make(), readers[3];
  pthread_t threads[6];
  for (int i = 0; i < 3; i++) CHECK((readers[i] = mr_shm_open(name, 0)) > 0);
  for (int i = 0; i < 6; i++) CHECK(pthread_create(&threads[i], NULL, read_for_ever, &readers[i % 3]) == 0);
  usleep(2000);
  EQUAL(truncate(path, 4096), 0);
  for (int i = 0; i < 6; i++) pthread_join(threads[i], NULL);
  EQUAL(mr_shm_unpublish(writer, name), 1);
  for (int i = 0; i < 3; i++) EQUAL(mr_close(readers[i]), 0);
  EQUAL(mr_close(writer), 0);
}

int main(void) {
  snprintf(name, sizeof name, "millrace-truncated-%d", getpid());
  snprintf(path, sizeof path, "/dev/shm/%s", name);
  cut_to(0);
  cut_to(4096);
  cut_to(5000);
  at_once();
  puts("ok");
  return 0;
}
