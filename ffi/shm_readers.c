/* Who reads a ring: nobody registers, but what a process has mapped can be seen in /proc. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "millrace.h"
#include "shm_name.h"

struct target {
  dev_t device;
  ino_t inode;
  uint32_t name; /* its number among the names */
  int last;      /* the process that was counted last */
};

static int by_inode(const void *a, const void *b) {
  ino_t one = ((const struct target *)a)->inode, other = ((const struct target *)b)->inode;
  return one < other ? -1 : one > other;
}

/* false where this process may not look */
static bool look_into(int pid, struct target *targets, size_t count, uint32_t *readers) {
  char path[64], line[512];
  snprintf(path, sizeof path, "/proc/%d/maps", pid);
  FILE *file = fopen(path, "re");
  if (!file) return errno != EACCES && errno != EPERM;
  bool whole = true; /* whether the last piece ended a line: a long path comes in several */
  while (fgets(line, sizeof line, file)) {
    bool begins = whole;
    whole = strchr(line, '\n') != NULL;
    char rights[8];
    unsigned major_number, minor_number;
    unsigned long inode;
    if (!begins || sscanf(line, "%*x-%*x %7s %*x %x:%x %lu", rights, &major_number, &minor_number, &inode) != 4) continue;
    if (rights[0] != 'r' || rights[1] != '-' || rights[3] != 's') continue;
    struct target key = {.inode = inode};
    struct target *found = bsearch(&key, targets, count, sizeof key, by_inode);
    if (!found || found->last == pid) continue;
    if (major(found->device) != major_number || minor(found->device) != minor_number) continue;
    found->last = pid;
    readers[found->name]++;
  }
  /* Opening is allowed where reading is not. */
  bool seen = !ferror(file) || (errno != EACCES && errno != EPERM);
  fclose(file);
  return seen;
}

static int targets_of(const char *names, uint32_t len, uint32_t cap, struct target *targets, size_t *count) {
  uint32_t name = 0;
  for (uint32_t at = 0; at < len; name++) {
    char path[MR_PATH_BYTES];
    struct stat status;
    size_t length = strnlen(names + at, len - at);
    if (length == len - at) return -EINVAL;
    if (name == cap) return -ENOBUFS;
    int error = mr_name_path(names + at, path);
    if (error < 0) return error;
    at += (uint32_t)length + 1;
    if (lstat(path, &status) < 0 || !S_ISREG(status.st_mode)) continue;
    targets[(*count)++] = (struct target){.device = status.st_dev, .inode = status.st_ino, .name = name};
  }
  return (int)name;
}

int32_t mr_shm_readers(const char *names, uint32_t len, uint32_t *readers, uint32_t cap, uint32_t *unseen) {
  if (!names || !readers || !unseen) return -EFAULT;
  *unseen = 0;
  memset(readers, 0, (size_t)cap * sizeof *readers);
  struct target *targets = calloc(cap ? cap : 1, sizeof *targets);
  if (!targets) return -ENOMEM;
  size_t count = 0;
  DIR *folder = NULL;
  int32_t result = targets_of(names, len, cap, targets, &count);
  if (result < 0 || count == 0) goto done;
  qsort(targets, count, sizeof *targets, by_inode);
  folder = opendir("/proc");
  if (!folder) {
    result = -errno;
    goto done;
  }
  for (struct dirent *entry; (entry = readdir(folder));) {
    int pid = atoi(entry->d_name);
    if (pid > 0 && pid != getpid() && !look_into(pid, targets, count, readers)) ++*unseen;
  }
  closedir(folder);
done:
  free(targets);
  return result;
}
