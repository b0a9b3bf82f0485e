/* For a /dev/shm of one megabyte of its own: too much is -ENOSPC and leaves nothing, what fits works to the last byte. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "../millrace.h"
#include "check.h"

static int entries(void) {
  DIR *folder = opendir("/dev/shm");
  CHECK(folder);
  int count = 0;
  for (struct dirent *entry; (entry = readdir(folder));) {
    count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  }
  closedir(folder);
  return count;
}

int main(void) {
  uint64_t free_before, free_after, total;
  EQUAL(mr_shm_room(&free_before, &total), 0);
  EQUAL(total, 1 << 20);
  EQUAL(mr_shm_create(total + 4096, 0600), -ENOSPC);
  EQUAL(mr_shm_room(&free_after, &total), 0);
  EQUAL(free_after, free_before);
  EQUAL(entries(), 0);
  int32_t most = mr_shm_create(free_before, 0600);
  CHECK(most > 0);
  EQUAL(mr_shm_create(4096, 0600), -ENOSPC);
  uint8_t *bytes = malloc(free_before);
  memset(bytes, 1, free_before);
  EQUAL(mr_mem_write(most, 0, bytes, free_before), 0);
  EQUAL(mr_shm_publish(most, "full"), 0);
  EQUAL(entries(), 1);
  EQUAL(mr_shm_unpublish(most, "full"), 1);
  EQUAL(mr_close(most), 0);
  EQUAL(mr_shm_room(&free_after, &total), 0);
  EQUAL(free_after, free_before);
  free(bytes);
  puts("ok");
  return 0;
}
