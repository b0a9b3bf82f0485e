/*
 * The server of eventfds against clients that behave, that send garbage, that do not read, that vanish; with rings whose writers
 * close, die and come back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../millrace.h"
#include "check.h"

static char path[64], ring_name[64], foreign_name[64];
static int32_t server, writer;

static void *serve(void *result) {
  *(int32_t *)result = mr_event_fds_serve(server, -1);
  return NULL;
}

static int dial(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0);
  EQUAL(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
  return fd;
}

/* The answer's text, and its descriptor or -1. */
static int answer(int fd, char *text, size_t room) {
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
  } control;
  struct iovec part = {.iov_base = text, .iov_len = room - 1};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
  CHECK(got >= 0);
  text[got] = 0;
  struct cmsghdr *passed = CMSG_FIRSTHDR(&message);
  int descriptor = -1;
  if (passed) memcpy(&descriptor, CMSG_DATA(passed), sizeof descriptor);
  return descriptor;
}

static int ask(int fd, const char *name, size_t length, const char *expected) {
  char text[200];
  EQUAL(send(fd, name, length, 0), (ssize_t)length);
  int descriptor = answer(fd, text, sizeof text);
  if (strstr(text, expected) != text) fprintf(stderr, "said \"%s\"\n", text);
  CHECK(strstr(text, expected) == text);
  CHECK((descriptor >= 0) == (strcmp(text, "ok") == 0));
  return descriptor;
}

static int ask_ring(int fd, const char *name) { return ask(fd, name, strlen(name), "ok"); }

/* What the eventfd counts up to a total, which must come. */
static void counts_to(int fd, uint64_t total) {
  for (uint64_t sum = 0; sum < total;) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    uint64_t count;
    EQUAL(poll(&wait, 1, 20000), 1);
    EQUAL(read(fd, &count, sizeof count), sizeof count);
    sum += count;
    CHECK(sum <= total);
  }
}

static bool quiet(int fd) {
  struct pollfd wait = {.fd = fd, .events = POLLIN};
  return poll(&wait, 1, 30) == 0;
}

static void make_ring(void) {
  uint64_t magic;
  memcpy(&magic, "MILLRACE", 8);
  CHECK((writer = mr_shm_create(4096, 0600)) > 0);
  EQUAL(mr_mem_store64(writer, 0, &magic), 0);
  EQUAL(mr_mem_store32(writer, 8, 1), 0);
  EQUAL(mr_mem_store32(writer, 148, 1), 0);
  EQUAL(mr_shm_publish(writer, ring_name), 0);
}

static void publish(uint32_t times) {
  for (uint32_t i = 0; i < times; i++) {
    uint32_t signal;
    EQUAL(mr_mem_load32(writer, 144, &signal), 0);
    EQUAL(mr_mem_store32(writer, 144, signal + 1), 0);
    CHECK(mr_mem_notify(writer, 144) >= 0);
  }
}

static uint64_t count_of(int which) {
  uint64_t counts[4];
  EQUAL(mr_event_fds_counts(server, counts), 0);
  return counts[which];
}

