/*
 * A ring in libValkka's layout, written and read in one process, with buffers exactly as large as they are said to be; then
 * a writer against readers in threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../millrace.h"
#include "check.h"

#define CELLS 4u
#define BYTES 1000u

static char name[64], side_name[96];
static int32_t side, ring;

static void make(uint32_t kind) {
  side = mr_shm_create(4096, 0600);
  CHECK(side > 0);
  EQUAL(mr_shm_publish(side, side_name), 0);
  ring = mr_valkka_create(side, name, kind, CELLS, BYTES, 0600);
  CHECK(ring > 0);
}

static void unmake(void) {
  EQUAL(mr_valkka_remove(ring), 0);
  EQUAL(mr_shm_unpublish(side, side_name), 0);
  /* The ring keeps its segment, whoever closes that. */
  EQUAL(mr_close(side), 0);
  EQUAL(mr_close(ring), 0);
  EQUAL(mr_close(ring), -EBADF);
}

static int32_t open_ring(uint32_t kind, uint32_t cells, uint64_t bytes, uint32_t foreign, uint64_t *found) {
  uint64_t *exact = malloc(3 * sizeof *exact);
  int32_t result = mr_valkka_open(name, kind, cells, bytes, foreign, exact);
  if (found) memcpy(found, exact, 3 * sizeof *exact);
  free(exact);
  return result;
}

static int32_t push(uint8_t value, uint32_t bytes) {
  uint8_t *meta = calloc(1, 32), *slot = calloc(1, 120), *payload = malloc(bytes ? bytes : 1);
  memset(payload, value, bytes ? bytes : 1);
  int64_t stamp = value;
  memcpy(meta + 24, &stamp, 8);
  int32_t result = mr_valkka_push(ring, meta, slot, payload, bytes, 0, bytes, bytes, 1);
  free(meta);
  free(slot);
  free(payload);
  return result;
}

static int32_t pull(int32_t reader, uint32_t latest, int *value) {
  uint8_t *meta = malloc(32), *into = malloc(BYTES);
  int32_t result = mr_valkka_pull(reader, latest, meta, into, BYTES);
  uint64_t size;
  memcpy(&size, meta, 8);
  *value = result >= 0 && size ? into[size - 1] : -1;
  free(meta);
  free(into);
  return result;
}

static void arguments(void) {
  uint64_t found[3];
  EQUAL(open_ring(2, CELLS, BYTES, 1, NULL), -ENOENT);
  EQUAL(mr_valkka_create(12345, name, 2, CELLS, BYTES, 0600), -EBADF);
  EQUAL(mr_valkka_server(name, 0, CELLS), 0);
  make(2);
  uint64_t small_side = 0;
  int32_t tiny = mr_shm_create(300, 0600);
  EQUAL(mr_valkka_create(tiny, "x", 2, CELLS, BYTES, 0600), -ERANGE);
  mr_close(tiny);
  (void)small_side;
  for (uint32_t kind = 0; kind < 6; kind += 5) EQUAL(mr_valkka_create(side, name, kind, CELLS, BYTES, 0600), -EINVAL);
  EQUAL(mr_valkka_create(side, name, 2, 0, BYTES, 0600), -EINVAL);
  EQUAL(mr_valkka_create(side, name, 2, 5000, BYTES, 0600), -EINVAL);
  EQUAL(mr_valkka_create(side, name, 2, CELLS, 0, 0600), -EINVAL);
  EQUAL(mr_valkka_create(side, name, 2, CELLS, BYTES, 0400), -EINVAL);
  EQUAL(mr_valkka_create(side, "a/b", 2, CELLS, BYTES, 0600), -EINVAL);
  EQUAL(mr_valkka_create(side, NULL, 2, CELLS, BYTES, 0600), -EFAULT);
  EQUAL(mr_valkka_open(name, 2, CELLS, BYTES, 1, NULL), -EFAULT);
  EQUAL(open_ring(2, CELLS, BYTES + 1, 1, found), -EMSGSIZE);
  EQUAL(found[2], BYTES);
  EQUAL(open_ring(1, CELLS, BYTES, 1, found), -EMSGSIZE);
  EQUAL(found[1] * 100 + found[2], 132);
  EQUAL(open_ring(2, CELLS + 1, BYTES, 1, found), -ENOENT);
  EQUAL(found[0], CELLS);
  EQUAL(push(1, BYTES + 1), -EMSGSIZE);
  EQUAL(mr_valkka_push(ring, NULL, NULL, NULL, 0, 0, 0, 0, 0), -EFAULT);
  EQUAL(mr_valkka_server(name, 0, CELLS), getpid());
  int32_t beside = open_ring(2, CELLS, BYTES, 0, NULL);
  CHECK(beside > 0);
  int value;
  EQUAL(pull(beside, 0, &value), -EPERM);
  EQUAL(mr_valkka_wait(beside, 0), -EPERM);
  EQUAL(mr_valkka_wait(ring, 0), -EACCES);
  EQUAL(mr_valkka_remove(beside), -EACCES);
  EQUAL(pull(ring, 0, &value), -EACCES);
  uint8_t *meta = malloc(32), *slot = malloc(120), *rows = malloc(100);
  memset(meta, 0, 32);
  memset(slot, 0, 120);
  memset(rows, 9, 100);
  /* The last row ends where the buffer does. */
  EQUAL(mr_valkka_push(ring, meta, slot, rows, 100, 10, 30, 30, 3), 0);
  EQUAL(mr_valkka_push(ring, meta, slot, rows, 100, 11, 30, 30, 3), -ERANGE);
  EQUAL(mr_valkka_push(ring, meta, slot, rows, 100, 16, 40, 4, 3), 1);
  EQUAL(mr_valkka_push(ring, meta, slot, rows, 100, 0, 3, 4, 3), -EINVAL);
  EQUAL(mr_valkka_push(ring, meta, slot, rows, 100, UINT64_MAX, 4, 4, 3), -ERANGE);
  EQUAL(mr_valkka_push(ring, meta, slot, rows, UINT64_MAX, 0, UINT32_MAX, UINT32_MAX, UINT32_MAX), -EMSGSIZE);
  uint64_t stride = (BYTES + 63) / 64 * 64;
  EQUAL(mr_valkka_read(beside, stride, rows, 12), 0);
  CHECK(rows[0] == 9 && rows[11] == 9);
  EQUAL(mr_valkka_read(beside, stride * CELLS, rows, 0), -ERANGE);
  EQUAL(mr_valkka_read(beside, BYTES - 3, rows, 4), -ERANGE);
  EQUAL(mr_valkka_read(beside, UINT64_MAX, rows, 4), -ERANGE);
  EQUAL(mr_valkka_read(beside, 0, rows, UINT64_MAX), -ERANGE);
  EQUAL(mr_valkka_read(beside, 0, NULL, 4), -EFAULT);
  EQUAL(mr_valkka_counts(beside, NULL), -EFAULT);
  free(meta);
  free(slot);
  free(rows);
  EQUAL(mr_valkka_live(beside), 1);
  unmake();
  EQUAL(mr_valkka_live(beside), 0);
  EQUAL(mr_close(beside), 0);
}

