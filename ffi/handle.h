/* What a handle stands for, and how the rest of the library gets at it. */
#ifndef MILLRACE_HANDLE_H
#define MILLRACE_HANDLE_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum mr_kind {
  MR_KIND_TCP = 1,
  MR_KIND_LISTENER = 2,
  MR_KIND_UDP = 4,
  MR_KIND_POLL = 8,
  MR_KIND_MEMORY = 16,
  MR_KIND_SEMAPHORE = 32,
  MR_KIND_SELECT = 64,
  MR_KIND_EVENT_FDS = 128,
  MR_KIND_VALKKA = 256,
};
#define MR_KIND_SOCKET (MR_KIND_TCP | MR_KIND_LISTENER | MR_KIND_UDP)

struct mr_object {
  enum mr_kind kind;
  int fd;                 /* the socket, the epoll or the file; -1 where there is none */
  int wake_fd;            /* poll, select, event_fds: the eventfd that ends a wait */
  atomic_int tcp_result;  /* tcp: a positive errno once connecting has failed */
  uint8_t *bytes;         /* memory */
  uint64_t size;          /* memory */
  bool writable;          /* memory */
  bool owner;             /* memory: made here, so that this open file holds the lock */
  bool copies_strings;    /* memory: see ring.h */
  uint64_t hidden;        /* memory: token of its hidden name, 0 where it never had one */
  char *path;             /* memory: what it was published as; null where it has no name */
  sem_t *semaphore;
  struct mr_valkka *valkka; /* a ring in libValkka's layout, freed with the object */
  struct mr_select *select;
  struct mr_event_fds *event_fds;
};

/* Takes the object over and gives its handle; -EMFILE when all are in use, and then the object is still the caller's. */
int32_t mr_handle_new(const struct mr_object *object);

/* The object of a handle, kept alive until mr_handle_done(). Null where the handle is closed, or of none of the kinds. */
struct mr_object *mr_handle_use(int32_t handle, unsigned kinds);
void mr_handle_done(int32_t handle);

/* Whether mr_close() was called on a handle that is in use. */
bool mr_handle_closed(int32_t handle);

/* The handle at a place of the table, 0 where that place is free or holds another kind; safe in a signal handler. */
int32_t mr_handle_at(uint32_t index, unsigned kinds);
#define MR_HANDLES 4096u

/* Frees what an object holds; in shm.c, poll.c and so on each kind frees its own. */
void mr_object_free(struct mr_object *object);
void mr_memory_free(struct mr_object *object);
/* Takes an owner's name away where it still means its memory; safe in a signal handler. */
void mr_memory_unname(const struct mr_object *memory);
void mr_select_free(struct mr_select *select);
void mr_event_fds_free(struct mr_event_fds *server);

#endif
