/* Rings in libValkka's layout: how they are made, opened and taken away. Pushing and pulling are in files of their own. */
#define _GNU_SOURCE
#include "valkka.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handle.h"
#include "millrace.h"
#include "truncated.h"

/* Units in a semaphore that somebody left; with more of them it is made anew instead of being emptied one by one. */
#define LEFT_UNITS 100000

static char *append(char *at, const char *text) {
  while (*text) *at++ = *text++;
  *at = 0;
  return at;
}

void mr_valkka_path(const char *name, uint32_t cell, enum mr_valkka_segment segment, char out[MR_VALKKA_PATH_BYTES]) {
  char digits[11], *digit = digits + sizeof digits - 1;
  *digit = 0;
  do *--digit = (char)('0' + cell % 10);
  while (cell /= 10);
  char *at = append(append(append(out, MR_SHM_FOLDER), name), digit);
  append(at, segment == MR_VALKKA_PAYLOAD ? "_valkka_payload" : "_valkka_meta");
}

int mr_valkka_value(sem_t *semaphore) {
  int value = 0;
  return sem_getvalue(semaphore, &value) < 0 ? 0 : value;
}

static uint64_t segment_bytes(const struct mr_valkka *ring, enum mr_valkka_segment segment) {
  return segment == MR_VALKKA_PAYLOAD ? ring->cell_bytes : ring->meta_bytes;
}

struct mr_valkka *mr_valkka_use(int32_t handle, int writer, int32_t *error) {
  struct mr_object *object = mr_handle_use(handle, MR_KIND_VALKKA);
  *error = -EBADF;
  if (!object) return NULL;
  struct mr_valkka *ring = object->valkka;
  if (writer < 0 || ring->writer == (writer == 1)) return ring;
  *error = -EACCES;
  mr_handle_done(handle);
  return NULL;
}

void mr_valkka_free(struct mr_valkka *ring) {
  for (uint32_t i = 0; i < ring->cells; i++) {
    for (int segment = 0; segment < 2; segment++) {
      uint8_t *bytes = ring->cell[i].bytes[segment];
      if (bytes) munmap(bytes, segment_bytes(ring, segment));
    }
  }
  if (ring->count) sem_close(ring->count);
  if (ring->flag) sem_close(ring->flag);
  for (int end = 0; end < 2; end++) {
    if (ring->watch[end] >= 0) close(ring->watch[end]);
  }
  if (ring->side) mr_handle_done(ring->side);
  pthread_mutex_destroy(&ring->lock);
  free(ring);
}

/* An empty ring of these measures, or null with the error set. */
static struct mr_valkka *new_ring(const char *name, uint32_t kind, uint32_t cells, uint64_t cell_bytes, int32_t *error) {
  *error = mr_name_check(name);
  if (*error < 0) return NULL;
  *error = -EINVAL;
  /* Behind the name come up to four digits and the longest suffix. */
  if (strlen(name) > MR_NAME_MAX - 20 || kind < MR_VALKKA_BYTES || kind > MR_VALKKA_MP4) return NULL;
  if (cells < 1 || cells > MR_VALKKA_CELLS_MAX || cell_bytes < 1 || cell_bytes > UINT64_C(1) << 40) return NULL;
  struct mr_valkka *ring = calloc(1, sizeof *ring + cells * sizeof ring->cell[0]);
  *error = -ENOMEM;
  if (!ring) return NULL;
  pthread_mutex_init(&ring->lock, NULL);
  strcpy(ring->name, name);
  ring->kind = kind;
  ring->cells = cells;
  ring->meta_bytes = kind == MR_VALKKA_BYTES ? 8 : MR_VALKKA_META_MAX;
  ring->cell_bytes = cell_bytes;
  ring->stride = (cell_bytes + 63) / 64 * 64;
  ring->index = -1;
  ring->watch[0] = ring->watch[1] = -1;
  return ring;
}

static void semaphore_name(const struct mr_valkka *ring, const char *suffix, char out[MR_PATH_BYTES]) {
  append(append(append(out, "/"), ring->name), suffix);
}

