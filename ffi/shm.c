/* Shared memory: made without a name, named last; see the order of construction in millrace.h. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handle.h"
#include "millrace.h"
#include "ring.h"
#include "shm_name.h"
#include "truncated.h"

_Static_assert(sizeof(size_t) == 8, "a mapping's size is a u64");

#define HIDDEN_PREFIX ".millrace-"
#define HIDDEN_BYTES (sizeof MR_SHM_FOLDER + sizeof HIDDEN_PREFIX + 16)

static void hidden_path(uint64_t token, char out[HIDDEN_BYTES]) {
  snprintf(out, HIDDEN_BYTES, MR_SHM_FOLDER HIDDEN_PREFIX "%016" PRIx64, token);
}

/* What others left who died before they published, or while they gave a name to other memory. Only those are reaped whose lock is free. */
static void sweep_hidden(void) {
  DIR *folder = opendir(MR_SHM_FOLDER);
  if (!folder) return;
  for (struct dirent *entry; (entry = readdir(folder));) {
    uint64_t token;
    char path[HIDDEN_BYTES];
    if (sscanf(entry->d_name, HIDDEN_PREFIX "%16" SCNx64, &token) != 1) continue;
    hidden_path(token, path);
    mr_path_reap(path);
  }
  closedir(folder);
}

/* The way of file systems that know no files without a name (gVisor's): a hidden name, whose token is set. */
static int open_hidden(uint64_t *token) {
  for (int tries = 0; tries < 16; tries++) {
    char path[HIDDEN_BYTES];
    if (getrandom(token, sizeof *token, 0) != sizeof *token) break;
    *token |= 1; /* 0 stands for none */
    hidden_path(*token, path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) continue;
    if (fd < 0) {
      *token = 0;
      return -errno;
    }
    /* Until the lock is taken the file looks like a dead one's, and somebody may have swept it away. */
    if (mr_lock_take(fd) == 0 && mr_path_is(path, fd) == 1) return fd;
    close(fd);
  }
  *token = 0;
  return -EIO;
}

static int open_unnamed(uint64_t *token) {
  *token = 0;
  sweep_hidden();
#ifndef MR_WITHOUT_TMPFILE /* the tests take the other way with it */
  int fd = open(MR_SHM_FOLDER, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) return -errno;
#endif
  return open_hidden(token);
}

static void remove_hidden(struct mr_object *memory) {
  if (!memory->hidden) return;
  char path[HIDDEN_BYTES];
  hidden_path(memory->hidden, path);
  unlink(path);
  memory->hidden = 0;
}

/* posix_fallocate() gives its error instead of setting errno, and a signal makes it begin anew. */
static int reserve(int fd, uint64_t bytes) {
  int error;
  do {
    error = posix_fallocate(fd, 0, (off_t)bytes);
  } while (error == EINTR);
  return -error;
}

static int map(struct mr_object *memory, bool populate) {
  mr_survive_truncation();
  int protection = PROT_READ | (memory->writable ? PROT_WRITE : 0);
  void *at = mmap(NULL, memory->size, protection, MAP_SHARED | (populate ? MAP_POPULATE : 0), memory->fd, 0);
  if (at == MAP_FAILED) return -errno;
  memory->bytes = at;
  memory->copies_strings = mr_ring_copies_strings();
  return 0;
}

/* Without memory for it the name is not taken away at the process's end, but by its next writer, as after a crash. */
static void remember(struct mr_object *memory, const char *path) {
  free(memory->path);
  memory->path = path ? strdup(path) : NULL;
}

void mr_memory_unname(const struct mr_object *memory) {
  if (memory->owner && memory->path && mr_path_is(memory->path, memory->fd) == 1) unlink(memory->path);
}

void mr_memory_free(struct mr_object *memory) {
  remove_hidden(memory);
  remember(memory, NULL);
  if (memory->bytes) munmap(memory->bytes, memory->size);
}

int32_t mr_shm_create(uint64_t bytes, uint32_t mode) {
  /* An owner who cannot open what is theirs could not replace it after a crash. */
  if (bytes == 0 || mode > 0777 || (mode & 0600) != 0600) return -EINVAL;
  if (bytes > INT64_MAX) return -EFBIG;
  struct mr_object memory = {
      .kind = MR_KIND_MEMORY, .wake_fd = -1, .size = bytes, .writable = true, .owner = true};
  int32_t result = open_unnamed(&memory.hidden);
  if (result < 0) return result;
  memory.fd = result;
  if ((result = mr_lock_take(memory.fd)) < 0) goto fail;
  if ((result = reserve(memory.fd, bytes)) < 0) goto fail;
  /* Set apart from the opening, because the umask counts there. */
  if (fchmod(memory.fd, (mode_t)mode) < 0) {
    result = -errno;
    goto fail;
  }
  /* Page tables are filled at once: else the first frame into each slot pays for every page of it. */
  if ((result = map(&memory, true)) < 0) goto fail;
  result = mr_handle_new(&memory);
  if (result < 0) goto fail;
  return result;
fail:
  mr_memory_free(&memory);
  close(memory.fd);
  return result;
}

