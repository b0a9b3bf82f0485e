/*
 * The table of handles.
 *
 * This is the library's one static variable. A caller without pointers must name things by number, the numbers must
 * mean the same in every thread (a socket is opened in one worker and polled in another), and there is no object all of
 * them could be handed: so the table belongs to the process. It is fixed in size, which bounds what a runaway caller can
 * take.
 *
 * An entry's state is one atomic word: bits 0-23 count the uses, bit 24 says open, bit 25 says taken, bits 32-50 are
 * the generation. Being open counts as one use, so that the object is freed exactly once, by whoever ends the last one.
 */
#include "handle.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

#include "millrace.h"
#include "valkka.h"

#define INDEX_BITS 12
#define ENTRIES (1u << INDEX_BITS)
_Static_assert(ENTRIES == MR_HANDLES, "the header says how many there are");
#define GENERATIONS (1u << (31 - INDEX_BITS))

#define USES UINT64_C(0xffffff)
#define OPEN (UINT64_C(1) << 24)
#define TAKEN (UINT64_C(1) << 25)
#define GENERATION(state) ((uint32_t)((state) >> 32))

static struct {
  pthread_mutex_t lock; /* for `next` and for taking an entry; using one needs no lock */
  uint32_t next;
  struct {
    _Atomic uint64_t state;
    struct mr_object object;
  } entries[ENTRIES];
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

static int32_t handle_of(uint32_t index, uint32_t generation) {
  return (int32_t)(generation << INDEX_BITS | index);
}

int32_t mr_handle_new(const struct mr_object *object) {
  int32_t handle = -EMFILE;
  pthread_mutex_lock(&table.lock);
  for (uint32_t tried = 0; tried < ENTRIES; tried++) {
    /* Onwards from the last one, not the first free one: a number comes back as late as can be. */
    uint32_t index = (table.next + tried) % ENTRIES;
    uint64_t state = atomic_load_explicit(&table.entries[index].state, memory_order_acquire);
    if (state & TAKEN) continue;
    uint32_t generation = GENERATION(state) + 1;
    if (generation >= GENERATIONS) generation = 1; /* never 0: no handle is 0 */
    struct mr_object *kept = &table.entries[index].object;
    kept->kind = object->kind;
    kept->fd = object->fd;
    kept->wake_fd = object->wake_fd;
    atomic_store_explicit(&kept->tcp_result, 0, memory_order_relaxed);
    kept->bytes = object->bytes;
    kept->size = object->size;
    kept->writable = object->writable;
    kept->owner = object->owner;
    kept->copies_strings = object->copies_strings;
    kept->hidden = object->hidden;
    kept->semaphore = object->semaphore;
    kept->valkka = object->valkka;
    kept->select = object->select;
    kept->event_fds = object->event_fds;
    atomic_store_explicit(&table.entries[index].state, (uint64_t)generation << 32 | TAKEN | OPEN | 1,
                          memory_order_release);
    table.next = index + 1;
    handle = handle_of(index, generation);
    break;
  }
  pthread_mutex_unlock(&table.lock);
  return handle;
}

struct mr_object *mr_handle_use(int32_t handle, unsigned kinds) {
  if (handle <= 0) return NULL;
  uint32_t index = (uint32_t)handle % ENTRIES, generation = (uint32_t)handle >> INDEX_BITS;
  _Atomic uint64_t *word = &table.entries[index].state;
  uint64_t state = atomic_load_explicit(word, memory_order_acquire);
  do {
    if (!(state & OPEN) || GENERATION(state) != generation || (state & USES) == USES) return NULL;
  } while (!atomic_compare_exchange_weak_explicit(word, &state, state + 1, memory_order_acquire, memory_order_acquire));
  struct mr_object *object = &table.entries[index].object;
  if ((unsigned)object->kind & kinds) return object;
  mr_handle_done(handle);
  return NULL;
}

void mr_handle_done(int32_t handle) {
  uint32_t index = (uint32_t)handle % ENTRIES;
  _Atomic uint64_t *word = &table.entries[index].state;
  uint64_t before = atomic_fetch_sub_explicit(word, 1, memory_order_acq_rel);
  if ((before & USES) != 1) return;
  mr_object_free(&table.entries[index].object);
  /* The generation stays, TAKEN goes: only now can the entry be another's. */
  atomic_store_explicit(word, (uint64_t)GENERATION(before) << 32, memory_order_release);
}

bool mr_handle_closed(int32_t handle) {
  uint64_t state = atomic_load_explicit(&table.entries[(uint32_t)handle % ENTRIES].state, memory_order_acquire);
  return !(state & OPEN);
}

int32_t mr_handle_at(uint32_t index, unsigned kinds) {
  if (index >= ENTRIES) return 0;
  uint64_t state = atomic_load_explicit(&table.entries[index].state, memory_order_acquire);
  int32_t handle = handle_of(index, GENERATION(state));
  if (!(state & OPEN) || !mr_handle_use(handle, kinds)) return 0;
  return handle;
}

int32_t mr_close(int32_t handle) {
  if (handle <= 0) return -EBADF;
  uint32_t index = (uint32_t)handle % ENTRIES, generation = (uint32_t)handle >> INDEX_BITS;
  _Atomic uint64_t *word = &table.entries[index].state;
  uint64_t state = atomic_load_explicit(word, memory_order_acquire);
  do {
    if (!(state & OPEN) || GENERATION(state) != generation) return -EBADF;
  } while (!atomic_compare_exchange_weak_explicit(word, &state, state & ~OPEN, memory_order_acq_rel,
                                                  memory_order_acquire));
  /* Whoever sleeps in mr_poll_wait() or the like has the object in use, perhaps for ever. */
  struct mr_object *object = &table.entries[index].object;
  if (object->kind & (MR_KIND_POLL | MR_KIND_SELECT | MR_KIND_EVENT_FDS)) {
    uint64_t one = 1;
    ssize_t written = write(object->wake_fd, &one, sizeof one);
    (void)written; /* it fails only when the count is full, and then the sleeper is awake */
  }
  mr_handle_done(handle);
  return 0;
}

void mr_object_free(struct mr_object *object) {
  if (object->kind == MR_KIND_MEMORY) mr_memory_free(object);
  if (object->kind == MR_KIND_SEMAPHORE) sem_close(object->semaphore);
  if (object->kind == MR_KIND_VALKKA) mr_valkka_free(object->valkka);
  if (object->kind == MR_KIND_SELECT) mr_select_free(object->select);
  if (object->kind == MR_KIND_EVENT_FDS) mr_event_fds_free(object->event_fds);
  if (object->wake_fd >= 0) close(object->wake_fd);
  if (object->fd >= 0) close(object->fd);
}