/* libc puts a named semaphore where it likes; its own function is asked for its file only to set the mode. */
static void semaphore_path(const struct mr_valkka *ring, const char *suffix, char out[MR_VALKKA_PATH_BYTES]) {
  append(append(append(out, MR_SHM_FOLDER "sem."), ring->name), suffix);
}

static const char *const SUFFIX[2] = {"_valkka_ringbuffer", "_valkka_ringflag"};

/* As libValkka does it on both sides: opened, or made where it is missing. */
static int open_semaphore(const struct mr_valkka *ring, int which, sem_t **out) {
  char name[MR_PATH_BYTES];
  semaphore_name(ring, SUFFIX[which], name);
  sem_t *semaphore = sem_open(name, O_CREAT, 0600, 0);
  if (semaphore == SEM_FAILED) return -errno;
  *out = semaphore;
  return 0;
}

static int empty_semaphore(const struct mr_valkka *ring, int which, mode_t mode, sem_t **out) {
  char path[MR_VALKKA_PATH_BYTES], name[MR_PATH_BYTES];
  int error = open_semaphore(ring, which, out);
  if (error == 0 && mr_valkka_value(*out) > LEFT_UNITS) {
    semaphore_name(ring, SUFFIX[which], name);
    sem_close(*out);
    *out = NULL;
    if (sem_unlink(name) < 0) return -errno;
    error = open_semaphore(ring, which, out);
  }
  if (error < 0) return error;
  for (int i = 0; i <= LEFT_UNITS && sem_trywait(*out) == 0; i++) {}
  /* Whoever may read needs to write a semaphore. What another user owns keeps its mode. */
  semaphore_path(ring, SUFFIX[which], path);
  mode_t wider = mode | (mode & 0444) >> 1;
  if (wider != 0600) (void)!chmod(path, wider);
  return 0;
}

/* Room for a segment is taken at once: a page that cannot be had later would be a SIGBUS. */
static int make_segment(struct mr_valkka *ring, uint32_t cell, int segment, mode_t mode) {
  char path[MR_VALKKA_PATH_BYTES];
  mr_valkka_path(ring->name, cell, segment, path);
  uint64_t bytes = segment_bytes(ring, segment);
  if (unlink(path) < 0 && errno != ENOENT) return -errno;
  int fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return -errno;
  int error;
  struct stat status;
  do error = -posix_fallocate(fd, 0, (off_t)bytes);
  while (error == -EINTR);
  if (error == 0 && (fchmod(fd, mode) < 0 || fstat(fd, &status) < 0)) error = -errno;
  void *at = MAP_FAILED;
  if (error == 0) {
    at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (at == MAP_FAILED) error = -errno;
  }
  close(fd);
  if (error < 0) {
    unlink(path);
    return error;
  }
  ring->cell[cell].bytes[segment] = at;
  ring->cell[cell].device = status.st_dev;
  ring->cell[cell].inode[segment] = status.st_ino;
  return 0;
}

static void unlink_if(const char *path, dev_t device, ino_t inode) {
  struct stat status;
  if (lstat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode) unlink(path);
}

void mr_valkka_unname(const struct mr_valkka *ring) {
  char path[MR_VALKKA_PATH_BYTES];
  bool first = false;
  for (uint32_t i = 0; i < ring->cells; i++) {
    const struct mr_valkka_cell *cell = &ring->cell[i];
    for (int segment = 0; segment < 2; segment++) {
      struct stat status;
      mr_valkka_path(ring->name, i, segment, path);
      if (!cell->bytes[segment] || lstat(path, &status) < 0) continue;
      if (status.st_dev != cell->device || status.st_ino != cell->inode[segment]) continue;
      if (unlink(path) == 0 && i == 0) first = true;
    }
  }
  /* A server that took the name over while this one lived has the semaphores, too. */
  for (int which = 0; first && which < 2; which++) {
    semaphore_path(ring, SUFFIX[which], path);
    unlink(path);
  }
  append(append(append(path, MR_SHM_FOLDER), ring->name), "_millrace_side");
  unlink_if(path, ring->side_device, ring->side_inode);
}

