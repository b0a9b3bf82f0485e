/* One wait for any number of rings: a watch, with a lock around it and an eventfd to wake it. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "deadline.h"
#include "handle.h"
#include "millrace.h"
#include "watch.h"

struct mr_select {
  pthread_mutex_t lock;
  struct mr_watch watch;
  bool waiting; /* a thread is in mr_select_wait() */
  bool woken;   /* its wait, or the next one, is to end */
};

int32_t mr_select_new(void) {
  struct mr_object object = {.kind = MR_KIND_SELECT, .fd = -1, .wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (object.wake_fd < 0) return -errno;
  object.select = calloc(1, sizeof *object.select);
  if (!object.select) {
    close(object.wake_fd);
    return -ENOMEM;
  }
  pthread_mutex_init(&object.select->lock, NULL);
  mr_watch_init(&object.select->watch);
  int32_t result = mr_handle_new(&object);
  if (result > 0) return result;
  mr_select_free(object.select);
  close(object.wake_fd);
  return result;
}

void mr_select_free(struct mr_select *select) {
  mr_watch_free(&select->watch);
  pthread_mutex_destroy(&select->lock);
  free(select);
}

/* The selector of a handle, in use and locked; null where it is none. */
static struct mr_object *enter(int32_t handle) {
  struct mr_object *object = mr_handle_use(handle, MR_KIND_SELECT);
  if (object) pthread_mutex_lock(&object->select->lock);
  return object;
}

static void ring_bell(int fd) {
  uint64_t one = 1;
  ssize_t written = write(fd, &one, sizeof one);
  (void)written; /* it fails only when the count is full, and then the sleeper is awake */
}

static int32_t leave(struct mr_object *object, int32_t handle, bool changed, int32_t result) {
  /* Whoever sleeps has to look at what is new. */
  if (changed && result >= 0 && object->select->waiting) ring_bell(object->wake_fd);
  pthread_mutex_unlock(&object->select->lock);
  mr_handle_done(handle);
  return result;
}

int32_t mr_select_ring(int32_t select, int32_t memory, uint64_t offset, uint32_t expected, uint32_t tag) {
  struct mr_object *object = enter(select);
  if (!object) return -EBADF;
  return leave(object, select, true, mr_watch_ring(&object->select->watch, memory, offset, expected, tag));
}

int32_t mr_select_valkka(int32_t select, int32_t ring, uint32_t tag) {
  struct mr_object *object = enter(select);
  if (!object) return -EBADF;
  return leave(object, select, true, mr_watch_foreign(&object->select->watch, ring, tag));
}

int32_t mr_select_name(int32_t select, const char *name, uint32_t tag) {
  struct mr_object *object = enter(select);
  if (!object) return -EBADF;
  return leave(object, select, true, mr_watch_name(&object->select->watch, name, tag));
}

int32_t mr_select_arm(int32_t select, uint32_t tag, uint32_t expected) {
  struct mr_object *object = enter(select);
  if (!object) return -EBADF;
  return leave(object, select, true, mr_watch_arm(&object->select->watch, tag, expected));
}

int32_t mr_select_remove(int32_t select, uint32_t tag) {
  struct mr_object *object = enter(select);
  if (!object) return -EBADF;
  return leave(object, select, false, mr_watch_remove(&object->select->watch, tag));
}

int32_t mr_select_wake(int32_t select) {
  struct mr_object *object = enter(select);
  if (!object) return -EBADF;
  object->select->woken = true;
  return leave(object, select, true, 0);
}

/* Sleeps without the lock, and takes in what happened. */
static void sleep_until_told(struct mr_object *object, int32_t sleep_ms) {
  struct mr_select *select = object->select;
  struct pollfd fds[2] = {{.fd = object->wake_fd, .events = POLLIN}, {.fd = select->watch.inotify, .events = POLLIN}};
  pthread_mutex_unlock(&select->lock);
  int got = poll(fds, 2, sleep_ms);
  if (got > 0 && fds[0].revents) {
    uint64_t count;
    ssize_t drained = read(object->wake_fd, &count, sizeof count);
    (void)drained;
  }
  pthread_mutex_lock(&select->lock);
  if (got > 0 && fds[1].revents) mr_watch_read(&select->watch, mr_watch_now());
}

int32_t mr_select_wait(int32_t handle, int32_t timeout_ms, uint32_t *tags, uint32_t cap) {
  uint32_t untold; /* in the stead of tags that are not wanted */
  if (!tags && cap > 0) return -EFAULT;
  if (tags && cap == 0) return -EINVAL;
  struct mr_object *object = enter(handle);
  if (!object) return -EBADF;
  struct mr_select *select = object->select;
  if (select->waiting) return leave(object, handle, false, -EBUSY);
  select->waiting = true;
  struct timespec deadline = mr_deadline(timeout_ms > 0 ? timeout_ms : 0);
  int32_t result, left = -1;
  /* First what was told meanwhile: what stays ready must not keep that out. */
  mr_watch_read(&select->watch, mr_watch_now());
  do {
    int32_t sleep_ms;
    uint32_t turn = select->watch.turn;
    result = (int32_t)mr_watch_ready(&select->watch, mr_watch_now(), tags ? tags : &untold, tags ? cap : 1, &sleep_ms);
    if (!tags) select->watch.turn = turn; /* nobody has had it yet */
    if (timeout_ms >= 0) left = mr_deadline_left(&deadline);
    if (result > 0 || select->woken || left == 0) break;
    sleep_until_told(object, left >= 0 && (sleep_ms < 0 || left < sleep_ms) ? left : sleep_ms);
  } while (!mr_handle_closed(handle));
  if (mr_handle_closed(handle)) result = -EBADF;
  select->woken = select->waiting = false;
  return leave(object, handle, false, result);
}
