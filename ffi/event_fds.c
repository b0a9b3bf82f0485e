/*
 * Eventfds for programs with an event loop of their own. A client connects to a Unix socket of packets and sends names of rings, one
 * in a packet; each is answered with "ok" and an eventfd, or "error: " and why not. The eventfd counts what is published, and goes
 * with the connection. Nothing that a client sends or leaves undone costs more than the bounds in event_fds.h.
 */
#define _GNU_SOURCE
#include "event_fds.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "deadline.h"
#include "event_socket.h"
#include "millrace.h"

/* Milliseconds between looks at libValkka's counts; the longer one once nothing was there for a second. */
#define FOREIGN_BUSY 1
#define FOREIGN_IDLE 5
#define IDLE_AFTER 1000
#define ACCEPT_PAUSE 100
/* A packet is one name; a longer one is no name. */
#define PACKET_BYTES (MR_NAME_MAX + 1)

int32_t mr_event_fds_new(const char *path, uint32_t mode) {
  if (!path) return -EFAULT;
  if (mode > 0777 || (mode & 0200) == 0) return -EINVAL;
  struct mr_object object = {.kind = MR_KIND_EVENT_FDS, .fd = -1, .wake_fd = -1};
  int32_t result = -ENOMEM;
  struct mr_event_fds *server = calloc(1, sizeof *server);
  if (!server) return result;
  pthread_mutex_init(&server->lock, NULL);
  mr_watch_init(&server->watch);
  for (int i = 0; i < MR_EVENT_CLIENTS; i++) server->clients[i].fd = -1;
  object.event_fds = server;
  object.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (object.wake_fd < 0) {
    result = -errno;
    goto fail;
  }
  result = mr_event_listen(path, (mode_t)mode, &server->device, &server->inode);
  if (result < 0) goto fail;
  object.fd = result;
  server->path = strdup(path);
  result = server->path ? mr_handle_new(&object) : -ENOMEM;
  if (result < 0) goto fail;
  return result;
fail:
  if (object.fd >= 0) mr_event_unlisten(path, server->device, server->inode);
  mr_event_fds_free(server);
  if (object.fd >= 0) close(object.fd);
  if (object.wake_fd >= 0) close(object.wake_fd);
  return result;
}

static void drop_client(struct mr_event_fds *server, int number) {
  struct mr_event_client *client = &server->clients[number];
  for (uint32_t i = 0; i < server->top && client->lines > 0; i++) {
    if (server->lines[i].kind != MR_LINE_FREE && server->lines[i].client == number) mr_line_free(server, i);
  }
  close(client->fd);
  client->fd = -1;
}

void mr_event_fds_free(struct mr_event_fds *server) {
  if (server->path) mr_event_unlisten(server->path, server->device, server->inode);
  for (int i = 0; i < MR_EVENT_CLIENTS; i++) {
    if (server->clients[i].fd >= 0) drop_client(server, i);
  }
  mr_watch_free(&server->watch);
  pthread_mutex_destroy(&server->lock);
  free(server->path);
  free(server);
}

static void accept_client(struct mr_event_fds *server, int listener) {
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    /* Else the socket stays readable, and this thread would spin until somebody closes something. */
    if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
      server->accept_after = mr_watch_now() + ACCEPT_PAUSE;
    }
    return;
  }
  int number = 0;
  while (number < MR_EVENT_CLIENTS && server->clients[number].fd >= 0) number++;
  struct ucred who;
  socklen_t length = sizeof who;
  if (number == MR_EVENT_CLIENTS || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &length) < 0) {
    mr_event_answer(fd, "error: there are too many clients", -1);
    close(fd);
    server->refused++;
    return;
  }
  server->clients[number] = (struct mr_event_client){.fd = fd, .who = who};
}

static const char *why(int error) {
  switch (error) {
    case -ENOENT: return "error: there is no ring of that name";
    case -EINVAL: return "error: it is no ring of Millrace or libValkka, or its name is none";
    case -EACCES:
    case -EPERM: return "error: its owner does not let this user at it";
    case -EUSERS: return "error: there are too many eventfds";
    case -EMSGSIZE: return "error: the name is too long";
    default: return "error: the system has no more memory or files";
  }
}

