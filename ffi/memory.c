/* Words and bytes of shared memory, every offset checked. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "handle.h"
#include "memory.h"
#include "millrace.h"

_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LLONG_LOCK_FREE == 2, "a lock inside a process would not help");

int mr_memory_range(const struct mr_object *memory, uint64_t offset, uint64_t len, bool to_write) {
  if (to_write && !memory->writable) return -EACCES;
  return len > memory->size || offset > memory->size - len ? -ERANGE : 0;
}

struct mr_object *mr_memory_word(int32_t handle, uint64_t offset, uint32_t width, bool to_write, int32_t *error) {
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  *error = -EBADF;
  if (!memory) return NULL;
  *error = offset % width ? -ERANGE : mr_memory_range(memory, offset, width, to_write);
  if (*error == 0) return memory;
  mr_handle_done(handle);
  return NULL;
}

int32_t mr_mem_address(int32_t handle, uint64_t *out) {
  if (!out) return -EFAULT;
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  uint64_t address = (uint64_t)(uintptr_t)memory->bytes;
  memcpy(out, &address, sizeof address);
  mr_handle_done(handle);
  return 0;
}

int32_t mr_mem_load32(int32_t handle, double offset, uint32_t *out) {
  if (!out) return -EFAULT;
  int32_t error;
  uint64_t at = mr_memory_offset(offset);
  struct mr_object *memory = mr_memory_word(handle, at, 4, false, &error);
  if (!memory) return error;
  *out = atomic_load_explicit((_Atomic uint32_t *)(memory->bytes + at), memory_order_acquire);
  mr_handle_done(handle);
  return 0;
}

int32_t mr_mem_store32(int32_t handle, double offset, uint32_t value) {
  int32_t error;
  uint64_t at = mr_memory_offset(offset);
  struct mr_object *memory = mr_memory_word(handle, at, 4, true, &error);
  if (!memory) return error;
  atomic_store_explicit((_Atomic uint32_t *)(memory->bytes + at), value, memory_order_release);
  mr_handle_done(handle);
  return 0;
}

int32_t mr_mem_load64(int32_t handle, double offset, uint64_t *out) {
  if (!out) return -EFAULT;
  int32_t error;
  uint64_t at = mr_memory_offset(offset);
  struct mr_object *memory = mr_memory_word(handle, at, 8, false, &error);
  if (!memory) return error;
  uint64_t value = atomic_load_explicit((_Atomic uint64_t *)(memory->bytes + at), memory_order_acquire);
  memcpy(out, &value, sizeof value); /* a view of bytes in JavaScript may begin anywhere */
  mr_handle_done(handle);
  return 0;
}

int32_t mr_mem_store64(int32_t handle, double offset, const uint64_t *value) {
  if (!value) return -EFAULT;
  int32_t error;
  uint64_t at = mr_memory_offset(offset);
  uint64_t copy;
  memcpy(&copy, value, sizeof copy);
  struct mr_object *memory = mr_memory_word(handle, at, 8, true, &error);
  if (!memory) return error;
  atomic_store_explicit((_Atomic uint64_t *)(memory->bytes + at), copy, memory_order_release);
  mr_handle_done(handle);
  return 0;
}

int32_t mr_mem_fence(void) {
  atomic_thread_fence(memory_order_seq_cst);
  return 0;
}

int32_t mr_mem_read(int32_t handle, uint64_t offset, uint8_t *into, uint64_t len) {
  if (!into && len) return -EFAULT;
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  int32_t error = mr_memory_range(memory, offset, len, false);
  if (error == 0 && len) memcpy(into, memory->bytes + offset, len);
  mr_handle_done(handle);
  return error;
}

int32_t mr_mem_write(int32_t handle, uint64_t offset, const uint8_t *from, uint64_t len) {
  if (!from && len) return -EFAULT;
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  int32_t error = mr_memory_range(memory, offset, len, true);
  if (error == 0 && len) memcpy(memory->bytes + offset, from, len);
  mr_handle_done(handle);
  return error;
}

/* The bytes from the first row's begin to the last row's end. Three u32 cannot overflow a u64. */
static uint64_t span(uint32_t stride, uint32_t row_bytes, uint32_t rows) {
  return (uint64_t)(rows - 1) * stride + row_bytes;
}

static void copy_rows(uint8_t *to, uint32_t to_stride, const uint8_t *from, uint32_t from_stride, uint32_t row_bytes,
                      uint32_t rows) {
  if (to_stride == row_bytes && from_stride == row_bytes) {
    memcpy(to, from, (size_t)row_bytes * rows);
    return;
  }
  for (uint32_t row = 0; row < rows; row++) {
    memcpy(to + (size_t)row * to_stride, from + (size_t)row * from_stride, row_bytes);
  }
}

static int32_t rows_fit(const struct mr_object *memory, uint64_t offset, uint32_t stride, uint64_t buffer_bytes,
                        uint64_t buffer_offset, uint32_t buffer_stride, uint32_t row_bytes, uint32_t rows,
                        bool to_write) {
  if (rows > 1 && (stride < row_bytes || buffer_stride < row_bytes)) return -EINVAL;
  uint64_t taken = span(buffer_stride, row_bytes, rows);
  if (taken > buffer_bytes || buffer_offset > buffer_bytes - taken) return -ERANGE;
  return mr_memory_range(memory, offset, span(stride, row_bytes, rows), to_write);
}

int32_t mr_mem_read_rows(int32_t handle, uint64_t offset, uint32_t stride, uint8_t *buffer, uint64_t buffer_bytes,
                         uint64_t buffer_offset, uint32_t buffer_stride, uint32_t row_bytes, uint32_t rows) {
  if (rows == 0 || row_bytes == 0) return 0;
  if (!buffer) return -EFAULT;
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  int32_t error =
      rows_fit(memory, offset, stride, buffer_bytes, buffer_offset, buffer_stride, row_bytes, rows, false);
  if (error == 0) copy_rows(buffer + buffer_offset, buffer_stride, memory->bytes + offset, stride, row_bytes, rows);
  mr_handle_done(handle);
  return error;
}

int32_t mr_mem_write_rows(int32_t handle, uint64_t offset, uint32_t stride, const uint8_t *buffer,
                          uint64_t buffer_bytes, uint64_t buffer_offset, uint32_t buffer_stride, uint32_t row_bytes,
                          uint32_t rows) {
  if (rows == 0 || row_bytes == 0) return 0;
  if (!buffer) return -EFAULT;
  struct mr_object *memory = mr_handle_use(handle, MR_KIND_MEMORY);
  if (!memory) return -EBADF;
  int32_t error = rows_fit(memory, offset, stride, buffer_bytes, buffer_offset, buffer_stride, row_bytes, rows, true);
  if (error == 0) copy_rows(memory->bytes + offset, stride, buffer + buffer_offset, buffer_stride, row_bytes, rows);
  mr_handle_done(handle);
  return error;
}
