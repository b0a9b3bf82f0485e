/* One wait for all sockets: epoll, with an eventfd to wake it. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "deadline.h"
#include "handle.h"
#include "millrace.h"

/* Events a call; they are on the stack. */
#define BATCH 256
/* The eventfd's mark among the tags, which have 32 bits. */
#define WAKE_MARK UINT64_MAX

int32_t mr_poll_new(void) {
  struct mr_object object = {.kind = MR_KIND_POLL, .fd = -1, .wake_fd = -1};
  struct epoll_event wake = {.events = EPOLLIN, .data.u64 = WAKE_MARK};
  int32_t result;
  if ((object.fd = epoll_create1(EPOLL_CLOEXEC)) < 0 ||
      (object.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0 ||
      epoll_ctl(object.fd, EPOLL_CTL_ADD, object.wake_fd, &wake) < 0) {
    result = -errno;
    goto fail;
  }
  result = mr_handle_new(&object);
  if (result < 0) goto fail;
  return result;
fail:
  if (object.wake_fd >= 0) close(object.wake_fd);
  if (object.fd >= 0) close(object.fd);
  return result;
}

static int set(int poll_fd, int fd, uint32_t events, uint32_t tag) {
  if (events == 0) {
    if (epoll_ctl(poll_fd, EPOLL_CTL_DEL, fd, NULL) == 0 || errno == ENOENT) return 0;
    return -errno;
  }
  struct epoll_event wanted = {
      .events = (events & MR_POLL_IN ? EPOLLIN : 0u) | (events & MR_POLL_OUT ? EPOLLOUT : 0u),
      .data.u64 = tag,
  };
  for (;;) {
    if (epoll_ctl(poll_fd, EPOLL_CTL_MOD, fd, &wanted) == 0) return 0;
    if (errno != ENOENT) return -errno;
    if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &wanted) == 0) return 0;
    if (errno != EEXIST) return -errno; /* else another thread added it just now */
  }
}

int32_t mr_poll_set(int32_t poll, int32_t handle, uint32_t events, uint32_t tag) {
  if ((events & ~(MR_POLL_IN | MR_POLL_OUT)) || tag == MR_POLL_WOKEN) return -EINVAL;
  struct mr_object *waiter = mr_handle_use(poll, MR_KIND_POLL);
  if (!waiter) return -EBADF;
  int32_t result = -EBADF;
  struct mr_object *object = mr_handle_use(handle, MR_KIND_SOCKET);
  if (object) {
    result = set(waiter->fd, object->fd, events, tag);
    mr_handle_done(handle);
  }
  mr_handle_done(poll);
  return result;
}

int32_t mr_poll_wait(int32_t poll, int32_t timeout_ms, uint32_t *tags, uint32_t *events, uint32_t cap) {
  if (!tags || !events) return -EFAULT;
  if (cap == 0) return -EINVAL;
  struct mr_object *waiter = mr_handle_use(poll, MR_KIND_POLL);
  if (!waiter) return -EBADF;
  struct epoll_event ready[BATCH];
  struct timespec deadline = mr_deadline(timeout_ms > 0 ? timeout_ms : 0);
  int32_t left = timeout_ms, result;
  int got;
  while ((got = epoll_wait(waiter->fd, ready, cap < BATCH ? (int)cap : BATCH, left)) < 0 && errno == EINTR) {
    if (timeout_ms > 0) left = mr_deadline_left(&deadline);
  }
  result = got < 0 ? -errno : got;
  for (int i = 0; i < got; i++) {
    if (ready[i].data.u64 == WAKE_MARK) {
      uint64_t count;
      ssize_t drained = read(waiter->wake_fd, &count, sizeof count);
      (void)drained; /* another waiter may have been faster: a wake for both is harmless */
      tags[i] = MR_POLL_WOKEN;
      events[i] = MR_POLL_IN;
      continue;
    }
    tags[i] = (uint32_t)ready[i].data.u64;
    events[i] = (ready[i].events & EPOLLIN ? MR_POLL_IN : 0u) | (ready[i].events & EPOLLOUT ? MR_POLL_OUT : 0u) |
                (ready[i].events & (EPOLLHUP | EPOLLERR) ? MR_POLL_ERROR : 0u);
  }
  if (mr_handle_closed(poll)) {
    /* Others may sleep here as well: the next one is woken in turn. */
    uint64_t one = 1;
    ssize_t written = write(waiter->wake_fd, &one, sizeof one);
    (void)written;
    result = -EBADF;
  }
  mr_handle_done(poll);
  return result;
}

int32_t mr_poll_wake(int32_t poll) {
  struct mr_object *waiter = mr_handle_use(poll, MR_KIND_POLL);
  if (!waiter) return -EBADF;
  uint64_t one = 1;
  /* EAGAIN: the count is full, so that a wake is pending anyway. */
  int32_t result = write(waiter->wake_fd, &one, sizeof one) < 0 && errno != EAGAIN ? -errno : 0;
  mr_handle_done(poll);
  return result;
}
