/* Who has a ring of libValkka's open to write: the only sign of life that its servers give. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "millrace.h"
#include "valkka.h"

static bool maps_one(const char *path, const dev_t *devices, const ino_t *inodes, uint32_t count) {
  FILE *file = fopen(path, "re");
  if (!file) return false; /* another user's, or gone */
  char line[512];
  bool found = false;
  while (!found && fgets(line, sizeof line, file)) {
    char rights[8];
    unsigned major_number, minor_number;
    unsigned long inode;
    if (sscanf(line, "%*x-%*x %7s %*x %x:%x %lu", rights, &major_number, &minor_number, &inode) != 4) continue;
    if (rights[1] != 'w' || rights[3] != 's') continue;
    for (uint32_t i = 0; i < count && !found; i++) {
      found = inodes[i] == inode && major(devices[i]) == major_number && minor(devices[i]) == minor_number;
    }
  }
  fclose(file);
  return found;
}

int32_t mr_valkka_mapped_by(const dev_t *devices, const ino_t *inodes, uint32_t count) {
  DIR *folder = opendir("/proc");
  if (!folder) return 0;
  int32_t found = 0;
  for (struct dirent *entry; !found && (entry = readdir(folder));) {
    char path[64];
    int pid = atoi(entry->d_name);
    if (pid <= 0) continue;
    snprintf(path, sizeof path, "/proc/%d/maps", pid);
    if (maps_one(path, devices, inodes, count)) found = pid;
  }
  closedir(folder);
  return found;
}

int32_t mr_valkka_server(const char *name, uint32_t from, uint32_t to) {
  int error = mr_name_check(name);
  if (error < 0) return error;
  if (strlen(name) > MR_NAME_MAX - 20 || from >= to || to > MR_VALKKA_CELLS_MAX + 1) return -EINVAL;
  dev_t *devices = calloc(2 * (size_t)(to - from), sizeof *devices);
  ino_t *inodes = calloc(2 * (size_t)(to - from), sizeof *inodes);
  uint32_t count = 0;
  for (uint32_t i = 0; devices && inodes && i < 2 * (to - from); i++) {
    char path[MR_VALKKA_PATH_BYTES];
    struct stat status;
    mr_valkka_path(name, from + i / 2, i % 2 ? MR_VALKKA_META : MR_VALKKA_PAYLOAD, path);
    if (lstat(path, &status) < 0) continue;
    devices[count] = status.st_dev;
    inodes[count++] = status.st_ino;
  }
  int32_t result = !devices || !inodes ? -ENOMEM : count ? mr_valkka_mapped_by(devices, inodes, count) : 0;
  free(devices);
  free(inodes);
  return result;
}
