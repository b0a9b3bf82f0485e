/* A Unix socket of packets: how its name is taken from the dead and not from the living, and how a descriptor is passed. */
#define _GNU_SOURCE
#include "event_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 16
/* How often, 10 ms apart, a folder's lock is asked for: whoever has it is looking at a name, which takes no time. */
#define LOCK_TRIES 200

static int lock_folder(const char *path) {
  char folder[sizeof((struct sockaddr_un *)0)->sun_path];
  const struct timespec pause = {.tv_nsec = 10000000};
  const char *slash = strrchr(path, '/');
  size_t length = slash ? (size_t)(slash - path) : 0;
  memcpy(folder, slash ? path : ".", slash ? length : 1);
  folder[slash ? length : 1] = 0;
  int fd = open(slash == path ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return -errno;
  for (int i = 0; i < LOCK_TRIES; i++) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    nanosleep(&pause, NULL);
  }
  close(fd);
  return -EBUSY;
}

/* 0 where nobody is behind the name any more, and it is free now. */
static int take_from_dead(const struct sockaddr_un *address) {
  struct stat status;
  if (lstat(address->sun_path, &status) < 0) return errno == ENOENT ? 0 : -errno;
  if (!S_ISSOCK(status.st_mode)) return -EEXIST;
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  bool dead = connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 && errno == ECONNREFUSED;
  close(fd);
  if (!dead) return -EADDRINUSE;
  return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

int mr_event_listen(const char *path, mode_t mode, dev_t *device, ino_t *inode) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct stat status;
  if (path[0] == 0) return -EINVAL;
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  /* Two that start at once would else both find a dead one's socket, and the second take the first one's name. */
  int folder = lock_folder(path), error = 0;
  if (folder < 0) return folder;
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    error = -errno;
    goto fail;
  }
  /* The file gets the socket's own mode, less the umask: nobody may connect before the mode is what was asked for. */
  if (fchmod(fd, mode & 0600) < 0) error = -errno;
  if (error == 0 && (error = take_from_dead(&address)) < 0) goto fail;
  if (error == 0 && bind(fd, (struct sockaddr *)&address, sizeof address) < 0) error = -errno;
  if (error < 0) goto fail;
  if (chmod(path, mode) < 0 || lstat(path, &status) < 0 || listen(fd, BACKLOG) < 0) {
    error = -errno;
    unlink(path);
    goto fail;
  }
  *device = status.st_dev;
  *inode = status.st_ino;
  close(folder);
  return fd;
fail:
  if (fd >= 0) close(fd);
  close(folder);
  return error;
}

void mr_event_unlisten(const char *path, dev_t device, ino_t inode) {
  struct stat status;
  if (lstat(path, &status) == 0 && status.st_dev == device && status.st_ino == inode) unlink(path);
}

int mr_event_answer(int fd, const char *text, int descriptor) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
  } control;
  struct iovec part = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  memset(&control, 0, sizeof control);
  if (descriptor >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    struct cmsghdr *passed = CMSG_FIRSTHDR(&message);
    passed->cmsg_level = SOL_SOCKET;
    passed->cmsg_type = SCM_RIGHTS;
    passed->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(passed), &descriptor, sizeof descriptor);
  }
  return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
