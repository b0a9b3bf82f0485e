/*
 * One list of things to watch. What a writer's bell and the file system tell through inotify marks an entry; only marked
 * entries are looked at. Where inotify cannot watch a file, it is looked at every few milliseconds, and so are libValkka's counts,
 * which nobody can wait for together. Once a second everything is looked at, in case somebody forgot to ring.
 */
#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "memory.h"
#include "shm_name.h"
#include "valkka.h"

/* Milliseconds between looks at what nobody tells of: while something happens, and once nothing has for a second. */
#define POLL_BUSY 1
#define POLL_IDLE 5
#define IDLE_AFTER 1000
#define SWEEP 1000
/* The kernel tells that a file was closed a moment before it gives up its locks, so a writer's is asked for a while. */
#define CHECK_OFTEN 2
#define CHECK_FOR 100
/* Without inotify, and for libValkka's servers. */
#define CHECK_SELDOM 100
/* A ring of libValkka's is many names, and the last one says nothing of being it. */
#define NAME_OFTEN 10
#define NAME_FOR 1000

#define RING_EVENTS (IN_ACCESS | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF)
#define WRITER_EVENTS (IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_IGNORED | IN_UNMOUNT)

int64_t mr_watch_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void mr_watch_init(struct mr_watch *watch) {
  memset(watch, 0, sizeof *watch);
  watch->folder = -1;
#ifdef MR_WITHOUT_INOTIFY /* the tests take the other way with it */
  watch->inotify = -1;
#else
  watch->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
#endif
  watch->swept = watch->active = mr_watch_now();
}

void mr_watch_free(struct mr_watch *watch) {
  while (watch->count > 0) mr_watch_remove(watch, watch->entries[watch->count - 1].tag);
  free(watch->entries);
  if (watch->inotify >= 0) close(watch->inotify);
}

static struct mr_watched *find(const struct mr_watch *watch, uint32_t tag) {
  for (uint32_t i = 0; i < watch->count; i++) {
    if (watch->entries[i].tag == tag) return &watch->entries[i];
  }
  return NULL;
}

static int watch_file(const struct mr_watch *watch, int fd, uint32_t events) {
  char path[64];
  if (watch->inotify < 0) return -1;
  /* By its descriptor: the name may be another file's by now. */
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  return inotify_add_watch(watch->inotify, path, events);
}

static int add(struct mr_watch *watch, const struct mr_watched *entry) {
  if (find(watch, entry->tag)) return -EEXIST;
  if (watch->count == MR_WATCHED_MAX) return -ENOSPC;
  if (watch->count == watch->room) {
    uint32_t room = watch->room ? watch->room * 2 : 16;
    struct mr_watched *entries = realloc(watch->entries, room * sizeof *entries);
    if (!entries) return -ENOMEM;
    watch->entries = entries;
    watch->room = room;
  }
  watch->entries[watch->count++] = *entry;
  return 0;
}

int mr_watch_ring(struct mr_watch *watch, int32_t memory, uint64_t offset, uint32_t expected, uint32_t tag) {
  struct mr_watched entry = {.kind = MR_WATCHED_RING, .tag = tag, .look = true, .expected = expected,
                             .handle = memory, .offset = offset};
  int32_t error;
  entry.object = mr_memory_word(memory, offset, 4, false, &error);
  if (!entry.object) return error;
  entry.wd = watch_file(watch, entry.object->fd, RING_EVENTS);
  /* It may have died before it was watched. */
  entry.next_check = mr_watch_now();
  error = add(watch, &entry);
  if (error < 0) mr_handle_done(memory);
  return error;
}

int mr_watch_foreign(struct mr_watch *watch, int32_t ring, uint32_t tag) {
  struct mr_watched entry = {.kind = MR_WATCHED_FOREIGN, .tag = tag, .wd = -1, .look = true, .handle = ring};
  entry.object = mr_handle_use(ring, MR_KIND_VALKKA);
  if (!entry.object) return -EBADF;
  const struct mr_valkka *valkka = entry.object->valkka;
  int error = valkka->writer ? -EACCES : valkka->count ? add(watch, &entry) : -EPERM;
  if (error < 0) mr_handle_done(ring);
  return error;
}

