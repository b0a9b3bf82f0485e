/* TCP: connect, listen, accept, receive, send. Nothing here blocks. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "handle.h"
#include "millrace.h"

/* RTSP requests and RTCP reports are small and wait for an answer: never hold them back for more (RFC 896). */
static void send_at_once(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int32_t new_socket_handle(int fd, enum mr_kind kind) {
  struct mr_object object = {.kind = kind, .fd = fd, .wake_fd = -1};
  return mr_handle_new(&object);
}

int32_t mr_tcp_connect(const uint8_t *address) {
  if (!address) return -EFAULT;
  struct sockaddr_storage to;
  int length = mr_address_in(address, &to);
  if (length < 0) return length;
  int32_t result;
  int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  send_at_once(fd);
  if (connect(fd, (struct sockaddr *)&to, (socklen_t)length) < 0 && errno != EINPROGRESS && errno != EINTR) {
    result = -errno;
    goto fail;
  }
  result = new_socket_handle(fd, MR_KIND_TCP);
  if (result < 0) goto fail;
  return result;
fail:
  close(fd);
  return result;
}

/* Two ends of one socket: a connection to a free port of this machine can meet itself, when the system picks that very
 * port to connect from. Nobody listens there. */
static bool is_own_echo(int fd) {
  struct sockaddr_storage local = {0}, peer = {0};
  socklen_t local_length = sizeof local, peer_length = sizeof peer;
  if (getsockname(fd, (struct sockaddr *)&local, &local_length) < 0) return false;
  if (getpeername(fd, (struct sockaddr *)&peer, &peer_length) < 0) return false;
  return local_length == peer_length && memcmp(&local, &peer, local_length) == 0;
}

static int tcp_status(struct mr_object *tcp) {
  int known = atomic_load(&tcp->tcp_result);
  if (known) return known;
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) return errno;
  if (error) return error;
  struct sockaddr_storage peer;
  socklen_t peer_length = sizeof peer;
  if (getpeername(tcp->fd, (struct sockaddr *)&peer, &peer_length) == 0) {
    return is_own_echo(tcp->fd) ? ECONNREFUSED : 0;
  }
  if (errno != ENOTCONN) return errno;
  struct pollfd ready = {.fd = tcp->fd, .events = POLLOUT};
  if (poll(&ready, 1, 0) > 0 && (ready.revents & (POLLHUP | POLLERR))) return ENOTCONN;
  return EINPROGRESS;
}

int32_t mr_tcp_status(int32_t handle) {
  struct mr_object *tcp = mr_handle_use(handle, MR_KIND_TCP);
  if (!tcp) return -EBADF;
  int error = tcp_status(tcp);
  /* The system tells an error once; the caller may ask twice. */
  if (error && error != EINPROGRESS) atomic_store(&tcp->tcp_result, error);
  mr_handle_done(handle);
  return -error;
}

int32_t mr_tcp_listen(const uint8_t *address, int32_t backlog) {
  if (!address) return -EFAULT;
  if (backlog < 0) return -EINVAL;
  struct sockaddr_storage at;
  int length = mr_address_in(address, &at);
  if (length < 0) return length;
  int32_t result;
  int on = 1;
  int fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
      bind(fd, (struct sockaddr *)&at, (socklen_t)length) < 0 || listen(fd, backlog) < 0) {
    result = -errno;
    goto fail;
  }
  result = new_socket_handle(fd, MR_KIND_LISTENER);
  if (result < 0) goto fail;
  return result;
fail:
  close(fd);
  return result;
}

int32_t mr_accept(int32_t handle, uint8_t *peer) {
  struct mr_object *listener = mr_handle_use(handle, MR_KIND_LISTENER);
  if (!listener) return -EBADF;
  struct sockaddr_storage from = {0};
  socklen_t length = sizeof from;
  int32_t result;
  int fd;
  do {
    fd = accept4(listener->fd, (struct sockaddr *)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
  result = -errno;
  mr_handle_done(handle);
  if (fd < 0) return result;
  send_at_once(fd);
  if (peer) mr_address_out((struct sockaddr *)&from, peer);
  result = new_socket_handle(fd, MR_KIND_TCP);
  if (result < 0) close(fd);
  return result;
}

int32_t mr_stream_pair(int32_t *handles) {
  if (!handles) return -EFAULT;
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0) return -errno;
  int32_t second = -EMFILE, first = new_socket_handle(fds[0], MR_KIND_TCP);
  if (first < 0) goto fail;
  second = new_socket_handle(fds[1], MR_KIND_TCP);
  if (second < 0) goto fail;
  handles[0] = first;
  handles[1] = second;
  return 0;
fail:
  close(fds[1]);
  if (first < 0) {
    close(fds[0]);
    return first;
  }
  mr_close(first);
  return second;
}

int32_t mr_recv(int32_t handle, uint8_t *into, uint32_t len) {
  if (!into) return -EFAULT;
  if (len == 0) return -EINVAL; /* 0 would read as the end of the stream */
  struct mr_object *tcp = mr_handle_use(handle, MR_KIND_TCP);
  if (!tcp) return -EBADF;
  ssize_t got;
  do {
    got = recv(tcp->fd, into, len > INT_MAX ? INT_MAX : len, MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  int32_t result = got < 0 ? -errno : (int32_t)got;
  mr_handle_done(handle);
  return result;
}

int32_t mr_tcp_gather(int32_t handle, uint32_t bytes) {
  if (bytes == 0 || bytes > INT_MAX) return -EINVAL;
  struct mr_object *tcp = mr_handle_use(handle, MR_KIND_TCP);
  if (!tcp) return -EBADF;
  int least = (int)bytes;
  int32_t result = setsockopt(tcp->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least) < 0 ? -errno : 0;
  mr_handle_done(handle);
  return result;
}

int32_t mr_send(int32_t handle, const uint8_t *from, uint32_t len) {
  if (len == 0) return 0;
  if (!from) return -EFAULT;
  struct mr_object *tcp = mr_handle_use(handle, MR_KIND_TCP);
  if (!tcp) return -EBADF;
  ssize_t sent;
  do {
    sent = send(tcp->fd, from, len > INT_MAX ? INT_MAX : len, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  int32_t result = sent < 0 ? -errno : (int32_t)sent;
  mr_handle_done(handle);
  return result;
}

static int32_t end_of(int32_t handle, uint8_t *out, int (*ask)(int, struct sockaddr *, socklen_t *)) {
  if (!out) return -EFAULT;
  struct mr_object *object = mr_handle_use(handle, MR_KIND_SOCKET);
  if (!object) return -EBADF;
  struct sockaddr_storage at = {0};
  socklen_t length = sizeof at;
  int32_t result = ask(object->fd, (struct sockaddr *)&at, &length) < 0 ? -errno
                                                                         : mr_address_out((struct sockaddr *)&at, out);
  mr_handle_done(handle);
  return result;
}

static int own_end(int fd, struct sockaddr *at, socklen_t *length) {
  return getsockname(fd, at, length);
}

static int other_end(int fd, struct sockaddr *at, socklen_t *length) {
  return getpeername(fd, at, length);
}

int32_t mr_local(int32_t handle, uint8_t *out) {
  return end_of(handle, out, own_end);
}

int32_t mr_peer(int32_t handle, uint8_t *out) {
  return end_of(handle, out, other_end);
}