static void places(void) {
  char deep[300];
  memset(deep, 'x', sizeof deep);
  deep[sizeof deep - 1] = 0;
  EQUAL(mr_event_fds_new(NULL, 0600), -EFAULT);
  EQUAL(mr_event_fds_new("", 0600), -EINVAL);
  EQUAL(mr_event_fds_new(path, 01000), -EINVAL);
  EQUAL(mr_event_fds_new(path, 0400), -EINVAL);
  EQUAL(mr_event_fds_new(deep, 0600), -ENAMETOOLONG);
  EQUAL(mr_event_fds_new("/nonsense/of/folders", 0600), -ENOENT);
  int file = open(path, O_CREAT | O_EXCL | O_RDWR, 0600);
  EQUAL(mr_event_fds_new(path, 0600), -EEXIST);
  close(file);
  unlink(path);
  /* What a server that died left: a name that nobody is behind. */
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strcpy(address.sun_path, path);
  int dead = socket(AF_UNIX, SOCK_STREAM, 0);
  EQUAL(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
  EQUAL(listen(dead, 1), 0);
  EQUAL(mr_event_fds_new(path, 0600), -EADDRINUSE);
  close(dead);
  umask(0077);
  CHECK((server = mr_event_fds_new(path, 0660)) > 0);
  struct stat status;
  EQUAL(stat(path, &status), 0);
  EQUAL(status.st_mode & 0777, 0660);
  EQUAL(mr_event_fds_new(path, 0600), -EADDRINUSE);
  EQUAL(mr_event_fds_serve(server, 5), 0);
  EQUAL(mr_event_fds_serve(writer, 5), -EBADF);
  EQUAL(mr_event_fds_counts(server, NULL), -EFAULT);
}

static void ring(void) {
  char text[16];
  int one = dial(), two = dial(), three = dial();
  int a = ask_ring(one, ring_name), b = ask_ring(two, ring_name), same = ask_ring(one, ring_name);
  CHECK(quiet(a) && quiet(b));
  publish(5);
  counts_to(a, 5);
  counts_to(b, 5);
  counts_to(same, 5);
  publish(1000); /* `same` is never read again */
  counts_to(a, 1000);
  EQUAL(close(two), 0);
  while (count_of(1) != 2) usleep(1000);
  publish(3);
  counts_to(a, 3);
  counts_to(b, 1000); /* what came before the connection was closed */
  CHECK(quiet(b));
  /* It dies, and comes back with records. */
  EQUAL(mr_close(writer), 0);
  counts_to(a, 1);
  make_ring();
  counts_to(a, 1);
  publish(7);
  counts_to(a, 7);
  /* It is closed, and made anew. */
  EQUAL(mr_mem_store32(writer, 148, 2), 0);
  publish(1);
  EQUAL(mr_shm_unpublish(writer, ring_name), 1);
  counts_to(a, 1);
  EQUAL(mr_close(writer), 0);
  CHECK(quiet(a));
  make_ring();
  counts_to(a, 1);
  publish(2);
  counts_to(a, 2);
  /* Without a request a client is nothing but a connection. */
  EQUAL(close(three), 0);
  EQUAL(close(one), 0);
  while (count_of(0) > 0) usleep(1000);
  EQUAL(count_of(1), 0);
  close(a);
  close(b);
  close(same);
  (void)text;
}

static void garbage(void) {
  char noise[300], text[200];
  int fd = dial();
  memset(noise, 'n', sizeof noise);
  ask(fd, noise, 201, "error: the name is too long");
  ask(fd, noise, 300, "error: the name is too long");
  ask(fd, noise, 200, "error: there is no ring of that name");
  ask(fd, "a/b", 3, "error: it is no ring");
  ask(fd, "a\0b", 3, "error: it is no ring");
  ask(fd, "\n\x01", 2, "error: it is no ring");
  ask(fd, "sem.x", 5, "error: it is no ring");
  int32_t none = mr_shm_create(100, 0600);
  EQUAL(mr_shm_publish(none, foreign_name), 0);
  ask(fd, foreign_name, strlen(foreign_name), "error: it is no ring");
  EQUAL(mr_shm_unpublish(none, foreign_name), 1);
  mr_close(none);
  /* Descriptors that a client sends are closed. */
  struct iovec part = {.iov_base = noise, .iov_len = 4};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
  } control;
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  int pipes[2];
  EQUAL(pipe(pipes), 0);
  struct cmsghdr *passed = CMSG_FIRSTHDR(&message);
  passed->cmsg_level = SOL_SOCKET;
  passed->cmsg_type = SCM_RIGHTS;
  passed->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(passed), &pipes[1], sizeof(int));
  EQUAL(sendmsg(fd, &message, 0), 4);
  close(pipes[1]);
  EQUAL(answer(fd, text, sizeof text), -1);
  EQUAL(read(pipes[0], text, 1), 0); /* the end: nobody has the other side any more */
  close(pipes[0]);
  /* Who goes on and on is dropped, with a good eventfd or without. */
  int good = ask_ring(fd, ring_name);
  while (send(fd, "?/", 2, MSG_NOSIGNAL) > 0 && recv(fd, text, sizeof text, 0) > 0) {}
  while (count_of(0) > 0) usleep(1000);
  close(good);
  close(fd);
  fd = dial();
  EQUAL(send(fd, "", 0, 0), 0);
  EQUAL(recv(fd, text, sizeof text, 0), 0);
  close(fd);
  /* Who does not read its answers is dropped before they fill anything. */
  fd = dial();
  while (send(fd, "no such ring", 12, MSG_NOSIGNAL | MSG_DONTWAIT) > 0 || errno == EAGAIN) usleep(10);
  close(fd);
  while (count_of(0) > 0) usleep(1000);
}

