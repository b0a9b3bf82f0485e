/* What one wait watches: rings' words, counts of libValkka's, and names that are to appear. Not guarded: whoever has one locks. */
#ifndef MILLRACE_WATCH_H
#define MILLRACE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "handle.h"

/** So many things a watch holds at most. */
#define MR_WATCHED_MAX 4096u

enum mr_watched_kind { MR_WATCHED_RING, MR_WATCHED_FOREIGN, MR_WATCHED_NAME };

struct mr_watched {
  enum mr_watched_kind kind;
  uint32_t tag;
  int wd;              /* inotify's number; -1 where nobody tells, and it is looked at every few milliseconds */
  bool look;           /* it may be ready */
  bool gone;           /* its writer has died, or its names are another's */
  uint32_t expected;   /* ring: what its word was when it was last emptied */
  int32_t handle;      /* a use of it, 0 for a name */
  struct mr_object *object;
  uint64_t offset;     /* ring: of the word */
  int64_t next_check;  /* when its writer, or its name, is looked at again */
  int64_t check_until; /* and until when that is done often */
  char *name;
};

struct mr_watch {
  int inotify; /* -1 where the system has no more of them */
  int folder;  /* inotify's number of the folder of all names, while a name is watched; else -1 */
  uint32_t names;
  struct mr_watched *entries;
  uint32_t count, room;
  uint32_t turn;  /* with which entry the next look begins */
  int64_t swept;  /* when all were looked at, though nobody rang */
  int64_t active; /* when something was ready */
};

void mr_watch_init(struct mr_watch *watch);
void mr_watch_free(struct mr_watch *watch);

/* 0, -EEXIST where the tag is taken, -ENOSPC where there are too many, -EBADF, -ERANGE. */
int mr_watch_ring(struct mr_watch *watch, int32_t memory, uint64_t offset, uint32_t expected, uint32_t tag);
int mr_watch_foreign(struct mr_watch *watch, int32_t ring, uint32_t tag);
int mr_watch_name(struct mr_watch *watch, const char *name, uint32_t tag);
/* -ENOENT where nothing has that tag. */
int mr_watch_arm(struct mr_watch *watch, uint32_t tag, uint32_t expected);
int mr_watch_remove(struct mr_watch *watch, uint32_t tag);

/* Milliseconds of the monotonic clock. */
int64_t mr_watch_now(void);
/* Takes in what inotify has to tell, if its descriptor is readable. */
void mr_watch_read(struct mr_watch *watch, int64_t now);
/* The tags of what may be ready, each in its turn; they stay so until they are armed anew or removed. sleep_ms: how long nothing is to
 * be done unless inotify says so, -1 for ever. */
uint32_t mr_watch_ready(struct mr_watch *watch, int64_t now, uint32_t *tags, uint32_t cap, int32_t *sleep_ms);

#endif
