/*
 * What libc would ask of an operating system. There is none: no files, no clock, no environment, no threads. Everything
 * is answered here, inside the sandbox, so that an instance's only imports are its memory and the log line.
 */
#include <stddef.h>
#include <stdint.h>

/* Declared here and not included: the system's headers mark these functions as imports, which is what they must not be. */
enum { ENOENT_ = 44, EBADF_ = 8 };
struct instant {
  long seconds, fraction;
};

#define WASM_PAGE 65536u

__attribute__((noreturn)) void abort(void) { __builtin_trap(); }

void *emscripten_memcpy_big(void *to, const void *from, size_t bytes) {
  /* With -mbulk-memory this is one instruction. */
  return __builtin_memcpy(to, from, bytes);
}

int emscripten_resize_heap(size_t wanted) {
  size_t have = __builtin_wasm_memory_size(0) * WASM_PAGE;
  if (wanted <= have) return 1;
  /* An eighth more than asked, so that a growing heap does not grow a page at a time. */
  size_t more = wanted - have, ample = more + have / 8;
  if (__builtin_wasm_memory_grow(0, (ample + WASM_PAGE - 1) / WASM_PAGE) != (size_t)-1) return 1;
  return __builtin_wasm_memory_grow(0, (more + WASM_PAGE - 1) / WASM_PAGE) != (size_t)-1;
}

/* Time stands still: nothing that is decoded may depend on when. */
long clock(void) { return 0; }
double emscripten_get_now(void) { return 0; }
int gettimeofday(struct instant *time, void *zone) {
  (void)zone;
  *time = (struct instant){0, 0};
  return 0;
}
int __clock_gettime(int which, struct instant *time) {
  (void)which;
  *time = (struct instant){0, 0};
  return 0;
}
void _tzset_js(void *zone, void *daylight, void *names) {
  (void)zone;
  (void)daylight;
  (void)names;
}
int _mktime_js(void *when) { (void)when; return -1; }
void _localtime_js(void *when, void *into) { (void)when; (void)into; }
void _gmtime_js(void *when, void *into) { (void)when; (void)into; }

/* No file can be opened, so the others are never called with one. */
int __syscall_open(const char *path, int flags, ...) { (void)path; (void)flags; return -ENOENT_; }
int __syscall_fcntl64(int file, int command, ...) { (void)file; (void)command; return -EBADF_; }
int __wasi_fd_close(int file) { (void)file; return EBADF_; }
int __wasi_fd_read(int file, const void *buffers, size_t count, size_t *done) { (void)file; (void)buffers; (void)count; *done = 0; return EBADF_; }
int __wasi_fd_write(int file, const void *buffers, size_t count, size_t *done) { (void)file; (void)buffers; (void)count; *done = 0; return EBADF_; }
int __wasi_fd_seek(int file, int64_t offset, uint8_t whence, uint64_t *result) { (void)file; (void)offset; (void)whence; (void)result; return EBADF_; }
int __wasi_fd_fdstat_get(int file, void *status) { (void)file; (void)status; return EBADF_; }
int __wasi_environ_sizes_get(size_t *count, size_t *bytes) { *count = 0; *bytes = 0; return 0; }
int __wasi_environ_get(char **names, char *buffer) { (void)names; (void)buffer; return 0; }

/* libc is the build with threads, for its atomics; one thread runs it, and a helper (helper.c) that calls nothing of it. */
void __emscripten_init_main_thread_js(void *thread) { (void)thread; }
void emscripten_unwind_to_js_event_loop(void) { __builtin_trap(); }

/* The linker lays thread-local variables out (errno); the first thread gets its block here. */
extern void __wasm_init_tls(void *block);
static _Alignas(64) char thread_block[4096];
void mr_start_thread(void) {
  if (__builtin_wasm_tls_size() > sizeof thread_block) __builtin_trap();
  __wasm_init_tls(thread_block);
}
