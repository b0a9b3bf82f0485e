/* From a ring's signal to an eventfd's count, across the deaths of writers. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "event_fds.h"
#include "millrace.h"

#define SIGNAL_AT 144
#define STATE_AT 148
#define HEADER_BYTES 256
/* From CLOSED on the ring is over; it may go on in another one, which has the name then. */
enum { BUILDING = 0, CLOSED = 2 };

static void add(const struct mr_line *line, uint64_t count) {
  ssize_t written = count ? write(line->fd, &count, sizeof count) : 0;
  (void)written; /* it fails only where the count is full, which says enough */
}

/* Whether a client might open a file itself: else this process would tell it when another user's ring is written. */
static bool may_read(const struct ucred *who, const struct stat *file) {
  if (who->uid == 0 || who->uid == geteuid()) return true;
  if (who->uid == file->st_uid) return file->st_mode & 0400;
  return file->st_mode & (who->gid == file->st_gid ? 0040u : 0004u);
}

static int attach_ring(struct mr_line *line, const struct ucred *who, const char *name, bool living) {
  int32_t handle = mr_shm_open(name, 0);
  if (handle < 0) return handle;
  struct stat file;
  uint64_t magic = 0;
  uint32_t version = 0, state = 0;
  int error = -EINVAL;
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) goto fail;
  error = fstat(memory->fd, &file) < 0 ? -errno : may_read(who, &file) ? 0 : -EACCES;
  mr_handle_done(handle);
  if (error < 0) goto fail;
  error = -EINVAL;
  if (mr_mem_load64(handle, 0, &magic) < 0 || memcmp(&magic, "MILLRACE", 8) != 0) goto fail;
  if (mr_mem_load32(handle, 8, &version) < 0 || version != 1) goto fail;
  if (mr_mem_load32(handle, HEADER_BYTES - 4, &state) < 0 || mr_mem_load32(handle, STATE_AT, &state) < 0) goto fail;
  error = -ENOENT;
  if (state == BUILDING || (living && (state >= CLOSED || mr_shm_owner(handle) != 1))) goto fail;
  mr_mem_load32(handle, SIGNAL_AT, &line->seen);
  line->handle = handle;
  line->kind = MR_LINE_RING;
  return 0;
fail:
  mr_close(handle);
  return error;
}

/* Of a libValkka server's ring nothing but the count is needed, and so neither its sizes. */
static int attach_foreign(struct mr_line *line, const struct ucred *who) {
  char name[MR_PATH_BYTES + 32], path[MR_PATH_BYTES + 64];
  struct stat file;
  snprintf(name, sizeof name, "%s_valkka_ringbuffer", line->name);
  if (strlen(name) > MR_NAME_MAX) return -ENOENT;
  snprintf(path, sizeof path, MR_SHM_FOLDER "sem.%s", name);
  int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return -errno;
  int error = fstat(fd, &file) < 0 ? -errno : may_read(who, &file) ? 0 : -EACCES;
  /* A shorter file would be a SIGBUS at the first look. */
  if (error == 0 && (!S_ISREG(file.st_mode) || (size_t)file.st_size < sizeof(sem_t))) error = -EINVAL;
  if (error == 0) error = mr_sem_open(name, 0, 0, 0);
  if (error < 0) {
    close(fd);
    return error;
  }
  line->handle = error;
  line->file = fd;
  line->kind = MR_LINE_FOREIGN;
  return 0;
}

/* living: where a writer died, only another one will do. */
static int attach(struct mr_line *line, const struct ucred *who, bool living) {
  char side[MR_PATH_BYTES + 32];
  int error = attach_ring(line, who, line->name, living);
  if (error != -ENOENT) return error;
  snprintf(side, sizeof side, "%s_millrace_side", line->name);
  if (strlen(side) <= MR_NAME_MAX) error = attach_ring(line, who, side, living);
  return error == -ENOENT ? attach_foreign(line, who) : error;
}

static void detach(struct mr_event_fds *server, uint32_t number) {
  struct mr_line *line = &server->lines[number];
  mr_watch_remove(&server->watch, number);
  if (line->handle) mr_close(line->handle);
  if (line->file >= 0) close(line->file);
  line->handle = 0;
  line->file = -1;
}

static int watch(struct mr_event_fds *server, uint32_t number) {
  struct mr_line *line = &server->lines[number];
  if (line->kind == MR_LINE_FOREIGN) return 0;
  if (line->kind == MR_LINE_ABSENT) return mr_watch_name(&server->watch, line->name, number);
  return mr_watch_ring(&server->watch, line->handle, SIGNAL_AT, line->seen, number);
}

