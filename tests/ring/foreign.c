/*
 * A stranger to Millrace that knows nothing of it but the text at the top of ffi/millrace.h: writes a ring, or reads one.
 *
 *   foreign write NAME SLOTS CELL RECORDS    0 records: for ever; says "ready" when the ring has its name
 *   foreign read NAME RECORDS                says "delivered N missed N torn N"
 *
 * Word i of the payload of record s is (s * 2654435761) ^ i.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <math.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint8_t *ring;

static _Atomic uint64_t *long_at(uint64_t offset) { return (_Atomic uint64_t *)(ring + offset); }
static _Atomic uint32_t *word_at(uint64_t offset) { return (_Atomic uint32_t *)(ring + offset); }
static uint64_t get64(uint64_t offset) { return atomic_load(long_at(offset)); }
static uint32_t get32(uint64_t offset) { return atomic_load(word_at(offset)); }
static void set64(uint64_t offset, uint64_t value) { atomic_store(long_at(offset), value); }
static void set32(uint64_t offset, uint32_t value) { atomic_store(word_at(offset), value); }
static void set_double(uint64_t offset, double value) { memcpy(ring + offset, &value, 8); }

static void die(const char *what) {
  perror(what);
  exit(1);
}

static double unix_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static uint32_t pattern(uint64_t sequence, uint32_t i) { return (uint32_t)(sequence * 2654435761u) ^ i; }

static void futex(int operation, uint32_t value, const struct timespec *timeout) {
  syscall(SYS_futex, ring + 144, operation, value, timeout, NULL, 0);
}

static void write_ring(const char *name, uint32_t slots, uint64_t cell, uint64_t records) {
  char hidden[64], path[256];
  snprintf(hidden, sizeof hidden, "/dev/shm/.foreign-%d", getpid());
  snprintf(path, sizeof path, "/dev/shm/%s", name);
  uint64_t arena = 256 + (uint64_t)slots * 128;
  uint64_t bytes = arena + cell * slots;
  int fd = open(hidden, O_RDWR | O_CREAT | O_EXCL, 0600);
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) < 0 || posix_fallocate(fd, 0, (off_t)bytes) != 0) die("create");
  ring = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED) die("map");
  memcpy(ring, "MILLRACE", 8);
  set32(8, 1);
  set32(12, 256);
  set64(16, bytes);
  set32(24, slots);
  set32(28, 128);
  set64(32, arena);
  set64(40, cell * slots);
  set32(48, 4);
  set32(52, 1);
  set64(56, cell);
  set64(64, (uint64_t)getpid() << 32 | 1);
  set_double(72, unix_ms());
  set32(80, (uint32_t)getpid());
  set32(148, 1);
  if (rename(hidden, path) < 0) die("rename");
  puts("ready");
  fflush(stdout);
  uint32_t words = (uint32_t)(cell / 4);
  for (uint64_t s = 0; records == 0 || s < records; s++) {
    uint64_t slot = 256 + (s % slots) * 128, at = arena + (s % slots) * cell;
    if (s >= slots) set64(136, s - slots + 1);
    atomic_thread_fence(memory_order_seq_cst);
    set64(slot, 0);
    for (uint32_t i = 0; i < words; i++) ((volatile uint32_t *)(ring + at))[i] = pattern(s, i);
    memset(ring + slot + 8, 0, 120);
    memcpy(ring + slot + 8, &(uint64_t){(s % slots) * cell}, 8);
    memcpy(ring + slot + 16, &(uint64_t){(uint64_t)words * 4}, 8);
    memcpy(ring + slot + 24, &(int64_t){(int64_t)s * 40000 - 1000000}, 8);
    set_double(slot + 40, s % 2 ? (double)s : NAN);
    set_double(slot + 48, unix_ms());
    set_double(slot + 56, unix_ms());
    *(volatile uint32_t *)(ring + slot + 84) = 7;
    set64(slot, s + 1);
    set64(128, s + 1);
    set32(144, get32(144) + 1);
    futex(FUTEX_WAKE, INT_MAX, NULL);
  }
  set32(148, 2);
  set32(144, get32(144) + 1);
  futex(FUTEX_WAKE, INT_MAX, NULL);
  unlink(path);
}

static void read_ring(const char *name, uint64_t records) {
  char path[256];
  snprintf(path, sizeof path, "/dev/shm/%s", name);
  int fd = open(path, O_RDONLY);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0) die("open");
  ring = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
  if (ring == MAP_FAILED) die("map");
  if (memcmp(ring, "MILLRACE", 8) != 0 || get32(8) != 1) die("layout");
  uint64_t slots = get32(24), arena = get64(32);
  uint32_t *copy = malloc((size_t)status.st_size);
  uint64_t delivered = 0, missed = 0, torn = 0;
  uint64_t next = get64(136);
  while (delivered < records) {
    uint32_t seen = get32(144);
    uint64_t head = get64(128), oldest = get64(136);
    if (next >= head) {
      if (get32(148) == 2) break;
      futex(FUTEX_WAIT, seen, &(struct timespec){.tv_nsec = 50000000});
      continue;
    }
    if (next < oldest) {
      missed += oldest - next;
      next = oldest;
    }
    uint64_t s = next++, slot = 256 + (s % slots) * 128;
    if (get64(slot) != s + 1) {
      missed++;
      continue;
    }
    uint64_t offset, bytes;
    memcpy(&offset, ring + slot + 8, 8);
    memcpy(&bytes, ring + slot + 16, 8);
    if (bytes > (uint64_t)status.st_size - arena || offset > (uint64_t)status.st_size - arena - bytes) bytes = 0;
    memcpy(copy, ring + arena + offset, bytes);
    atomic_thread_fence(memory_order_seq_cst);
    if (get64(136) > s || get64(slot) != s + 1) {
      missed++;
      continue;
    }
    delivered++;
    for (uint32_t i = 0; i < bytes / 4; i++) {
      if (copy[i] == pattern(s, i)) continue;
      torn++;
      break;
    }
    if (bytes == 0) torn++;
  }
  printf("delivered %lu missed %lu torn %lu\n", delivered, missed, torn);
}

int main(int count, char **words) {
  if (count == 6 && strcmp(words[1], "write") == 0) {
    write_ring(words[2], (uint32_t)atoi(words[3]), strtoull(words[4], NULL, 10), strtoull(words[5], NULL, 10));
  } else if (count == 4 && strcmp(words[1], "read") == 0) {
    read_ring(words[2], strtoull(words[3], NULL, 10));
  } else {
    return 2;
  }
  return 0;
}
