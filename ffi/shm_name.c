/* The names in /dev/shm: which are good, whose they are, what is there, how much room there is. */
#define _GNU_SOURCE
#include "shm_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "millrace.h"

int mr_name_check(const char *name) {
  if (!name) return -EFAULT;
  size_t length = strnlen(name, MR_NAME_MAX + 1);
  if (length == 0 || length > MR_NAME_MAX || name[0] == '.' || strncmp(name, "sem.", 4) == 0) return -EINVAL;
  for (size_t i = 0; i < length; i++) {
    unsigned char byte = (unsigned char)name[i];
    if (byte == '/' || byte < 0x20 || byte == 0x7f) return -EINVAL;
  }
  return 0;
}

int mr_name_path(const char *name, char out[MR_PATH_BYTES]) {
  int error = mr_name_check(name);
  if (error < 0) return error;
  snprintf(out, MR_PATH_BYTES, MR_SHM_FOLDER "%s", name);
  return 0;
}

int mr_path_is(const char *path, int fd) {
  struct stat named, open;
  if (fstat(fd, &open) < 0) return -errno;
  if (lstat(path, &named) < 0) return errno == ENOENT ? 0 : -errno;
  return named.st_dev == open.st_dev && named.st_ino == open.st_ino;
}

/*
 * The owner's lock is a write lock of the open file, not of the process: it is the same in all threads, survives the
 * close of another descriptor of that file, and ends when the last process that has this one open is gone, however that
 * went.
 */
static struct flock whole_file(short type) {
  return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

int mr_lock_held(int fd) {
  /* Asked as a reader: only a write lock is in the way, which nobody can hold who may only read. */
  struct flock lock = whole_file(F_RDLCK);
  if (fcntl(fd, F_OFD_GETLK, &lock) < 0) return -errno;
  return lock.l_type == F_WRLCK;
}

int mr_lock_take(int fd) {
  struct flock lock = whole_file(F_WRLCK);
  if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return 0;
  return errno == EAGAIN || errno == EACCES ? -EEXIST : -errno;
}

int mr_path_reap(const char *path) {
  int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return errno == ENOENT ? 1 : errno == ELOOP || errno == EISDIR ? 0 : -errno;
  struct stat status;
  int result = 0;
  if (fstat(fd, &status) < 0) {
    result = -errno;
    goto done;
  }
  if (!S_ISREG(status.st_mode)) goto done;
  result = mr_lock_take(fd);
  if (result == -EEXIST) result = 0;
  else if (result == 0) {
    /* Whoever wants to replace a dead owner's file holds its lock while doing so. With the lock in hand the name either
     * still means this file, and nobody else may touch it, or it was replaced before, and there is nothing to do here. */
    result = mr_path_is(path, fd);
    if (result == 1 && unlink(path) < 0 && errno != ENOENT) result = -errno;
    else if (result >= 0) result = 1;
  }
done:
  close(fd);
  return result;
}

int32_t mr_shm_reap(const char *name) {
  char path[MR_PATH_BYTES];
  int error = mr_name_path(name, path);
  return error < 0 ? error : mr_path_reap(path);
}

int32_t mr_shm_unlink(const char *name) {
  char path[MR_PATH_BYTES];
  int error = mr_name_path(name, path);
  if (error < 0) return error;
  return unlink(path) < 0 ? -errno : 0;
}

int32_t mr_shm_list(char *out, uint32_t cap) {
  if (!out) return -EFAULT;
  DIR *folder = opendir(MR_SHM_FOLDER);
  if (!folder) return -errno;
  uint32_t used = 0;
  int32_t result = 0;
  for (;;) {
    errno = 0;
    struct dirent *entry = readdir(folder);
    if (!entry) {
      result = errno ? -errno : (int32_t)used;
      break;
    }
    struct stat status;
    if (mr_name_check(entry->d_name) < 0) continue;
    if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode)) continue;
    uint32_t bytes = (uint32_t)strlen(entry->d_name) + 1;
    if (bytes > cap - used) {
      result = -ENOBUFS;
      break;
    }
    memcpy(out + used, entry->d_name, bytes);
    used += bytes;
  }
  closedir(folder);
  return result;
}

int32_t mr_shm_room(uint64_t *free_out, uint64_t *total_out) {
  if (!free_out || !total_out) return -EFAULT;
  struct statvfs room;
  if (statvfs(MR_SHM_FOLDER, &room) < 0) return -errno;
  *total_out = (uint64_t)room.f_blocks * room.f_frsize;
  /* A tmpfs without a limit says that it has no blocks. The figure is the largest that a JavaScript number holds. */
  *free_out = room.f_blocks ? (uint64_t)room.f_bavail * room.f_frsize : (UINT64_C(1) << 53) - 1;
  return 0;
}
