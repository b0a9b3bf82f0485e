/*
 * Writers and readers of rings in threads, and readers of rings that are anybody's work. The thread sanitizer watches the first part: all
 * words are atomic, and the payloads, which are not, are checked here. The address sanitizer watches both.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../millrace.h"
#include "check.h"

#define SLOTS 3u
#define CELL 4096u
#define ARENA 4096u
#define BYTES (ARENA + SLOTS * CELL)
#define RECORDS 6000
#define READERS 3
#define RINGS 2

/* As millrace.h describes them. */
struct request {
  double sequence, oldest, slots, payload;
  struct {
    double bytes, stride, row_bytes, rows;
  } parts[MR_RING_PARTS];
  uint32_t signal, zero;
  uint8_t described[120];
};
struct block {
  double cursor, gap, delivered, missed, overtaken, invalid, bytes, arena, arena_bytes, cell_bytes;
  uint32_t slots, mode, step, fresh, peeked, seen;
  double before, published_ms;
  uint32_t pace_ns;
  uint16_t rests, rests_next;
  uint8_t described[128];
};

struct ring {
  int32_t handle;
  atomic_int over;
};

static void put64(uint8_t *at, uint64_t value) {
  memcpy(at, &value, 8);
}

/* The record's size follows from its sequence, and all of its bytes are the same. */
static uint32_t size_of(uint64_t sequence) {
  return (uint32_t)(1 + sequence * 389 % (CELL - 64));
}

static int32_t write_one(int32_t handle, uint64_t sequence, uint8_t *payload) {
  uint32_t size = size_of(sequence), rows = size / 16;
  memset(payload, (int)(sequence & 255), CELL);
  struct request request = {.sequence = (double)sequence, .slots = SLOTS, .signal = (uint32_t)sequence + 1};
  request.oldest = sequence + 1 > SLOTS ? (double)(sequence + 1 - SLOTS) : 0;
  request.payload = (double)(ARENA + sequence % SLOTS * CELL);
  /* Rows with room between them, and the rest as the blob. */
  request.parts[0].bytes = CELL, request.parts[0].stride = 17, request.parts[0].row_bytes = 16, request.parts[0].rows = rows / 2;
  request.parts[1].bytes = size, request.parts[1].stride = request.parts[1].row_bytes = size - rows / 2 * 16;
  request.parts[1].rows = 1;
  request.parts[4].bytes = request.parts[4].stride = request.parts[4].row_bytes = 8, request.parts[4].rows = 1;
  put64(request.described, sequence % SLOTS * CELL);
  put64(request.described + 8, size);
  uint32_t blob = 8;
  memcpy(request.described + 84, &blob, sizeof blob);
  return mr_ring_write(handle, (const uint8_t *)&request, payload, payload, NULL, NULL, payload);
}

static void *write_all(void *given) {
  struct ring *ring = given;
  uint8_t *payload = malloc(CELL);
  for (uint64_t sequence = 0; sequence < RECORDS; sequence++) EQUAL(write_one(ring->handle, sequence, payload), 0);
  atomic_store(&ring->over, 1);
  uint32_t closed = 2;
  EQUAL(mr_mem_store32(ring->handle, 148, closed), 0);
  mr_mem_notify(ring->handle, 144);
  free(payload);
  return NULL;
}

static struct block fresh_block(uint32_t mode) {
  return (struct block){.arena = ARENA, .arena_bytes = SLOTS * CELL, .cell_bytes = CELL, .slots = SLOTS, .mode = mode, .fresh = 1};
}

static void *read_all(void *given) {
  struct ring *ring = given;
  struct block block = fresh_block(ring->handle & 1 ? MR_RING_EVERY : MR_RING_LATEST);
  uint8_t *into = malloc(CELL);
  uint64_t got = 0;
  for (uint32_t turn = 0;; turn++) {
    int over = atomic_load(&ring->over);
    /* In one step, and in two. */
    block.step = turn % 2 ? MR_RING_NEXT : MR_RING_LOOK;
    block.peeked = 0;
    int32_t result = mr_ring_read(ring->handle, (uint8_t *)&block, into, CELL, turn % 3 ? 0 : 20);
    if (result == MR_RING_FOUND) {
      block.step = MR_RING_COPY;
      result = mr_ring_read(ring->handle, (uint8_t *)&block, into, CELL, 0);
      CHECK(result == MR_RING_TAKEN || result == MR_RING_LOST);
    }
    if (result == MR_RING_NOTHING && over) break;
    if (result != MR_RING_TAKEN) continue;
    uint64_t sequence = (uint64_t)block.cursor - 1;
    uint32_t size = size_of(sequence);
    EQUAL(block.bytes, size + 8);
    for (uint32_t i = 0; i < size + 8; i++) EQUAL(into[i], sequence & 255);
    got++;
  }
  EQUAL(block.delivered, got);
  EQUAL(block.invalid, 0);
  /* What came before a reader's first record was not meant for it, in mode latest. */
  uint64_t all = got + (uint64_t)block.missed;
  CHECK(got > 0 && (block.mode == MR_RING_LATEST ? all <= RECORDS : all == RECORDS));
  EQUAL(block.cursor, RECORDS);
  free(into);
  return NULL;
}

