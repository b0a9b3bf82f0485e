/* The rival of bench/shm.ts: memcpy of frames of a size into slots of a file in /dev/shm, as fast as it goes; prints the frames
 * a second. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
  if (count != 4) return 1;
  size_t bytes = strtoull(arguments[1], NULL, 10), slots = strtoull(arguments[2], NULL, 10);
  double wanted = atof(arguments[3]);
  char name[] = "/dev/shm/millrace-bench-XXXXXX";
  int file = mkstemp(name);
  if (file < 0 || posix_fallocate(file, 0, (off_t)(bytes * slots)) != 0) return 1;
  unlink(name);
  char *memory = mmap(NULL, bytes * slots, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  char *frame = malloc(bytes);
  if (memory == MAP_FAILED || !frame) return 1;
  memset(frame, 7, bytes);
  long frames = 0;
  double began = seconds(), spent;
  do {
    memcpy(memory + (size_t)frames % slots * bytes, frame, bytes);
    frames++;
    spent = seconds() - began;
  } while (spent < wanted);
  printf("%.3f\n", frames / spent);
  return 0;
}
