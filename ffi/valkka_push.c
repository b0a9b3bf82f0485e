/* One call for each record that goes into a ring in libValkka's layout. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "handle.h"
#include "millrace.h"
#include "valkka.h"

static void store(const struct mr_valkka *ring, uint64_t offset, uint64_t value) {
  atomic_store_explicit((_Atomic uint64_t *)(ring->side_bytes + offset), value, memory_order_release);
}

/* The reader is a whole ring behind: it is told, loses what it has not read, and finds the next record in cell 0. */
static void overflow(struct mr_valkka *ring) {
  /* Bounded, because somebody else may post without end. */
  for (uint32_t i = 0; i < 4 * ring->cells && mr_valkka_value(ring->count) > 0; i++) sem_trywait(ring->count);
  ring->index = -1;
  if (mr_valkka_value(ring->flag) == 0) sem_post(ring->flag);
  ring->overflows++;
}

static uint64_t span(uint32_t stride, uint32_t row_bytes, uint32_t rows) {
  return rows == 0 || row_bytes == 0 ? 0 : (uint64_t)(rows - 1) * stride + row_bytes;
}

static void copy(uint8_t *to, const uint8_t *from, uint32_t stride, uint32_t row_bytes, uint32_t rows) {
  if (rows == 0 || row_bytes == 0) return;
  if (stride == row_bytes) {
    memcpy(to, from, (size_t)row_bytes * rows);
    return;
  }
  for (uint32_t row = 0; row < rows; row++) memcpy(to + (size_t)row * row_bytes, from + (size_t)row * stride, row_bytes);
}

int32_t mr_valkka_push(int32_t handle, const uint8_t *meta, const uint8_t *slot, const uint8_t *buffer,
                       uint64_t buffer_bytes, uint64_t buffer_offset, uint32_t stride, uint32_t row_bytes,
                       uint32_t rows) {
  uint64_t bytes = (uint64_t)row_bytes * rows, taken = span(stride, row_bytes, rows);
  if (!meta || !slot || (!buffer && bytes)) return -EFAULT;
  if (rows > 1 && stride < row_bytes) return -EINVAL;
  if (taken > buffer_bytes || buffer_offset > buffer_bytes - taken) return -ERANGE;
  int32_t result;
  struct mr_valkka *ring = mr_valkka_use(handle, 1, &result);
  if (!ring) return result;
  if (bytes > ring->cell_bytes) {
    mr_handle_done(handle);
    return -EMSGSIZE;
  }
  pthread_mutex_lock(&ring->lock);
  if (mr_valkka_value(ring->count) >= (int)ring->cells) overflow(ring);
  if (++ring->index >= (int32_t)ring->cells) ring->index = 0;
  struct mr_valkka_cell *cell = &ring->cell[ring->index];
  uint64_t head = ring->head, descriptor = MR_SIDE_HEADER + head % ring->cells * MR_SIDE_SLOT;
  /* (a) to (g) as millrace.h has them; after an overflow cells are overwritten out of turn, and `oldest` passes whatever
   * came before the record that lay there. */
  if (head + 1 > ring->cells && head + 1 - ring->cells > ring->oldest) ring->oldest = head + 1 - ring->cells;
  if (cell->record > ring->oldest) ring->oldest = cell->record;
  store(ring, MR_SIDE_OLDEST, ring->oldest);
  mr_mem_fence();
  store(ring, descriptor, 0);
  mr_mem_fence();
  uint8_t *own = cell->bytes[MR_VALKKA_META];
  uint8_t filled[MR_VALKKA_META_MAX];
  memcpy(filled, meta, ring->meta_bytes);
  memcpy(filled + (ring->kind == MR_VALKKA_MP4 ? 8 : 0), &bytes, sizeof bytes);
  memcpy(own, filled, ring->meta_bytes);
  if (bytes) copy(cell->bytes[MR_VALKKA_PAYLOAD], buffer + buffer_offset, stride, row_bytes, rows);
  uint64_t place[2] = {(uint64_t)ring->index * ring->stride, bytes};
  uint8_t *described = ring->side_bytes + descriptor + 8;
  memcpy(described + sizeof place, slot + sizeof place, MR_SIDE_SLOT - 8 - sizeof place);
  memcpy(described, place, sizeof place);
  memset(described + 84, 0, 4); /* no blob: the next cell is not its room */
  cell->record = head + 1;
  store(ring, descriptor, head + 1);
  store(ring, MR_SIDE_HEAD, head + 1);
  ring->head = head + 1;
  ring->pushed++;
  result = sem_post(ring->count) < 0 ? -errno : ring->index;
  atomic_fetch_add_explicit((_Atomic uint32_t *)(ring->side_bytes + MR_SIDE_SIGNAL), 1, memory_order_release);
  pthread_mutex_unlock(&ring->lock);
  mr_mem_notify(ring->side, MR_SIDE_SIGNAL);
  mr_handle_done(handle);
  return result;
}
