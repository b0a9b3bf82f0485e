/* A ring in libValkka's layout, as the handle of one keeps it. */
#ifndef MILLRACE_VALKKA_H
#define MILLRACE_VALKKA_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm_name.h"

#define MR_VALKKA_META_MAX 32u
#define MR_VALKKA_CELLS_MAX 4096u

/* Offsets in our own segment, which is the head of a ring as millrace.h describes it. */
#define MR_SIDE_HEADER 256u
#define MR_SIDE_SLOT 128u
#define MR_SIDE_HEAD 128u
#define MR_SIDE_OLDEST 136u
#define MR_SIDE_SIGNAL 144u

enum mr_valkka_kind { MR_VALKKA_BYTES = 1, MR_VALKKA_RGB = 2, MR_VALKKA_MP4 = 3 };
enum mr_valkka_segment { MR_VALKKA_PAYLOAD = 0, MR_VALKKA_META = 1 };

struct mr_valkka_cell {
  uint8_t *bytes[2]; /* payload, metadata */
  dev_t device;
  ino_t inode[2];
  uint64_t record; /* writer: sequence + 1 of the record that lies here, 0 for none */
  int64_t known;   /* reader: the time stamp of the picture here that it had, or knows to be old; 0 for none */
  int64_t found;   /* reader: the time stamp that was here when it came */
};

struct mr_valkka {
  pthread_mutex_t lock; /* for all below `cells`: a ring has one writer or one reader, but a caller may have it wrong */
  char name[MR_NAME_MAX + 1];
  enum mr_valkka_kind kind;
  uint32_t cells;
  uint32_t meta_bytes;
  uint64_t cell_bytes;
  uint64_t stride; /* bytes from cell to cell in the arena that our own segment speaks of */
  bool writer;
  int32_t side; /* a use of our own segment, 0 where there is none */
  uint8_t *side_bytes;
  dev_t side_device;
  ino_t side_inode;
  sem_t *count, *flag; /* null for who reads beside our own segment */
  int watch[2];        /* reader: metadata of the first and the last cell, see mr_valkka_gone(); -1 for a writer */
  int32_t index;
  uint64_t head, oldest; /* writer */
  bool held;               /* reader: a unit of the count that was taken while the flag was down */
  bool lost;               /* reader: which cell is the server's next is not known until it overflows */
  bool asked;              /* reader: that overflow is our own doing */
  uint32_t proofs;    /* reader: overflows since the last one that could be followed with proof */
  bool older_before;  /* reader: the last one it took was older than the one before */
  bool delivered_one; /* reader: and this is its time stamp */
  int64_t last_stamp;
  uint64_t pushed, overflows, pulled, missed, torn, unproven, resyncs, invalid;
  struct mr_valkka_cell cell[];
};

/* The path of a cell's segment; safe in a signal handler. */
#define MR_VALKKA_PATH_BYTES (MR_PATH_BYTES + 32)
void mr_valkka_path(const char *name, uint32_t cell, enum mr_valkka_segment segment, char out[MR_VALKKA_PATH_BYTES]);

/* The ring of a handle, in use; null where it is none. writer: 1 or 0 where only such a one will do, else -1. */
struct mr_valkka *mr_valkka_use(int32_t handle, int writer, int32_t *error);
void mr_valkka_free(struct mr_valkka *ring);
int mr_valkka_value(sem_t *semaphore);
/* Whether the names mean another ring than a reader's by now, or none. Servers replace their cells one after the other: a
 * reader that came in between may have new ones at first and old ones at last. Takes two system calls. */
bool mr_valkka_gone(const struct mr_valkka *ring);
/* Notes what lies in the cells when a reader comes: what is old for sure is never delivered, and the rest not after newer. */
void mr_valkka_note(struct mr_valkka *ring, bool old);
/* Has a foreign ring's server begin anew with cell 0. */
void mr_valkka_ask(struct mr_valkka *ring);
/* Whether a foreign ring may have a record. */
bool mr_valkka_ready(struct mr_valkka *ring);
/* Takes the writer's names away where they still mean its memory, our own segment's last; safe in a signal handler. */
void mr_valkka_unname(const struct mr_valkka *ring);
/* The process that has one of so many files mapped to write, or 0. */
int32_t mr_valkka_mapped_by(const dev_t *devices, const ino_t *inodes, uint32_t count);

#endif