int mr_watch_name(struct mr_watch *watch, const char *name, uint32_t tag) {
  struct mr_watched entry = {.kind = MR_WATCHED_NAME, .tag = tag, .wd = -1, .look = true};
  int error = mr_name_check(name);
  if (error < 0) return error;
  if (watch->inotify >= 0 && watch->folder < 0) {
    watch->folder = inotify_add_watch(watch->inotify, MR_SHM_FOLDER, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
  }
  entry.name = strdup(name);
  if (!entry.name) return -ENOMEM;
  error = add(watch, &entry);
  if (error < 0) free(entry.name);
  else watch->names++;
  return error;
}

int mr_watch_arm(struct mr_watch *watch, uint32_t tag, uint32_t expected) {
  struct mr_watched *entry = find(watch, tag);
  if (!entry) return -ENOENT;
  entry->expected = expected;
  entry->gone = false;
  /* A name is ready when it is told of; the others are asked. */
  entry->look = entry->kind != MR_WATCHED_NAME;
  return 0;
}

int mr_watch_remove(struct mr_watch *watch, uint32_t tag) {
  struct mr_watched *entry = find(watch, tag);
  if (!entry) return -ENOENT;
  struct mr_watched removed = *entry;
  uint32_t at = (uint32_t)(entry - watch->entries);
  /* In order, so that the others keep their turns. */
  memmove(entry, entry + 1, (watch->count - at - 1) * sizeof *entry);
  watch->count--;
  if (watch->turn > at) watch->turn--;
  if (removed.kind == MR_WATCHED_NAME && --watch->names == 0 && watch->folder >= 0) {
    inotify_rm_watch(watch->inotify, watch->folder);
    watch->folder = -1;
  }
  bool shared = false; /* two readers of one file have one number */
  for (uint32_t i = 0; i < watch->count; i++) shared |= watch->entries[i].wd == removed.wd;
  if (removed.wd >= 0 && !shared) inotify_rm_watch(watch->inotify, removed.wd);
  if (removed.handle) mr_handle_done(removed.handle);
  free(removed.name);
  return 0;
}

static void look_at_all(struct mr_watch *watch, int64_t now) {
  watch->swept = now;
  for (uint32_t i = 0; i < watch->count; i++) {
    watch->entries[i].look = true;
    watch->entries[i].next_check = now;
  }
}

static void name_appeared(struct mr_watch *watch, const char *name, int64_t now) {
  for (uint32_t i = 0; i < watch->count; i++) {
    struct mr_watched *entry = &watch->entries[i];
    /* Its cells, semaphores and our segment have names that begin with the ring's. */
    const char *bare = strncmp(name, "sem.", 4) == 0 ? name + 4 : name;
    if (entry->kind != MR_WATCHED_NAME || strncmp(bare, entry->name, strlen(entry->name)) != 0) continue;
    entry->look = true;
    entry->next_check = now + NAME_OFTEN;
    entry->check_until = now + NAME_FOR;
  }
}

static void file_told(struct mr_watch *watch, const struct inotify_event *event, int64_t now) {
  for (uint32_t i = 0; i < watch->count; i++) {
    struct mr_watched *entry = &watch->entries[i];
    if (entry->wd != event->wd) continue;
    entry->look = true;
    if (!(event->mask & WRITER_EVENTS)) continue;
    entry->next_check = now;
    entry->check_until = now + CHECK_FOR;
    if (event->mask & IN_IGNORED) entry->wd = -1;
  }
}

void mr_watch_read(struct mr_watch *watch, int64_t now) {
  _Alignas(struct inotify_event) char bytes[16384];
  ssize_t got = watch->inotify < 0 ? 0 : read(watch->inotify, bytes, sizeof bytes);
  for (ssize_t at = 0; at < got;) {
    const struct inotify_event *event = (const struct inotify_event *)(bytes + at);
    at += (ssize_t)(sizeof *event + event->len);
    if (event->mask & IN_Q_OVERFLOW) look_at_all(watch, now);
    else if (event->wd == watch->folder) {
      if (event->len > 0) name_appeared(watch, event->name, now);
    } else file_told(watch, event, now);
  }
}

/* When an entry's writer or name is due to be looked at; INT64_MAX while inotify would tell. */
static int64_t next_check(const struct mr_watch *watch, const struct mr_watched *entry, int64_t now) {
  bool name = entry->kind == MR_WATCHED_NAME;
  if (now < entry->check_until) return now + (name ? NAME_OFTEN : CHECK_OFTEN);
  return (name ? watch->folder : entry->wd) >= 0 ? INT64_MAX : now + CHECK_SELDOM;
}

static bool is_ready(const struct mr_watch *watch, struct mr_watched *entry, int64_t now) {
  bool check = now >= entry->next_check;
  if (check) entry->next_check = next_check(watch, entry, now);
  if (entry->kind == MR_WATCHED_NAME) return entry->look |= check;
  if (entry->kind == MR_WATCHED_FOREIGN) {
    if (check && mr_valkka_gone(entry->object->valkka)) entry->gone = true;
    return entry->gone || mr_valkka_ready(entry->object->valkka);
  }
  if (check && !entry->object->owner && mr_lock_held(entry->object->fd) == 0) entry->gone = true;
  if (entry->look || entry->wd < 0) {
    const _Atomic uint32_t *word = (const _Atomic uint32_t *)(entry->object->bytes + entry->offset);
    entry->look = atomic_load_explicit(word, memory_order_acquire) != entry->expected;
  }
  return entry->look || entry->gone;
}

uint32_t mr_watch_ready(struct mr_watch *watch, int64_t now, uint32_t *tags, uint32_t cap, int32_t *sleep_ms) {
  uint32_t found = 0, last = watch->turn;
  bool polled = false;
  int64_t next = INT64_MAX;
  if (now - watch->swept >= SWEEP) look_at_all(watch, now);
  for (uint32_t i = 0; i < watch->count && found < cap; i++) {
    uint32_t at = (watch->turn + i) % watch->count;
    struct mr_watched *entry = &watch->entries[at];
    if (is_ready(watch, entry, now)) {
      tags[found++] = entry->tag;
      last = at + 1;
    }
    polled |= entry->wd < 0 && entry->kind != MR_WATCHED_NAME;
    if (entry->next_check < next) next = entry->next_check;
  }
  watch->turn = watch->count ? last % watch->count : 0;
  if (found) watch->active = now;
  if (watch->count && watch->swept + SWEEP < next) next = watch->swept + SWEEP;
  if (polled) {
    int64_t look = now + (now - watch->active < IDLE_AFTER ? POLL_BUSY : POLL_IDLE);
    if (look < next) next = look;
  }
  *sleep_ms = next == INT64_MAX ? -1 : next <= now ? 0 : next - now > INT_MAX ? INT_MAX : (int32_t)(next - now);
  return found;
}
