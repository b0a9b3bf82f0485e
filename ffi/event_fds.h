/* What the server of eventfds is made of: its socket and clients, and for each eventfd the ring that it tells of. */
#ifndef MILLRACE_EVENT_FDS_H
#define MILLRACE_EVENT_FDS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "shm_name.h"
#include "watch.h"

#define MR_EVENT_CLIENTS 64
#define MR_EVENT_LINES 1024
#define MR_EVENT_LINES_A_CLIENT 256
/* Requests of one client that are refused, before it is. */
#define MR_EVENT_ERRORS 64

enum mr_line_kind { MR_LINE_FREE, MR_LINE_RING, MR_LINE_FOREIGN, MR_LINE_ABSENT };

/* An eventfd and the ring it tells of, whichever writer has it. */
struct mr_line {
  enum mr_line_kind kind;
  int client;
  int fd;
  int32_t handle; /* ring: its memory; foreign: the semaphore that counts */
  int file;       /* foreign: the semaphore's file, whose name is gone once it has none; else -1 */
  uint32_t seen;
  char name[MR_NAME_MAX + 1];
};

struct mr_event_client {
  int fd; /* -1 for none */
  struct ucred who;
  uint32_t lines, errors;
};

struct mr_event_fds {
  pthread_mutex_t lock; /* for the counts that others ask for; the rest is the serving thread's */
  atomic_bool serving;
  struct mr_watch watch;
  struct mr_event_client clients[MR_EVENT_CLIENTS];
  struct mr_line lines[MR_EVENT_LINES];
  uint32_t top; /* one past the last line in use */
  uint64_t connected, given, refused;
  int64_t foreign_active; /* when a record of libValkka's was there */
  int64_t accept_after;   /* while the process has no descriptor left */
  char *path;
  dev_t device;
  ino_t inode;
};

/* Makes an eventfd for a ring: the line's number, or a negated errno: -EINVAL it is no ring, -ENOENT, -EACCES the client may not read
 * it, -EUSERS too many. */
int mr_line_new(struct mr_event_fds *server, int client, const char *name);
void mr_line_free(struct mr_event_fds *server, uint32_t number);
/* Looks at a line whose ring may have something new. */
void mr_line_tell(struct mr_event_fds *server, uint32_t number);
/* Looks at all lines of libValkka's rings; false where there are none. */
bool mr_line_tell_foreign(struct mr_event_fds *server, int64_t now);

#endif