int mr_line_new(struct mr_event_fds *server, int client, const char *name) {
  struct mr_event_client *owner = &server->clients[client];
  uint32_t number = 0;
  int error = mr_name_check(name);
  if (error < 0) return error;
  while (number < MR_EVENT_LINES && server->lines[number].kind != MR_LINE_FREE) number++;
  if (number == MR_EVENT_LINES || owner->lines >= MR_EVENT_LINES_A_CLIENT) return -EUSERS;
  struct mr_line *line = &server->lines[number];
  *line = (struct mr_line){.client = client, .fd = -1, .file = -1};
  strcpy(line->name, name);
  error = attach(line, &owner->who, false);
  if (error == 0) {
    line->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (line->fd < 0) error = -errno;
  }
  if (error == 0) error = watch(server, number);
  if (error == 0) {
    owner->lines++;
    if (number >= server->top) server->top = number + 1;
    return (int)number;
  }
  detach(server, number);
  if (line->fd >= 0) close(line->fd);
  line->kind = MR_LINE_FREE;
  return error;
}

void mr_line_free(struct mr_event_fds *server, uint32_t number) {
  struct mr_line *line = &server->lines[number];
  detach(server, number);
  close(line->fd);
  line->kind = MR_LINE_FREE;
  server->clients[line->client].lines--;
  while (server->top > 0 && server->lines[server->top - 1].kind == MR_LINE_FREE) server->top--;
}

static void lost(struct mr_event_fds *server, uint32_t number) {
  detach(server, number);
  server->lines[number].kind = MR_LINE_ABSENT;
  watch(server, number);
}

static void tell_ring(struct mr_event_fds *server, uint32_t number) {
  struct mr_line *line = &server->lines[number];
  uint32_t signal = line->seen, state = CLOSED;
  /* First whether it is over, then what came before that. */
  bool died = mr_shm_owner(line->handle) == 0;
  mr_mem_load32(line->handle, STATE_AT, &state);
  mr_mem_load32(line->handle, SIGNAL_AT, &signal);
  /* The close is one more by itself; a death is made one, for whoever waits has to know. */
  add(line, (uint32_t)(signal - line->seen) + (died && state < CLOSED ? 1u : 0u));
  line->seen = signal;
  if (died || state >= CLOSED) lost(server, number);
  else mr_watch_arm(&server->watch, number, signal);
}

static void tell_absent(struct mr_event_fds *server, uint32_t number) {
  struct mr_line *line = &server->lines[number];
  struct mr_line found = *line;
  mr_watch_arm(&server->watch, number, 0);
  if (attach(&found, &server->clients[line->client].who, true) < 0) return;
  mr_watch_remove(&server->watch, number);
  *line = found;
  /* All that it has written is new, and so is the writer. */
  add(line, (found.kind == MR_LINE_RING ? found.seen : 0) + UINT64_C(1));
  if (watch(server, number) < 0) lost(server, number);
}

void mr_line_tell(struct mr_event_fds *server, uint32_t number) {
  if (server->lines[number].kind == MR_LINE_RING) tell_ring(server, number);
  else if (server->lines[number].kind == MR_LINE_ABSENT) tell_absent(server, number);
}

/* The count falls as it is read, and so what was read between two looks cannot be told. What matters is that nothing is left lying
 * without being told of: while something is there and the eventfd was read, it says so again. */
static void tell_foreign(struct mr_event_fds *server, uint32_t number, int64_t now) {
  struct mr_line *line = &server->lines[number];
  struct pollfd unread = {.fd = line->fd, .events = POLLIN};
  struct stat file;
  int32_t value = mr_sem_value(line->handle);
  if (value > 0) server->foreign_active = now;
  if (value > 0 && poll(&unread, 1, 0) == 0) add(line, (uint64_t)value);
  if (fstat(line->file, &file) == 0 && file.st_nlink > 0) return;
  add(line, 1);
  lost(server, number);
}

bool mr_line_tell_foreign(struct mr_event_fds *server, int64_t now) {
  bool any = false;
  for (uint32_t i = 0; i < server->top; i++) {
    if (server->lines[i].kind != MR_LINE_FOREIGN) continue;
    any = true;
    tell_foreign(server, i, now);
  }
  return any;
}
