/*
 * A stand-in for libValkka: one server and one client of its shared memory, that know nothing of Millrace. It does what the
 * real ones do, their edges included, and checks what it reads.
 *
 *   peer server NAME rgb|bytes|mp4 CELLS WIDTH HEIGHT      bytes and mp4: WIDTH is the cell's bytes, HEIGHT is 1
 *   peer client NAME rgb|bytes|mp4 CELLS WIDTH HEIGHT
 *   peer bench-server NAME CELLS WIDTH HEIGHT free|flow|FPS SECONDS WARM_UP
 *   peer bench-client NAME CELLS WIDTH HEIGHT SECONDS WARM_UP [touch|copy]
 *
 * Server and client say "ready" and then do what each line of their input says, with one line of output for it:
 *
 *   push FIRST COUNT [US]    frames of the pattern, one each US microseconds: "pushed CELL SEMAPHORE OVERFLOWS"
 *   size FIRST WIDTH HEIGHT  one frame of another size than the ring's
 *   box NAME FIRST SIZE IS_FIRST
 *   pull MS                  "CELL SIZE WIDTH HEIGHT SLOT STAMP NAME IS_FIRST SEQUENCE whole|torn", or "timeout"
 *   follow COUNT MS          "got N torn N backwards N last SEQUENCE"
 *   quit                     as the destructors do it; at the end of the input the process just ends
 *
 * Word i of the payload of frame s is (s * 2654435761) ^ i, in whole words; the bytes behind the last one are zero.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct rgb_meta {
  uint64_t size;
  int32_t width;
  int32_t height;
  uint16_t slot;
  int64_t mstimestamp;
};

struct mp4_meta {
  char name[4];
  bool is_first;
  uint64_t size;
  uint16_t slot;
  int64_t mstimestamp;
};

union meta {
  uint64_t size;
  struct rgb_meta rgb;
  struct mp4_meta mp4;
};

_Static_assert(sizeof(struct rgb_meta) == 32 && sizeof(struct mp4_meta) == 32, "the layout of x86-64");

enum kind { BYTES, RGB, MP4 };

static const char *name;
static enum kind kind;
static int n_cells, width, height, indx = -1;
static size_t n_bytes, n_meta;
static sem_t *sema, *flagsema;
static uint8_t **payload;
static union meta **meta;
static uint64_t overflows;

static void fail(const char *what) {
  perror(what);
  exit(2);
}

static char *object(const char *format, int cell) {
  static char text[300];
  snprintf(text, sizeof text, format, name, cell);
  return text;
}

static sem_t *semaphore(const char *suffix) {
  char text[300];
  snprintf(text, sizeof text, "/%s_valkka_%s", name, suffix);
  sem_t *made = sem_open(text, O_CREAT, 0600, 0);
  if (made == SEM_FAILED) fail("sem_open");
  return made;
}

static int value(sem_t *which) {
  int now;
  sem_getvalue(which, &now);
  return now;
}

static void zero(void) {
  while (value(sema) > 0) sem_trywait(sema);
}

static void measures(const char *ring, const char *what, int cells, int w, int h) {
  name = ring;
  kind = strcmp(what, "rgb") == 0 ? RGB : strcmp(what, "mp4") == 0 ? MP4 : BYTES;
  n_cells = cells;
  width = w;
  height = h;
  n_bytes = kind == RGB ? (size_t)w * (size_t)h * 3 : (size_t)w;
  n_meta = kind == RGB ? sizeof(struct rgb_meta) : kind == MP4 ? sizeof(struct mp4_meta) : 8;
  payload = calloc((size_t)cells, sizeof *payload);
  meta = calloc((size_t)cells, sizeof *meta);
}

static void *make(const char *path, size_t bytes) {
  shm_unlink(path);
  int fd = shm_open(path, O_CREAT | O_EXCL | O_TRUNC | O_RDWR, 0600);
  if (fd < 0) fail("shm_open");
  if (ftruncate(fd, (off_t)bytes) < 0) fail("ftruncate");
  void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) fail("mmap");
  close(fd);
  return at;
}

static void server_open(void) {
  sema = semaphore("ringbuffer");
  flagsema = semaphore("ringflag");
  indx = -1;
  zero();
  if (value(flagsema) > 0) sem_wait(flagsema);
  for (int i = 0; i < n_cells; i++) {
    shm_unlink(object("/%s%d_valkka_payload", i));
    shm_unlink(object("/%s%d_valkka_meta", i));
    payload[i] = make(object("/%s%d_valkka_payload", i), n_bytes);
    meta[i] = make(object("/%s%d_valkka_meta", i), n_meta);
  }
}

static void server_close(void) {
  char text[300];
  for (int i = 0; i < n_cells; i++) {
    munmap(payload[i], n_bytes);
    munmap(meta[i], n_meta);
    shm_unlink(object("/%s%d_valkka_payload", i));
    shm_unlink(object("/%s%d_valkka_meta", i));
  }
  sem_close(sema);
  sem_close(flagsema);
  snprintf(text, sizeof text, "/%s_valkka_ringbuffer", name);
  sem_unlink(text);
  snprintf(text, sizeof text, "/%s_valkka_ringflag", name);
  sem_unlink(text);
}

/* Tries until the server is there: the real client would be left with pointers to nothing. */
static void *view(const char *format, int cell, size_t bytes) {
  for (;;) {
    struct stat status;
    int fd = shm_open(object(format, cell), O_RDONLY, 0400);
    if (fd >= 0 && fstat(fd, &status) == 0 && (size_t)status.st_size >= bytes) {
      void *at = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
      if (at == MAP_FAILED) fail("mmap");
      close(fd);
      return at;
    }
    if (fd >= 0) close(fd);
    usleep(10000);
  }
}

