/*
 * A name that goes from memory to memory. Another process opens it all the time and must always find one, newer or the same, and
 * never an unfinished one. Owners are killed while they do it: what they leave can be replaced, and no hidden name stays.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../millrace.h"
#include "check.h"

#define MOVES 2000
#define KILLS 40

static char name[64];

static int32_t make(uint32_t number) {
  int32_t memory = mr_shm_create(4096 * (1 + number % 3), 0600);
  CHECK(memory > 0);
  EQUAL(mr_mem_store32(memory, 0, number), 0);
  return memory;
}

/* Moves the name on and on; number counts up. */
static void move(int32_t memory, uint32_t number, uint32_t moves, atomic_int *over) {
  for (uint32_t i = 0; i < moves; i++) {
    int32_t next = make(++number);
    EQUAL(mr_shm_replace(next, memory, name), 0);
    EQUAL(mr_shm_same(next, name), 1);
    EQUAL(mr_shm_same(memory, name), 0);
    mr_close(memory);
    memory = next;
  }
  if (over) atomic_store(over, 1);
  EQUAL(mr_shm_unpublish(memory, name), 1);
  mr_close(memory);
}

static void always_there(void) {
  atomic_int *over = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(over != MAP_FAILED);
  int32_t memory = make(1);
  EQUAL(mr_shm_publish(memory, name), 0);
  pid_t reader = fork();
  if (reader == 0) {
    /* It has the writer's handle as well, and so its lock; that does not matter here. */
    uint32_t last = 0;
    while (!atomic_load(over)) {
      int32_t handle = mr_shm_open(name, 0);
      if (atomic_load(over)) break;
      CHECK(handle > 0);
      uint32_t number = 0;
      EQUAL(mr_mem_load32(handle, 0, &number), 0);
      CHECK(number >= last && number > 0);
      last = number;
      mr_close(handle);
    }
    _exit(0);
  }
  move(memory, 1, MOVES, over);
  int status;
  CHECK(waitpid(reader, &status, 0) == reader);
  EQUAL(status, 0);
  munmap(over, 4096);
}

static int hidden_names(void) {
  int count = 0;
  DIR *folder = opendir("/dev/shm");
  CHECK(folder);
  for (struct dirent *entry; (entry = readdir(folder));) count += strncmp(entry->d_name, ".millrace-", 10) == 0;
  closedir(folder);
  return count;
}

static void killed_on_the_way(void) {
  for (uint32_t i = 0; i < KILLS; i++) {
    pid_t owner = fork();
    if (owner == 0) {
      int32_t memory = make(1);
      EQUAL(mr_shm_publish(memory, name), 0); /* whatever the one before left */
      move(memory, 1, UINT32_MAX, NULL);
    }
    usleep(2000 + 131 * i);
    EQUAL(kill(owner, SIGKILL), 0);
    CHECK(waitpid(owner, NULL, 0) == owner);
  }
  int32_t memory = make(1);
  int32_t result = mr_shm_publish(memory, name);
  EQUAL(result, 0);
  EQUAL(mr_shm_unpublish(memory, name), 1);
  mr_close(memory);
}

static void refusals(void) {
  int32_t one = make(1), two = make(2);
  uint32_t readers[2] = {7, 7}, unseen = 7;
  EQUAL(mr_shm_replace(two, one, name), -ESTALE);
  EQUAL(mr_shm_publish(one, name), 0);
  EQUAL(mr_shm_replace(one, one, name), -EINVAL);
  EQUAL(mr_shm_same(one, name), 1);
  EQUAL(mr_shm_replace(two, one, NULL), -EFAULT);
  EQUAL(mr_shm_replace(two, one, "a/b"), -EINVAL);
  EQUAL(mr_shm_readers("a\0b", 4, readers, 1, &unseen), -ENOBUFS);
  EQUAL(mr_shm_readers("ab", 2, readers, 2, &unseen), -EINVAL); /* no end */
  EQUAL(mr_shm_readers("a/b", 4, readers, 2, &unseen), -EINVAL);
  EQUAL(mr_shm_readers("", 0, readers, 2, &unseen), 0);
  EQUAL(mr_shm_readers(name, (uint32_t)strlen(name) + 1, readers, 2, &unseen), 1);
  EQUAL(readers[0], 0);
  EQUAL(readers[1], 0);
  uint64_t address = 0;
  EQUAL(mr_mem_address(one, &address), 0);
  EQUAL(*(const uint32_t *)(uintptr_t)address, 1);
  EQUAL(mr_mem_address(one, NULL), -EFAULT);
  EQUAL(mr_shm_unpublish(one, name), 1);
  mr_close(one);
  mr_close(two);
  EQUAL(mr_mem_address(one, &address), -EBADF);
}

int main(void) {
  snprintf(name, sizeof name, "millrace-moves-%d", (int)getpid());
  int before = hidden_names();
  refusals();
  always_there();
  killed_on_the_way();
  /* The last one that was made swept up what the killed ones left on the way; others may be at work beside. */
  CHECK(hidden_names() <= before + 2);
  puts("ok");
  return 0;
}