static void order(void) {
  int value;
  make(2);
  for (uint8_t i = 1; i <= 3; i++) EQUAL(push(i, 10u * i), i - 1);
  int32_t reader = open_ring(2, CELLS, BYTES, 1, NULL);
  for (int i = 1; i <= 3; i++) {
    EQUAL(mr_valkka_wait(reader, 0), 0);
    EQUAL(pull(reader, 0, &value), i - 1);
    EQUAL(value, i);
  }
  EQUAL(pull(reader, 0, &value), -EAGAIN);
  EQUAL(mr_valkka_wait(reader, 5), -ETIMEDOUT);
  /* A whole ring behind: 4 to 7 are dropped, 8 and 9 lie in the first cells. */
  for (uint8_t i = 4; i <= 9; i++) push(i, BYTES);
  EQUAL(pull(reader, 0, &value), 0);
  EQUAL(value, 8);
  for (uint8_t i = 10; i <= 11; i++) push(i, BYTES);
  EQUAL(pull(reader, 1, &value), 3);
  EQUAL(value, 11);
  uint64_t counts[8];
  EQUAL(mr_valkka_counts(reader, counts), 0);
  EQUAL(counts[2], 5);
  EQUAL(counts[3], 4 + 2);
  /* One that comes when another has read does not know where the writer is: it has it begin anew. */
  push(12, BYTES);
  mr_close(reader);
  reader = open_ring(2, CELLS, BYTES, 1, NULL);
  EQUAL(pull(reader, 0, &value), -EAGAIN);
  EQUAL(mr_valkka_wait(reader, 5), -ETIMEDOUT);
  EQUAL(push(13, BYTES), 0);
  EQUAL(mr_valkka_wait(reader, 1000), 0);
  EQUAL(pull(reader, 0, &value), 0);
  EQUAL(value, 13);
  unmake();
  EQUAL(pull(reader, 0, &value), -ESTALE);
  mr_close(reader);
}

static atomic_bool stop;

static void *pulls(void *ignored) {
  (void)ignored;
  uint64_t got = 0;
  while (!atomic_load(&stop)) {
    int32_t reader = open_ring(2, CELLS, BYTES, 1, NULL);
    for (int i = 0; reader > 0 && i < 1000; i++) {
      int value;
      mr_valkka_wait(reader, 1);
      if (pull(reader, (uint32_t)i % 2, &value) >= 0) got++;
    }
    if (reader > 0) mr_close(reader);
  }
  return (void *)(uintptr_t)got;
}

/* Two readers of one ring get in each other's way, as libValkka's do: what counts is that nothing breaks. */
static void threads(void) {
  make(2);
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, pulls, NULL);
  for (int i = 0; i < 20000; i++) CHECK(push((uint8_t)i, BYTES) >= 0);
  atomic_store(&stop, true);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  unmake();
}

int main(void) {
  snprintf(name, sizeof name, "millrace-sanitized-%d", getpid());
  snprintf(side_name, sizeof side_name, "%s_millrace_side", name);
  arguments();
  order();
  threads();
  EQUAL(mr_clean_on_signals(), 0);
  /* What is left open is taken away at the end: the next line's ring. */
  make(1);
  puts("ok");
  return 0;
}