static void client_open(void) {
  sema = semaphore("ringbuffer");
  flagsema = semaphore("ringflag");
  indx = -1;
  for (int i = 0; i < n_cells; i++) {
    payload[i] = view("/%s%d_valkka_payload", i, n_bytes);
    meta[i] = view("/%s%d_valkka_meta", i, n_meta);
  }
}

static void push(const union meta *m, const uint8_t *data) {
  if (value(sema) >= n_cells) {
    zero();
    indx = -1;
    if (value(flagsema) == 0) sem_post(flagsema);
    overflows++;
  }
  if (++indx >= n_cells) indx = 0;
  size_t size = kind == MP4 ? m->mp4.size : m->size;
  memcpy(meta[indx], m, n_meta);
  memcpy(payload[indx], data, size);
  sem_post(sema);
}

/* False where nothing came in time. mstimeout 0 waits for ever. */
static bool pull(int mstimeout, union meta *m, int *cell) {
  int failed;
  if (mstimeout == 0) {
    while ((failed = sem_wait(sema)) == -1 && errno == EINTR) {}
  } else {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += mstimeout / 1000;
    until.tv_nsec += (long)(mstimeout % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
      until.tv_sec++;
      until.tv_nsec -= 1000000000;
    }
    while ((failed = sem_timedwait(sema, &until)) == -1 && errno == EINTR) {}
  }
  if (failed) return false;
  if (value(flagsema) > 0) {
    indx = -1;
    sem_wait(flagsema);
  }
  if (++indx >= n_cells) indx = 0;
  memcpy(m, meta[indx], n_meta);
  *cell = indx;
  return true;
}

static uint8_t *fresh;

static union meta frame(uint32_t sequence, int w, int h) {
  union meta m;
  memset(&m, 0, sizeof m);
  size_t size = kind == RGB ? (size_t)w * (size_t)h * 3 : n_bytes;
  if (size > n_bytes) size = n_bytes;
  if (kind == RGB) m.rgb = (struct rgb_meta){size, w, h, 7, 1700000000000 + sequence};
  else if (kind == MP4) memcpy(m.mp4.name, "mdat", 4), m.mp4.size = size, m.mp4.slot = 7;
  else m.size = size;
  for (size_t i = 0; i < size / 4; i++) {
    uint32_t word = sequence * 2654435761u ^ (uint32_t)i;
    memcpy(fresh + i * 4, &word, 4);
  }
  return m;
}

static bool whole(const uint8_t *bytes, size_t size, uint32_t *sequence) {
  uint32_t first = 0;
  if (size < 4) return true;
  memcpy(&first, bytes, 4);
  *sequence = first * 244002641u; /* what undoes the multiplication */
  for (size_t i = 1; i < size / 4; i++) {
    uint32_t word;
    memcpy(&word, bytes + i * 4, 4);
    if (word != (first ^ (uint32_t)i)) return false;
  }
  return true;
}