static int32_t new_ring(void) {
  int32_t handle = mr_shm_create(BYTES, 0600);
  CHECK(handle > 0);
  return handle;
}

static void threads(void) {
  struct ring rings[RINGS];
  pthread_t writers[RINGS], readers[RINGS][READERS];
  for (int i = 0; i < RINGS; i++) {
    rings[i].handle = new_ring();
    atomic_init(&rings[i].over, 0);
    for (int j = 0; j < READERS; j++) EQUAL(pthread_create(&readers[i][j], NULL, read_all, &rings[i]), 0);
    EQUAL(pthread_create(&writers[i], NULL, write_all, &rings[i]), 0);
  }
  for (int i = 0; i < RINGS; i++) {
    for (int j = 0; j < READERS; j++) pthread_join(readers[i][j], NULL);
    pthread_join(writers[i], NULL);
    mr_close(rings[i].handle);
  }
}

static uint64_t state = 88172645463325252u;

static uint64_t any(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/* What somebody hostile would write. */
static uint64_t odd(void) {
  static const uint64_t values[] = {0, 1, 2, 3, 64, CELL, CELL - 8, SLOTS * CELL, UINT32_MAX, 1ull << 53, INT64_MAX, UINT64_MAX};
  return any() % 4 == 0 ? any() : values[any() % (sizeof values / sizeof *values)];
}

static double odd_number(void) {
  double value;
  uint64_t bits = any();
  switch (any() % 4) {
    case 0: memcpy(&value, &bits, sizeof value); return value;
    case 1: return -(double)(any() % 5);
    default: return (double)odd();
  }
}

/* Whatever lies in the ring, a reader comes back, and what it is given lies in the arena. */
static void hostile_ring(void) {
  int32_t ring = new_ring();
  uint8_t *payload = malloc(CELL), *into = malloc(CELL);
  int taken = 0;
  for (int i = 0; i < 60000; i++) {
    for (uint64_t sequence = 0; i % 4 == 0 && sequence < 5; sequence++) EQUAL(write_one(ring, sequence, payload), 0);
    for (uint64_t edits = any() % 4; edits > 0; edits--) {
      uint64_t value = odd(), at = any() % 2 ? 128 + any() % 3 * 8 : 256 + any() % (SLOTS * 16) * 8;
      EQUAL(mr_mem_write(ring, at, (uint8_t *)&value, 1 + any() % 8), 0);
    }
    struct block block = fresh_block(any() % 2 ? MR_RING_LATEST : MR_RING_EVERY);
    block.cursor = (double)(any() % 8);
    if (any() % 4 == 0) block.cell_bytes = 0;
    block.step = any() % 2 ? MR_RING_NEXT : MR_RING_LOOK;
    uint64_t len = any() % 3 ? CELL : any() % 100;
    uint8_t *exact = realloc(into, len ? len : 1);
    CHECK(exact != NULL);
    into = exact;
    int32_t result = mr_ring_read(ring, (uint8_t *)&block, into, (double)len, 0);
    CHECK(result >= MR_RING_NOTHING && result <= MR_RING_LATER);
    if (result == MR_RING_FOUND) {
      CHECK(block.bytes <= SLOTS * CELL);
      block.step = MR_RING_COPY;
      result = mr_ring_read(ring, (uint8_t *)&block, into, (double)len, 0);
      CHECK(result == MR_RING_TAKEN || result == MR_RING_FOUND || result == MR_RING_LOST);
    }
    taken += result == MR_RING_TAKEN;
  }
  CHECK(taken > 1000);
  free(payload);
  free(into);
  mr_close(ring);
}

/* Whatever a caller's block says, nothing outside the mapping and the buffers is reached. */
static void hostile_blocks(void) {
  int32_t ring = new_ring();
  uint8_t *bytes = malloc(100);
  memset(bytes, 5, 100);
  int written = 0, refused = 0;
  for (int i = 0; i < 60000; i++) {
    struct block block = fresh_block((uint32_t)odd());
    double *numbers[] = {&block.cursor, &block.arena, &block.arena_bytes, &block.cell_bytes};
    if (any() % 2) *numbers[any() % 4] = odd_number();
    if (any() % 3 == 0) block.slots = (uint32_t)odd();
    block.step = (uint32_t)(any() % 6), block.peeked = (uint32_t)(any() % 2);
    put64(block.described + 8, odd());
    put64(block.described + 16, odd());
    mr_ring_read(ring, (uint8_t *)&block, bytes, 100, 0);

    struct request request = {.sequence = (double)(any() % 9), .slots = SLOTS, .payload = ARENA};
    double *wrong[] = {&request.sequence, &request.oldest, &request.slots, &request.payload};
    if (any() % 2) *wrong[any() % 4] = odd_number();
    for (int part = 0; part < MR_RING_PARTS; part++) {
      request.parts[part].bytes = 100;
      request.parts[part].row_bytes = (double)(any() % 20);
      request.parts[part].stride = request.parts[part].row_bytes + (double)(any() % 4);
      request.parts[part].rows = (double)(any() % 6);
    }
    double *part = &request.parts[any() % MR_RING_PARTS].bytes;
    if (any() % 2) part[1 + any() % 3] = odd_number();
    int32_t result = mr_ring_write(ring, (const uint8_t *)&request, bytes, bytes, any() % 9 ? bytes : NULL, bytes, bytes);
    CHECK(result == 0 || result == -EINVAL || result == -ERANGE || result == -EFAULT);
    if (result == 0) written++;
    else refused++;
  }
  CHECK(written > 1000 && refused > 1000);
  int32_t closed = ring;
  mr_close(ring);
  struct block block = fresh_block(0);
  block.step = MR_RING_LOOK;
  EQUAL(mr_ring_read(closed, (uint8_t *)&block, NULL, 0, 0), -EBADF);
  EQUAL(mr_ring_read(closed, NULL, NULL, 0, 0), -EFAULT);
  for (int i = 0; i < 3; i++) EQUAL(mr_ring_read(closed, (uint8_t *)&block, bytes, (double[]){-1, NAN, 1e300}[i], 0), -EINVAL);
  EQUAL(mr_ring_write(closed, NULL, NULL, NULL, NULL, NULL, NULL), -EFAULT);
  free(bytes);
}

/* As sched_setattr() takes it. */
struct scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t slice, deadline, period;
};