/* Our own segment must be the writer's, and have room for what is written to it at each push. */
static int use_side(struct mr_valkka *ring, int32_t side) {
  struct mr_object *memory = mr_handle_use(side, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  ring->side = side;
  ring->side_bytes = memory->bytes;
  if (!memory->owner) return -EPERM;
  struct stat status;
  if (fstat(memory->fd, &status) < 0) return -errno;
  ring->side_device = status.st_dev;
  ring->side_inode = status.st_ino;
  return memory->size < MR_SIDE_HEADER + (uint64_t)ring->cells * MR_SIDE_SLOT ? -ERANGE : 0;
}

static int32_t handle_for(struct mr_valkka *ring) {
  struct mr_object object = {.kind = MR_KIND_VALKKA, .fd = -1, .wake_fd = -1, .valkka = ring};
  return mr_handle_new(&object);
}

int32_t mr_valkka_create(int32_t side, const char *name, uint32_t kind, uint32_t cells, uint64_t cell_bytes,
                         uint32_t mode) {
  int32_t result;
  if (mode > 0777 || (mode & 0600) != 0600) return -EINVAL;
  struct mr_valkka *ring = new_ring(name, kind, cells, cell_bytes, &result);
  if (!ring) return result;
  ring->writer = true;
  if ((result = use_side(ring, side)) < 0) goto fail;
  if ((result = empty_semaphore(ring, 0, (mode_t)mode, &ring->count)) < 0) goto fail;
  if ((result = empty_semaphore(ring, 1, (mode_t)mode, &ring->flag)) < 0) goto fail;
  for (uint32_t i = 0; i < cells; i++) {
    if ((result = make_segment(ring, i, MR_VALKKA_PAYLOAD, (mode_t)mode)) < 0) goto fail;
    if ((result = make_segment(ring, i, MR_VALKKA_META, (mode_t)mode)) < 0) goto fail;
  }
  result = handle_for(ring);
  if (result < 0) goto fail;
  return result;
fail:
  if (ring->count) {
    /* Half a ring is none: the semaphores go with it even where the first cell was never made. */
    char path[MR_VALKKA_PATH_BYTES];
    mr_valkka_unname(ring);
    for (int which = 0; which < 2; which++) {
      semaphore_path(ring, SUFFIX[which], path);
      unlink(path);
    }
  }
  mr_valkka_free(ring);
  return result;
}

static int map_segment(struct mr_valkka *ring, uint32_t cell, int segment, uint64_t *found) {
  char path[MR_VALKKA_PATH_BYTES];
  struct stat status;
  mr_valkka_path(ring->name, cell, segment, path);
  found[0] = cell;
  found[1] = (uint64_t)segment;
  found[2] = 0;
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -errno;
  int error = fstat(fd, &status) < 0 ? -errno : 0;
  if (error == 0) {
    found[2] = (uint64_t)status.st_size;
    /* Another size is another ring; a larger mapping than the file would be a SIGBUS at the first look. */
    if (!S_ISREG(status.st_mode) || found[2] != segment_bytes(ring, segment)) error = -EMSGSIZE;
  }
  if (error == 0) {
    mr_survive_truncation();
    void *at = mmap(NULL, found[2], PROT_READ, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) error = -errno;
    else ring->cell[cell].bytes[segment] = at;
  }
  ring->cell[cell].device = status.st_dev;
  ring->cell[cell].inode[segment] = status.st_ino;
  if (error == 0 && segment == MR_VALKKA_META) {
    if (cell == 0 && (ring->watch[0] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) < 0) error = -errno;
    if (error == 0 && cell == ring->cells - 1) {
      ring->watch[1] = fd;
      return 0;
    }
  }
  close(fd);
  return error;
}

bool mr_valkka_gone(const struct mr_valkka *ring) {
  for (int end = 0; end < 2; end++) {
    struct stat status;
    if (fstat(ring->watch[end], &status) < 0 || status.st_nlink == 0) return true;
    if ((uint64_t)status.st_size < ring->meta_bytes) return true;
  }
  return false;
}

/* 0 where every name still means what was mapped under it; -ENOENT where a server was at work on them meanwhile. */
static int check_names(const struct mr_valkka *ring, uint64_t *found) {
  char path[MR_VALKKA_PATH_BYTES];
  for (uint32_t i = 0; i < ring->cells; i++) {
    const struct mr_valkka_cell *cell = &ring->cell[i];
    for (int segment = 0; segment < 2; segment++) {
      struct stat status;
      mr_valkka_path(ring->name, i, segment, path);
      if (lstat(path, &status) == 0 && status.st_dev == cell->device && status.st_ino == cell->inode[segment]) continue;
      found[0] = found[1] = found[2] = 0;
      return -ENOENT;
    }
  }
  return 0;
}

static bool written(const struct mr_valkka *ring, uint32_t cell) {
  for (uint32_t i = 0; i < ring->meta_bytes; i++) {
    if (ring->cell[cell].bytes[MR_VALKKA_META][i]) return true;
  }
  return false;
}

/* Where the server is can be told if nobody has pulled yet: then it began with cell 0, and wrote as many as are
 * counted. Else the server is made to begin anew, see valkka_pull.c. */
static bool from_the_start(const struct mr_valkka *ring) {
  int pending = mr_valkka_value(ring->count);
  if (mr_valkka_value(ring->flag) > 0) return true; /* and nobody has pulled since the overflow */
  if (pending < 0 || (uint32_t)pending >= ring->cells) return false;
  for (uint32_t i = 0; i < ring->cells; i++) {
    if (written(ring, i) != (i < (uint32_t)pending)) return false;
  }
  return true;
}

int32_t mr_valkka_open(const char *name, uint32_t kind, uint32_t cells, uint64_t cell_bytes, uint32_t foreign,
                       uint64_t *found) {
  if (!found) return -EFAULT;
  int32_t result;
  struct mr_valkka *ring = new_ring(name, kind, cells, cell_bytes, &result);
  if (!ring) return result;
  for (uint32_t i = 0; i < cells; i++) {
    if ((result = map_segment(ring, i, MR_VALKKA_PAYLOAD, found)) < 0) goto fail;
    if ((result = map_segment(ring, i, MR_VALKKA_META, found)) < 0) goto fail;
  }
  if ((result = check_names(ring, found)) < 0) goto fail;
  if (foreign) {
    if ((result = open_semaphore(ring, 0, &ring->count)) < 0) goto fail;
    if ((result = open_semaphore(ring, 1, &ring->flag)) < 0) goto fail;
    bool known = from_the_start(ring);
    mr_valkka_note(ring, !known);
    if (!known) mr_valkka_ask(ring);
  }
  result = handle_for(ring);
  if (result < 0) goto fail;
  return result;
fail:
  mr_valkka_free(ring);
  return result;
}

int32_t mr_valkka_remove(int32_t handle) {
  int32_t result;
  struct mr_valkka *ring = mr_valkka_use(handle, 1, &result);
  if (!ring) return result;
  mr_valkka_unname(ring);
  mr_handle_done(handle);
  return 0;
}

int32_t mr_valkka_live(int32_t handle) {
  int32_t result;
  struct mr_valkka *ring = mr_valkka_use(handle, 0, &result);
  if (!ring) return result;
  result = !mr_valkka_gone(ring);
  mr_handle_done(handle);
  return result;
}

int32_t mr_valkka_clear(const char *name, uint32_t from, uint32_t to) {
  char path[MR_VALKKA_PATH_BYTES];
  int error = mr_name_check(name);
  if (error < 0) return error;
  if (strlen(name) > MR_NAME_MAX - 20 || to > MR_VALKKA_CELLS_MAX) return -EINVAL;
  for (uint32_t i = from; i < to; i++) {
    for (int segment = 0; segment < 2; segment++) {
      mr_valkka_path(name, i, segment, path);
      if (unlink(path) < 0 && errno != ENOENT) return -errno;
    }
  }
  return 0;
}