static void serve(void) {
  char line[200];
  while (fgets(line, sizeof line, stdin)) {
    unsigned first, count, pause = 0, is_first;
    int w, h;
    char box[8];
    if (sscanf(line, "push %u %u %u", &first, &count, &pause) >= 2) {
      for (unsigned i = 0; i < count; i++) {
        union meta m = frame(first + i, width, height);
        push(&m, fresh);
        if (pause) usleep(pause);
      }
    } else if (sscanf(line, "size %u %d %d", &first, &w, &h) == 3) {
      union meta m = frame(first, w, h);
      push(&m, fresh);
    } else if (sscanf(line, "box %4s %u %u %u", box, &first, &count, &is_first) == 4) {
      union meta m = frame(first, 1, 1);
      memcpy(m.mp4.name, box, 4);
      m.mp4.size = count;
      m.mp4.is_first = is_first != 0;
      uint8_t head[8] = {(uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8), (uint8_t)count};
      memcpy(head + 4, box, 4);
      memcpy(fresh, head, 8);
      push(&m, fresh);
    } else if (strcmp(line, "quit\n") == 0) {
      server_close();
      puts("closed");
      exit(0);
    }
    printf("pushed %d %d %llu\n", indx, value(sema), (unsigned long long)overflows);
  }
}

static void follow(unsigned count, int mstimeout) {
  uint8_t *copy = malloc(n_bytes);
  unsigned got = 0, torn = 0, backwards = 0;
  uint32_t last = 0, sequence = 0;
  union meta m;
  int cell;
  while (got < count && pull(mstimeout, &m, &cell)) {
    size_t size = kind == MP4 ? m.mp4.size : m.size;
    if (size > n_bytes) size = n_bytes;
    memcpy(copy, payload[cell], size);
    if (!whole(copy, size, &sequence)) torn++;
    else {
      if (got && sequence <= last) backwards++;
      last = sequence;
    }
    got++;
  }
  printf("got %u torn %u backwards %u last %u\n", got, torn, backwards, last);
  free(copy);
}

static void read_ring(void) {
  char line[200];
  while (fgets(line, sizeof line, stdin)) {
    unsigned count;
    int mstimeout, cell;
    union meta m;
    uint32_t sequence = 0;
    if (sscanf(line, "follow %u %d", &count, &mstimeout) == 2) follow(count, mstimeout);
    else if (sscanf(line, "pull %d", &mstimeout) == 1) {
      if (!pull(mstimeout, &m, &cell)) puts("timeout");
      else {
        size_t size = kind == MP4 ? m.mp4.size : m.size;
        bool good = whole(payload[cell], size > n_bytes ? n_bytes : size, &sequence);
        printf("%d %zu %d %d %d %lld %.4s %d %u %s\n", cell, size, kind == RGB ? m.rgb.width : 0,
               kind == RGB ? m.rgb.height : 0, kind == BYTES ? 0 : m.rgb.slot,
               kind == BYTES ? 0 : (long long)m.rgb.mstimestamp, kind == MP4 ? m.mp4.name : "-",
               kind == MP4 && m.mp4.is_first, sequence, good ? "whole" : "torn");
      }
    } else if (strcmp(line, "quit\n") == 0) exit(0);
    else puts("what?");
  }
}