static struct scheduling scheduling(void) {
  struct scheduling now = {0};
  EQUAL(syscall(SYS_sched_getattr, 0, &now, sizeof now, 0), 0);
  return now;
}

/* Whether this system lets a thread have shorter turns: since 6.12, where no filter forbids it. */
static void *can_shorten(void *unused) {
  struct scheduling now = scheduling();
  now.slice = now.slice > 1000000 ? 1000000 : 0;
  bool can = now.slice > 0 && syscall(SYS_sched_setattr, 0, &now, 0) == 0 && scheduling().slice == 1000000;
  return can ? unused : NULL;
}

static void *sleep_in_ring(void *given) {
  int32_t ring = *(int32_t *)given;
  struct scheduling before = scheduling();
  struct block block = fresh_block(MR_RING_EVERY);
  block.step = MR_RING_NEXT;
  EQUAL(mr_ring_read(ring, (uint8_t *)&block, NULL, 0, 0), MR_RING_NOTHING);
  EQUAL(scheduling().slice, before.slice);
  block.pace_ns = UINT32_MAX; /* without spinning */
  EQUAL(mr_ring_read(ring, (uint8_t *)&block, NULL, 0, 1), MR_RING_NOTHING);
  struct scheduling after = scheduling();
  CHECK(after.slice < before.slice && after.nice == before.nice && after.policy == before.policy);
  return NULL;
}

/* A reader that slept has shorter turns from then on, and nothing else of it is changed. */
static void turns(void) {
  pthread_t thread;
  void *can;
  int32_t ring = new_ring();
  EQUAL(pthread_create(&thread, NULL, can_shorten, &ring), 0);
  pthread_join(thread, &can);
  EQUAL(pthread_create(&thread, NULL, can ? sleep_in_ring : can_shorten, &ring), 0);
  pthread_join(thread, NULL);
  mr_close(ring);
}

int main(void) {
  threads();
  turns();
  hostile_ring();
  hostile_blocks();
  puts("ok");
  return 0;
}
