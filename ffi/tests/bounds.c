/*
 * Offsets, lengths and names from everywhere, with buffers from the heap that are exactly as large as they are said to
 * be: the sanitizer sees one byte too many. The library's answer is compared with arithmetic that cannot overflow.
 */
#include <errno.h>
#include <string.h>

#include "../millrace.h"
#include "check.h"

#define SIZE 4096u

static uint64_t state = 88172645463325252u;

static uint64_t any(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

/* Mostly near the edges, sometimes anything. */
static uint64_t edge(void) {
  static const uint64_t at[] = {0, 1, 64, SIZE - 64, SIZE - 8, SIZE - 1, SIZE, SIZE + 1, UINT32_MAX, INT64_MAX, UINT64_MAX};
  uint64_t base = at[any() % (sizeof at / sizeof *at)];
  return any() % 16 == 0 ? any() : base + any() % 9 - 4;
}

static int fits(uint64_t offset, uint64_t len) {
  return (unsigned __int128)offset + len <= SIZE;
}

static void bytes_and_words(int32_t memory) {
  for (int i = 0; i < 20000; i++) {
    uint64_t offset = edge(), len = any() % 130;
    uint8_t *buffer = malloc(len ? len : 1);
    memset(buffer, 7, len ? len : 1);
    EQUAL(mr_mem_write(memory, offset, buffer, len), fits(offset, len) ? 0 : -ERANGE);
    EQUAL(mr_mem_read(memory, offset, buffer, len), fits(offset, len) ? 0 : -ERANGE);
    free(buffer);
    uint32_t *word = malloc(sizeof *word);
    uint64_t *lon = malloc(sizeof *lon);
    *lon = offset;
    EQUAL(mr_mem_load32(memory, (double)offset, word), fits(offset, 4) && offset % 4 == 0 ? 0 : -ERANGE);
    EQUAL(mr_mem_store64(memory, (double)offset, lon), fits(offset, 8) && offset % 8 == 0 ? 0 : -ERANGE);
    free(word);
    free(lon);
    /* A length that no buffer has is refused before the buffer is touched. */
    uint64_t wide = edge();
    if (!fits(offset, wide)) EQUAL(mr_mem_read(memory, offset, (uint8_t *)&wide, wide), -ERANGE);
  }
}

static void rows(int32_t memory) {
  for (int i = 0; i < 20000; i++) {
    uint32_t row = (uint32_t)(any() % 40 + 1), count = (uint32_t)(any() % 12 + 1);
    uint32_t stride = row + (uint32_t)(any() % 8) - 1, buffer_stride = row + (uint32_t)(any() % 8) - 1;
    uint64_t bytes = any() % 600 + 1, at = any() % 32, offset = edge();
    uint8_t *buffer = malloc(bytes);
    memset(buffer, 9, bytes);
    uint64_t span = (uint64_t)(count - 1) * stride + row, taken = (uint64_t)(count - 1) * buffer_stride + row;
    int32_t expected = count > 1 && (stride < row || buffer_stride < row) ? -EINVAL
                       : at + taken > bytes || !fits(offset, span)        ? -ERANGE
                                                                          : 0;
    EQUAL(mr_mem_write_rows(memory, offset, stride, buffer, bytes, at, buffer_stride, row, count), expected);
    EQUAL(mr_mem_read_rows(memory, offset, stride, buffer, bytes, at, buffer_stride, row, count), expected);
    free(buffer);
  }
}

static void names(int32_t memory) {
  for (int i = 0; i < 20000; i++) {
    size_t length = any() % 260;
    char *name = malloc(length + 1);
    for (size_t k = 0; k < length; k++) name[k] = (char)(any() % 40 == 0 ? any() % 255 + 1 : 'a' + any() % 26);
    name[length] = 0;
    int32_t opened = mr_shm_open(name, 0);
    int good = length >= 1 && length <= 200 && name[0] != '.' && strncmp(name, "sem.", 4) != 0;
    for (size_t k = 0; k < length; k++) good = good && name[k] != '/' && (unsigned char)name[k] >= 32 && name[k] != 127;
    EQUAL(opened, good ? -ENOENT : -EINVAL);
    if (!good) EQUAL(mr_shm_publish(memory, name), -EINVAL);
    free(name);
  }
}

static void lists(int32_t memory) {
  EQUAL(mr_shm_publish(memory, "millrace-bounds-test"), 0);
  for (uint32_t cap = 0; cap < 64; cap++) {
    char *out = malloc(cap ? cap : 1);
    int32_t bytes = mr_shm_list(out, cap);
    CHECK(bytes == -ENOBUFS || (bytes > 0 && (uint32_t)bytes <= cap && out[bytes - 1] == 0));
    free(out);
  }
  EQUAL(mr_shm_unpublish(memory, "millrace-bounds-test"), 1);
}

static void datagrams(void) {
  uint8_t address[MR_ADDRESS_BYTES] = {4, 0, 0, 0, 0, 0, 0, 0, 127, 0, 0, 1};
  int32_t got;
  int32_t udp = mr_udp_open(address, 0, &got);
  CHECK(udp > 0);
  EQUAL(mr_local(udp, address), 0);
  for (uint32_t max = 1; max < 150; max += 37) {
    uint32_t slot = (uint32_t)(any() % 100 + 1);
    uint8_t *out = malloc(200), *into = malloc((size_t)slot * max), *peers = malloc((size_t)max * MR_ADDRESS_BYTES);
    int32_t *lens = malloc(max * sizeof *lens);
    memset(out, 5, 200);
    for (uint32_t i = 0; i < max + 3; i++) EQUAL(mr_udp_send(udp, out, i % 200, address), i % 200);
    EQUAL(mr_udp_recv_many(udp, into, slot, max, lens, peers), max);
    for (uint32_t i = 0; i < max; i++) EQUAL(lens[i], i % 200 > slot ? -EMSGSIZE : (int32_t)(i % 200));
    while (mr_udp_recv_many(udp, into, slot, 1, lens, NULL) > 0) continue;
    free(out);
    free(into);
    free(peers);
    free(lens);
  }
  EQUAL(mr_close(udp), 0);
}

int main(void) {
  int32_t memory = mr_shm_create(SIZE, 0600);
  CHECK(memory > 0);
  bytes_and_words(memory);
  rows(memory);
  names(memory);
  lists(memory);
  datagrams();
  EQUAL(mr_close(memory), 0);
  puts("ok");
  return 0;
}