static void many(void) {
  int fds[64], lines[256];
  char text[200];
  for (int i = 0; i < 64; i++) fds[i] = dial();
  while (count_of(0) < 64) usleep(1000);
  int more = dial();
  EQUAL(answer(more, text, sizeof text), -1);
  CHECK(strcmp(text, "error: there are too many clients") == 0);
  EQUAL(recv(more, text, sizeof text, 0), 0);
  close(more);
  for (int i = 0; i < 256; i++) lines[i] = ask_ring(fds[0], ring_name);
  ask(fds[0], ring_name, strlen(ring_name), "error: there are too many eventfds");
  publish(3);
  for (int i = 0; i < 256; i++) {
    counts_to(lines[i], 3);
    close(lines[i]);
  }
  for (int i = 0; i < 64; i++) close(fds[i]);
  while (count_of(0) + count_of(1) > 0) usleep(1000);
}

/* Of a libValkka server's ring the count alone is looked at. */
static void foreign(void) {
  char name[96];
  snprintf(name, sizeof name, "/%s_valkka_ringbuffer", foreign_name);
  sem_t *count = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
  CHECK(count != SEM_FAILED);
  int fd = dial(), line = ask_ring(fd, foreign_name);
  CHECK(quiet(line));
  sem_post(count);
  counts_to(line, 1);
  counts_to(line, 1); /* still there */
  EQUAL(sem_trywait(count), 0);
  usleep(20000);
  uint64_t left;
  while (read(line, &left, sizeof left) > 0) {}
  CHECK(quiet(line));
  EQUAL(sem_unlink(name), 0);
  sem_close(count);
  counts_to(line, 1);
  CHECK(quiet(line));
  CHECK((count = sem_open(name, O_CREAT | O_EXCL, 0600, 0)) != SEM_FAILED);
  counts_to(line, 1);
  sem_post(count);
  counts_to(line, 1);
  sem_unlink(name);
  sem_close(count);
  close(line);
  close(fd);
}

int main(void) {
  snprintf(path, sizeof path, "/tmp/millrace-event-fds-%d", (int)getpid());
  snprintf(ring_name, sizeof ring_name, "millrace-events-%d", (int)getpid());
  snprintf(foreign_name, sizeof foreign_name, "millrace-foreign-%d", (int)getpid());
  make_ring();
  places();
  pthread_t thread;
  int32_t ended = 0;
  EQUAL(pthread_create(&thread, NULL, serve, &ended), 0);
  while (mr_event_fds_serve(server, 0) != -EBUSY) usleep(100);
  ring();
  garbage();
  many();
  foreign();
  int fd = dial(), line = ask_ring(fd, ring_name);
  EQUAL(mr_close(server), 0);
  pthread_join(thread, NULL);
  EQUAL(ended, -EBADF);
  EQUAL(access(path, F_OK), -1);
  char text[8];
  EQUAL(recv(fd, text, sizeof text, 0), 0);
  close(line);
  close(fd);
  EQUAL(mr_shm_unpublish(writer, ring_name), 1);
  EQUAL(mr_close(writer), 0);
  puts("ok");
  return 0;
}