static int link_as(struct mr_object *memory, const char *path) {
  if (memory->hidden) {
    char from[HIDDEN_BYTES];
    hidden_path(memory->hidden, from);
    return link(from, path) < 0 ? -errno : 0;
  }
  char from[64];
  snprintf(from, sizeof from, "/proc/self/fd/%d", memory->fd);
  if (linkat(AT_FDCWD, from, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0) return 0;
  /* No /proc: the other way needs a capability, but that is better than nothing. */
  if (errno == ENOENT && linkat(memory->fd, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0) return 0;
  return -errno;
}

static int publish(struct mr_object *memory, const char *path) {
  if (!memory->owner) return -EPERM;
  /* Again where somebody's file came and went in between; a rival that wins is alive, and ends it with -EEXIST. */
  for (int tries = 0; tries < 64; tries++) {
    int error = link_as(memory, path);
    if (error != -EEXIST) {
      if (error == 0) {
        remove_hidden(memory);
        remember(memory, path);
      }
      return error;
    }
    int reaped = mr_path_reap(path);
    if (reaped < 0) return reaped;
    if (reaped == 0) return -EEXIST;
  }
  return -EEXIST;
}

int32_t mr_shm_publish(int32_t handle, const char *name) {
  char path[MR_PATH_BYTES];
  int32_t result = mr_name_path(name, path);
  if (result < 0) return result;
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  result = publish(memory, path);
  mr_handle_done(handle);
  return result;
}

/* Under a hidden name first, which whoever sweeps leaves alone while its owner lives, and from there over the old one. */
static int replace(struct mr_object *memory, const struct mr_object *other, const char *path) {
  if (!memory->owner || !other->owner) return -EPERM;
  if (memory == other) return -EINVAL; /* rename() leaves both names of one file */
  int error = mr_path_is(path, other->fd);
  if (error != 1) return error < 0 ? error : -ESTALE;
  char from[HIDDEN_BYTES];
  for (int tries = 0; !memory->hidden && tries < 16; tries++) {
    uint64_t token;
    if (getrandom(&token, sizeof token, 0) != sizeof token) return -EIO;
    hidden_path(token | 1, from);
    error = link_as(memory, from);
    if (error == 0) memory->hidden = token | 1;
    else if (error != -EEXIST) return error;
  }
  if (!memory->hidden) return -EEXIST;
  hidden_path(memory->hidden, from);
  if (rename(from, path) < 0) return -errno;
  memory->hidden = 0;
  remember(memory, path);
  return 0;
}

int32_t mr_shm_replace(int32_t handle, int32_t other_handle, const char *name) {
  char path[MR_PATH_BYTES];
  int32_t result = mr_name_path(name, path);
  if (result < 0) return result;
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  struct mr_object *other = mr_handle_use(other_handle, MR_KIND_MEMORY);
  result = other ? replace(memory, other, path) : -EBADF;
  if (other) mr_handle_done(other_handle);
  mr_handle_done(handle);
  return result;
}

int32_t mr_shm_chown(int32_t handle, uint32_t user, uint32_t group) {
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  int32_t result = !memory->owner ? -EPERM : fchown(memory->fd, (uid_t)user, (gid_t)group) < 0 ? -errno : 0;
  mr_handle_done(handle);
  return result;
}

int32_t mr_shm_unpublish(int32_t handle, const char *name) {
  char path[MR_PATH_BYTES];
  int32_t result = mr_name_path(name, path);
  if (result < 0) return result;
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  /* While the owner lives nobody replaces the name, so that what is seen here still holds in the next line. */
  result = memory->owner ? mr_path_is(path, memory->fd) : -EPERM;
  if (result == 1 && unlink(path) < 0) result = errno == ENOENT ? 0 : -errno;
  if (result == 1) remember(memory, NULL);
  mr_handle_done(handle);
  return result;
}

int32_t mr_shm_open(const char *name, uint32_t writable) {
  char path[MR_PATH_BYTES];
  int32_t result = mr_name_path(name, path);
  if (result < 0) return result;
  struct mr_object memory = {.kind = MR_KIND_MEMORY, .wake_fd = -1, .writable = writable != 0};
  struct stat status;
  /* Never following a link, never waiting for the other end of a pipe: the name may be anybody's work. */
  memory.fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (memory.fd < 0) return -errno;
  if (fstat(memory.fd, &status) < 0) {
    result = -errno;
    goto fail;
  }
  if (!S_ISREG(status.st_mode) || status.st_size <= 0) {
    result = -EINVAL;
    goto fail;
  }
  memory.size = (uint64_t)status.st_size;
  if ((result = map(&memory, false)) < 0) goto fail;
  result = mr_handle_new(&memory);
  if (result < 0) goto fail;
  return result;
fail:
  mr_memory_free(&memory);
  close(memory.fd);
  return result;
}

int32_t mr_shm_size(int32_t handle, uint64_t *out) {
  if (!out) return -EFAULT;
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  *out = memory->size;
  mr_handle_done(handle);
  return 0;
}

int32_t mr_memory_owner(const struct mr_object *memory) {
  struct stat status;
  /* A file that was cut is as good as dead, whoever holds its lock. */
  bool cut = fstat(memory->fd, &status) == 0 && (uint64_t)status.st_size < memory->size;
  return cut ? 0 : memory->owner ? 1 : mr_lock_held(memory->fd);
}

int32_t mr_shm_owner(int32_t handle) {
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  int32_t result = mr_memory_owner(memory);
  mr_handle_done(handle);
  return result;
}

int32_t mr_shm_same(int32_t handle, const char *name) {
  char path[MR_PATH_BYTES];
  int32_t result = mr_name_path(name, path);
  if (result < 0) return result;
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  result = mr_path_is(path, memory->fd);
  mr_handle_done(handle);
  return result;
}