/* One packet: false where the client is to be dropped. */
static bool serve_client(struct mr_event_fds *server, int number) {
  struct mr_event_client *client = &server->clients[number];
  char name[PACKET_BYTES + 1];
  /* Descriptors that come along are not taken, and the kernel closes them. */
  ssize_t got = recv(client->fd, name, PACKET_BYTES, MSG_TRUNC | MSG_DONTWAIT);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  /* An empty packet looks like the end, and is no name. */
  if (got == 0) return false;
  int line = -EMSGSIZE;
  if (got < PACKET_BYTES) {
    name[got] = 0;
    line = memchr(name, 0, (size_t)got) ? -EINVAL : mr_line_new(server, number, name);
  }
  if (line >= 0) server->given++;
  else server->refused++;
  if (line < 0 && ++client->errors > MR_EVENT_ERRORS) return false;
  /* A client that does not read its answers does not need them. */
  return mr_event_answer(client->fd, line < 0 ? why(line) : "ok", line < 0 ? -1 : server->lines[line].fd) == 0;
}

static void serve_sockets(struct mr_event_fds *server, int listener, const struct pollfd *fds) {
  if (fds[0].revents) accept_client(server, listener);
  for (int i = 0; i < MR_EVENT_CLIENTS; i++) {
    if (fds[3 + i].fd < 0 || !fds[3 + i].revents) continue;
    if (!serve_client(server, i)) drop_client(server, i);
  }
}

static void serve_once(struct mr_event_fds *server, const struct mr_object *object, int32_t left) {
  struct pollfd fds[3 + MR_EVENT_CLIENTS];
  uint32_t tags[64];
  int32_t sleep_ms;
  pthread_mutex_lock(&server->lock);
  int64_t now = mr_watch_now();
  uint32_t ready = mr_watch_ready(&server->watch, now, tags, 64, &sleep_ms);
  for (uint32_t i = 0; i < ready; i++) mr_line_tell(server, tags[i]);
  if (ready > 0) sleep_ms = 0;
  int32_t every = now - server->foreign_active < IDLE_AFTER ? FOREIGN_BUSY : FOREIGN_IDLE;
  if (mr_line_tell_foreign(server, now) && (sleep_ms < 0 || sleep_ms > every)) sleep_ms = every;
  bool accepting = now >= server->accept_after;
  if (!accepting && (sleep_ms < 0 || sleep_ms > ACCEPT_PAUSE)) sleep_ms = ACCEPT_PAUSE;
  if (left >= 0 && (sleep_ms < 0 || sleep_ms > left)) sleep_ms = left;
  fds[0] = (struct pollfd){.fd = accepting ? object->fd : -1, .events = POLLIN};
  fds[1] = (struct pollfd){.fd = object->wake_fd, .events = POLLIN};
  fds[2] = (struct pollfd){.fd = server->watch.inotify, .events = POLLIN};
  for (int i = 0; i < MR_EVENT_CLIENTS; i++) {
    fds[3 + i] = (struct pollfd){.fd = server->clients[i].fd, .events = POLLIN};
  }
  pthread_mutex_unlock(&server->lock);
  int got = poll(fds, 3 + MR_EVENT_CLIENTS, sleep_ms);
  if (got <= 0) return;
  pthread_mutex_lock(&server->lock);
  if (fds[2].revents) mr_watch_read(&server->watch, mr_watch_now());
  serve_sockets(server, object->fd, fds);
  pthread_mutex_unlock(&server->lock);
}

int32_t mr_event_fds_serve(int32_t handle, int32_t timeout_ms) {
  struct mr_object *object = mr_handle_use(handle, MR_KIND_EVENT_FDS);
  if (!object) return -EBADF;
  struct mr_event_fds *server = object->event_fds;
  if (atomic_exchange(&server->serving, true)) {
    mr_handle_done(handle);
    return -EBUSY;
  }
  struct timespec deadline = mr_deadline(timeout_ms > 0 ? timeout_ms : 0);
  int32_t result = 0, left = timeout_ms;
  while (left != 0) {
    serve_once(server, object, left);
    if (mr_handle_closed(handle)) {
      result = -EBADF;
      break;
    }
    if (timeout_ms >= 0) left = mr_deadline_left(&deadline);
  }
  atomic_store(&server->serving, false);
  mr_handle_done(handle);
  return result;
}

int32_t mr_event_fds_counts(int32_t handle, uint64_t *out) {
  if (!out) return -EFAULT;
  struct mr_object *object = mr_handle_use(handle, MR_KIND_EVENT_FDS);
  if (!object) return -EBADF;
  struct mr_event_fds *server = object->event_fds;
  uint64_t counts[4] = {0};
  pthread_mutex_lock(&server->lock);
  for (int i = 0; i < MR_EVENT_CLIENTS; i++) counts[0] += server->clients[i].fd >= 0;
  for (uint32_t i = 0; i < server->top; i++) counts[1] += server->lines[i].kind != MR_LINE_FREE;
  counts[2] = server->given;
  counts[3] = server->refused;
  pthread_mutex_unlock(&server->lock);
  memcpy(out, counts, sizeof counts);
  mr_handle_done(handle);
  return 0;
}
