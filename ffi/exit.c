/* A process that ends takes the names of its rings with it. After a crash the next writer of a name would, if there is one; of what
 * is in libValkka's layout nobody would, for its own programs never replace what another layout of the same name left. */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "handle.h"
#include "millrace.h"
#include "valkka.h"

static void clean(void) {
  for (uint32_t i = 0; i < MR_HANDLES; i++) {
    int32_t handle = mr_handle_at(i, MR_KIND_VALKKA | MR_KIND_MEMORY);
    if (!handle) continue;
    const struct mr_object *object = mr_handle_use(handle, MR_KIND_VALKKA | MR_KIND_MEMORY);
    if (object && object->kind == MR_KIND_MEMORY) mr_memory_unname(object);
    else if (object && object->valkka->writer) mr_valkka_unname(object->valkka);
    /* Neither use is given back: the last one would free memory, which a signal handler may not, and the process ends. */
  }
}

static const int SIGNALS[] = {SIGHUP, SIGINT, SIGTERM};

/* Only while nobody else deals with the signal: a program that took it over decides itself how it ends. */
static void on_signal(int number) {
  struct sigaction now;
  if (sigaction(number, NULL, &now) < 0 || now.sa_handler != on_signal) return;
  clean();
  now.sa_handler = SIG_DFL;
  sigaction(number, &now, NULL);
  raise(number);
}

__attribute__((destructor)) static void on_exit_of_process(void) { clean(); }

int32_t mr_clean_on_signals(void) {
  for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++) {
    struct sigaction now;
    if (sigaction(SIGNALS[i], NULL, &now) < 0 || now.sa_handler != SIG_DFL) continue;
    sigemptyset(&now.sa_mask);
    now.sa_handler = on_signal;
    now.sa_flags = 0;
    sigaction(SIGNALS[i], &now, NULL);
  }
  return 0;
}
