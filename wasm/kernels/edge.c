/*
 * Blocks that motion takes from beyond a picture's edges: what is there are the samples at the edge, again and again. For
 * every codec.
 */
#include "kernels.h"
#include "simd.h"

INLINE int bounded(int value, int most) { return value < 0 ? 0 : value > most ? most : value; }

/* Exactly that many bytes; where they are no whole vectors, the last ones are written twice. */
INLINE void copy_row(uint8_t *to, const uint8_t *from, int bytes) {
  if (bytes >= 16) {
    for (int i = 0; i + 16 < bytes; i += 16) wasm_v128_store(to + i, wasm_v128_load(from + i));
    wasm_v128_store(to + bytes - 16, wasm_v128_load(from + bytes - 16));
  } else if (bytes >= 8) {
    const v128_t last = wasm_v128_load64_zero(from + bytes - 8);
    wasm_v128_store64_lane(to, wasm_v128_load64_zero(from), 0);
    wasm_v128_store64_lane(to + bytes - 8, last, 0);
  } else {
    for (int i = 0; i < bytes; i++) to[i] = from[i];
  }
}

INLINE void fill_row(uint8_t *to, v128_t all, int bytes) {
  if (bytes >= 16) {
    for (int i = 0; i + 16 < bytes; i += 16) wasm_v128_store(to + i, all);
    wasm_v128_store(to + bytes - 16, all);
  } else if (bytes >= 8) {
    wasm_v128_store64_lane(to, all, 0);
    wasm_v128_store64_lane(to + bytes - 8, all, 0);
  } else {
    for (; bytes >= 2; bytes -= 2, to += 2) wasm_v128_store16_lane(to, all, 0);
    if (bytes) wasm_v128_store8_lane(to, all, 0);
  }
}

INLINE v128_t repeated(const uint8_t *sample, int size) {
  return size == 1 ? wasm_v128_load8_splat(sample) : wasm_v128_load16_splat(sample);
}

/* `from` would be sample (x, y) of a picture of `width` times `height`; samples have `size` bytes. */
INLINE void extend(uint8_t *to, const uint8_t *from, ptrdiff_t to_stride, ptrdiff_t stride, int columns, int rows, int x,
                   int y, int width, int height, int size) {
  if (width <= 0 || height <= 0) return;
  const uint8_t *picture = from - (ptrdiff_t)x * size - (ptrdiff_t)y * stride;
  const int left = bounded(-x, columns), right = bounded(x + columns - width, columns), middle = columns - left - right;
  const uint8_t *first = picture + bounded(x, width - 1) * size, *last = picture + (width - 1) * size;
  for (int i = 0; i < rows; i++, to += to_stride) {
    const ptrdiff_t row = bounded(y + i, height - 1) * stride;
    fill_row(to, repeated(first + row, size), left * size);
    if (middle > 0) copy_row(to + left * size, first + row, middle * size);
    fill_row(to + (columns - right) * size, repeated(last + row, size), right * size);
  }
}

static void extend_bytes(uint8_t *to, const uint8_t *from, ptrdiff_t to_stride, ptrdiff_t stride, int columns, int rows,
                         int x, int y, int width, int height) {
  extend(to, from, to_stride, stride, columns, rows, x, y, width, height, 1);
}

static void extend_words(uint8_t *to, const uint8_t *from, ptrdiff_t to_stride, ptrdiff_t stride, int columns, int rows,
                         int x, int y, int width, int height) {
  extend(to, from, to_stride, stride, columns, rows, x, y, width, height, 2);
}

void mr_edge_kernels(VideoDSPContext *table, int depth) {
  table->emulated_edge_mc = depth <= 8 ? extend_bytes : extend_words;
}
