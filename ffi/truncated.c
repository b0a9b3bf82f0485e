/*
 * Whoever may write a file in shared memory may also cut it while others have it mapped; what is behind its new end is then a SIGBUS
 * for whoever looks. No check beforehand helps, for it may be cut right after. So the signal puts zeroes where the file was: what is
 * read there fails the checks that everything read is put to, and the ring counts as dead.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "handle.h"
#include "truncated.h"
#include "valkka.h"

static struct sigaction before;
static uintptr_t page_bytes;

static bool patch(uint8_t *at, uint64_t size, const uint8_t *fault) {
  if (!at || fault < at || fault >= at + size) return false;
  uint8_t *page = at + ((uintptr_t)(fault - at) & ~(page_bytes - 1));
  /* To the end: all of that is gone. Writable for readers as well, because nobody can wait on a word of a private page else. */
  void *zeroes = mmap(page, (size_t)(at + size - page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  return zeroes != MAP_FAILED;
}

static bool patch_ring(const struct mr_valkka *ring, const uint8_t *fault) {
  for (uint32_t i = 0; i < ring->cells; i++) {
    for (int segment = 0; segment < 2; segment++) {
      uint64_t bytes = segment == MR_VALKKA_PAYLOAD ? ring->cell_bytes : ring->meta_bytes;
      if (patch(ring->cell[i].bytes[segment], bytes, fault)) return true;
    }
  }
  return false;
}

/* The signal is the look's own doing, so that this thread holds no lock of libc's and may give a use back that is the last. */
static void on_bus_error(int number, siginfo_t *info, void *context) {
  (void)context;
  int error = errno;
  bool patched = false;
  for (uint32_t i = 0; i < MR_HANDLES && !patched; i++) {
    int32_t handle = mr_handle_at(i, MR_KIND_MEMORY | MR_KIND_VALKKA);
    if (!handle) continue;
    const struct mr_object *object = mr_handle_use(handle, MR_KIND_MEMORY | MR_KIND_VALKKA);
    if (object) {
      if (object->kind == MR_KIND_VALKKA) patched = patch_ring(object->valkka, info->si_addr);
      else patched = patch(object->bytes, object->size, info->si_addr);
      mr_handle_done(handle);
    }
    mr_handle_done(handle);
  }
  errno = error;
  /* None of ours: the next try is whoever's it was before. */
  if (!patched) sigaction(number, &before, NULL);
}

static void install(void) {
  page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
  action.sa_sigaction = on_bus_error;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &before);
}

void mr_survive_truncation(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, install);
}
