/* POSIX named semaphores. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/stat.h>

#include "deadline.h"
#include "handle.h"
#include "millrace.h"
#include "shm_name.h"

#define SLASHED_BYTES (MR_NAME_MAX + 2)

static int slashed(const char *name, char out[SLASHED_BYTES]) {
  int error = mr_name_check(name);
  if (error < 0) return error;
  snprintf(out, SLASHED_BYTES, "/%s", name);
  return 0;
}

/* sem_open() makes the file under the process's umask. Where glibc puts it is part of its ABI: other processes of other
 * builds have to find it there. */
static int set_mode(const char *name, uint32_t mode) {
  char path[sizeof MR_SHM_FOLDER + sizeof "sem." + MR_NAME_MAX];
  snprintf(path, sizeof path, MR_SHM_FOLDER "sem.%s", name);
  return chmod(path, (mode_t)mode) < 0 ? -errno : 0;
}

int32_t mr_sem_open(const char *name, uint32_t create, uint32_t mode, uint32_t value) {
  char path[SLASHED_BYTES];
  int32_t result = slashed(name, path);
  if (result < 0) return result;
  if (create > 2 || mode > 0777 || value > SEM_VALUE_MAX) return -EINVAL;
  struct mr_object object = {.kind = MR_KIND_SEMAPHORE, .fd = -1, .wake_fd = -1, .semaphore = SEM_FAILED};
  bool made = false;
  /* Made or opened, never "opened or made": only so is it known whose mode is to be set. Somebody may make it or take
   * it away in between, so it is tried again. */
  for (int tries = 0; tries < 16; tries++) {
    if (create > 0) {
      object.semaphore = sem_open(path, O_CREAT | O_EXCL, (mode_t)mode, value);
      made = object.semaphore != SEM_FAILED;
      if (made || errno != EEXIST || create == 2) break;
    }
    object.semaphore = sem_open(path, 0);
    if (object.semaphore != SEM_FAILED || errno != ENOENT || create == 0) break;
  }
  if (object.semaphore == SEM_FAILED) return -errno;
  if (made && (result = set_mode(name, mode)) < 0) goto fail;
  result = mr_handle_new(&object);
  if (result < 0) goto fail;
  return result;
fail:
  if (made) sem_unlink(path);
  sem_close(object.semaphore);
  return result;
}

int32_t mr_sem_post(int32_t handle) {
  struct mr_object *object = mr_handle_use(handle, MR_KIND_SEMAPHORE);
  if (!object) return -EBADF;
  int32_t result = sem_post(object->semaphore) < 0 ? -errno : 0;
  mr_handle_done(handle);
  return result;
}

int32_t mr_sem_wait(int32_t handle, int32_t timeout_ms) {
  struct mr_object *object = mr_handle_use(handle, MR_KIND_SEMAPHORE);
  if (!object) return -EBADF;
  struct timespec deadline = mr_deadline(timeout_ms > 0 ? timeout_ms : 0);
  int failed;
  do {
    failed = timeout_ms < 0 ? sem_wait(object->semaphore)
                            : sem_clockwait(object->semaphore, CLOCK_MONOTONIC, &deadline);
  } while (failed && errno == EINTR);
  int32_t result = failed ? -errno : 0;
  mr_handle_done(handle);
  return result;
}

int32_t mr_sem_trywait(int32_t handle) {
  struct mr_object *object = mr_handle_use(handle, MR_KIND_SEMAPHORE);
  if (!object) return -EBADF;
  int32_t result = sem_trywait(object->semaphore) < 0 ? -errno : 0;
  mr_handle_done(handle);
  return result;
}

int32_t mr_sem_value(int32_t handle) {
  struct mr_object *object = mr_handle_use(handle, MR_KIND_SEMAPHORE);
  if (!object) return -EBADF;
  int value = 0;
  int32_t result = sem_getvalue(object->semaphore, &value) < 0 ? -errno : value;
  mr_handle_done(handle);
  return result;
}

int32_t mr_sem_unlink(const char *name) {
  char path[SLASHED_BYTES];
  int32_t result = slashed(name, path);
  if (result < 0) return result;
  return sem_unlink(path) < 0 ? -errno : 0;
}
