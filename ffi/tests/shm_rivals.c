/*
 * Processes that all want one name. Each publishes, checks that the name is its own for as long as it lives, and dies
 * without a word at some moment; the next one must replace what it left, and never two may hold the name at once: that
 * is seen by a count beside them, which a living owner alone may raise to one.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../millrace.h"
#include "check.h"

#define RIVALS 6
#define LIVES 60

struct board {
  atomic_int owners;
  atomic_int wins;
  atomic_int next_life;
};

static char name[64];

static void live(struct board *board, uint32_t seed) {
  int32_t memory = mr_shm_create(4096, 0600);
  CHECK(memory > 0);
  CHECK(mr_mem_store32(memory, 0, (uint32_t)getpid()) == 0);
  if (seed % 7 == 0) _exit(0); /* before it has a name */
  int32_t result = mr_shm_publish(memory, name);
  if (result == -EEXIST) _exit(0);
  EQUAL(result, 0);
  EQUAL(atomic_fetch_add(&board->owners, 1), 0);
  atomic_fetch_add(&board->wins, 1);
  for (uint32_t i = 0; i < seed % 50; i++) {
    EQUAL(mr_shm_same(memory, name), 1);
    int32_t reader = mr_shm_open(name, 0);
    uint32_t pid = 0;
    CHECK(reader > 0);
    EQUAL(mr_mem_load32(reader, 0, &pid), 0);
    EQUAL(pid, getpid());
    EQUAL(mr_shm_owner(reader), 1);
    mr_close(reader);
  }
  atomic_fetch_sub(&board->owners, 1);
  if (seed % 3 == 0) EQUAL(mr_shm_unpublish(memory, name), 1);
  _exit(0);
}

/* A rival's life is a process; who runs the lives is one too, so that they overlap. */
static void rival(struct board *board) {
  int turn;
  while ((turn = atomic_fetch_add(&board->next_life, 1)) < RIVALS * LIVES) {
    pid_t child = fork();
    if (child == 0) live(board, (uint32_t)turn * 2654435761u >> 8);
    int status;
    EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  _exit(0);
}

static int hidden_files(void) {
  DIR *folder = opendir("/dev/shm");
  CHECK(folder);
  int count = 0;
  for (struct dirent *entry; (entry = readdir(folder));) count += strncmp(entry->d_name, ".millrace-", 10) == 0;
  closedir(folder);
  return count;
}

int main(void) {
  snprintf(name, sizeof name, "millrace-rivals-%d", (int)getpid());
  struct board *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(board != MAP_FAILED);
  pid_t rivals[RIVALS];
  for (int i = 0; i < RIVALS; i++) {
    if ((rivals[i] = fork()) == 0) rival(board);
  }
  for (int i = 0; i < RIVALS; i++) {
    int status;
    EQUAL(waitpid(rivals[i], &status, 0), rivals[i]);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  CHECK(atomic_load(&board->wins) > LIVES);
  EQUAL(mr_shm_reap(name), 1);
  EQUAL(mr_shm_open(name, 0), -ENOENT);
  /* What died before it had a name is gone; or, where it had a hidden one, is swept away by the next start. */
  EQUAL(mr_close(mr_shm_create(4096, 0600)), 0);
  EQUAL(hidden_files(), 0);
  puts("ok");
  return 0;
}