/* ---- measuring: bytes 0 to 7 when the push began, 8 to 15 the sequence, the last 8 the sequence again */

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static double cpu_seconds(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static void bench_server(const char *mode, double seconds, uint64_t warm_up) {
  char line[16];
  server_open();
  puts("ready");
  if (!fgets(line, sizeof line, stdin)) return;
  bool flow = strcmp(mode, "flow") == 0, free_running = strcmp(mode, "free") == 0;
  double fps = flow || free_running ? 0 : atof(mode);
  double cpu = cpu_seconds();
  uint64_t began = nanoseconds(), sequence = 0;
  memset(fresh, 7, n_bytes);
  for (;; sequence++) {
    if (fps > 0 && sequence < warm_up) {
      usleep(1000);
      began = nanoseconds();
    } else if (fps > 0) {
      uint64_t due = began + (uint64_t)((double)(sequence - warm_up) * 1e9 / fps);
      struct timespec at = {(time_t)(due / 1000000000u), (long)(due % 1000000000u)};
      clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
    }
    if ((double)(nanoseconds() - began) / 1e9 >= seconds) break;
    while (flow && value(sema) >= n_cells - 2) usleep(20);
    union meta m = {.rgb = {n_bytes, width, height, 0, (int64_t)sequence}};
    uint64_t now = nanoseconds();
    memcpy(fresh, &now, 8);
    memcpy(fresh + 8, &sequence, 8);
    memcpy(fresh + n_bytes - 8, &sequence, 8);
    push(&m, fresh);
  }
  double elapsed = (double)(nanoseconds() - began) / 1e9;
  if (fps > 0) sequence -= warm_up;
  printf("{\"frames\":%llu,\"seconds\":%.3f,\"fps\":%.1f,\"overflows\":%llu,\"cpu\":%.3f}\n",
         (unsigned long long)sequence, elapsed, (double)sequence / elapsed, (unsigned long long)overflows,
         cpu_seconds() - cpu);
  fflush(stdout);
  /* Until the client has what is left. */
  for (int i = 0; i < 100 && value(sema) > 0; i++) usleep(10000);
  server_close();
}

static int ascending(const void *a, const void *b) {
  uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
  return left < right ? -1 : left > right;
}

static void bench_client(double seconds, bool copying, uint64_t warm_up) {
  client_open();
  puts("ready");
  size_t room = 4000000, count = 0;
  uint64_t *ages = malloc(room * sizeof *ages);
  uint8_t *copy = malloc(n_bytes);
  memset(copy, 0, n_bytes);
  uint64_t frames = 0, torn = 0, lost = 0, backwards = 0, next = 0, began = 0, ended = 0;
  double cpu = cpu_seconds();
  union meta m;
  int cell;
  while (pull(frames ? 1000 : 10000, &m, &cell)) {
    uint64_t pushed, first, last;
    const uint8_t *from = payload[cell];
    if (copying) from = memcpy(copy, from, n_bytes);
    uint64_t now = nanoseconds(); /* a frame is read when the reader has it */
    memcpy(&pushed, from, 8);
    memcpy(&first, from + 8, 8);
    memcpy(&last, from + n_bytes - 8, 8);
    if (!frames++) began = now;
    ended = now;
    if (first != last) torn++;
    else if (first < next) backwards++;
    else {
      lost += first - next;
      next = first + 1;
      if (first > warm_up && count < room && now > pushed) ages[count++] = now - pushed;
    }
    if ((double)(now - began) / 1e9 >= seconds) break;
  }
  double elapsed = (double)(ended - began) / 1e9;
  qsort(ages, count, sizeof *ages, ascending);
  printf("{\"frames\":%llu,\"seconds\":%.3f,\"fps\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"lost\":%llu,\"torn\":%llu,"
         "\"backwards\":%llu,\"cpu\":%.3f}\n",
         (unsigned long long)frames, elapsed, elapsed > 0 ? (double)(frames - 1) / elapsed : 0,
         count ? (double)ages[count / 2] / 1e3 : 0, count ? (double)ages[count * 99 / 100] / 1e3 : 0,
         (unsigned long long)lost, (unsigned long long)torn, (unsigned long long)backwards, cpu_seconds() - cpu);
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 7) return 64;
  bool bench = strncmp(argv[1], "bench-", 6) == 0;
  if (bench) measures(argv[2], "rgb", atoi(argv[3]), atoi(argv[4]), atoi(argv[5]));
  else measures(argv[2], argv[3], atoi(argv[4]), atoi(argv[5]), atoi(argv[6]));
  fresh = calloc(1, n_bytes < 64 ? 64 : n_bytes);
  if (strcmp(argv[1], "bench-server") == 0 && argc == 9) bench_server(argv[6], atof(argv[7]), strtoull(argv[8], NULL, 10));
  else if (strcmp(argv[1], "bench-client") == 0) {
    if (argc < 8) return 64;
    bench_client(atof(argv[6]), argc < 9 || strcmp(argv[8], "touch") != 0, strtoull(argv[7], NULL, 10));
  } else if (strcmp(argv[1], "server") == 0) {
    server_open();
    puts("ready");
    serve();
  } else if (strcmp(argv[1], "client") == 0) {
    client_open();
    puts("ready");
    read_ring();
  } else return 64;
  return 0;
}
