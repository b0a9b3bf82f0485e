/*
 * Intra prediction: from the samples above a block and to its right, and from those left of it and below. ITU-T H.265,
 * 8.4.4.2.4 to 8.4.4.2.6. Strides are in samples.
 */
#include "kernels.h"
#include "simd.h"

#include <string.h>

enum { LARGEST = 32 };

INLINE int bytes_of(int depth) { return depth > 8 ? 2 : 1; }

INLINE int sample_at(const uint8_t *samples, int i, int depth) {
  return depth == 8 ? samples[i] : ((const uint16_t *)samples)[i];
}
INLINE void set_sample(uint8_t *samples, ptrdiff_t i, int value, int depth) {
  if (depth == 8) samples[i] = (uint8_t)value;
  else ((uint16_t *)samples)[i] = (uint16_t)value;
}
INLINE int clip_sample(int value, int depth) {
  const int most = (1 << depth) - 1;
  return value < 0 ? 0 : value > most ? most : value;
}

/* Four or eight samples. */
INLINE v128_t load_row(const uint8_t *from, int count, int depth) {
  if (depth == 8) return load_words(from, count);
  return count == 4 ? wasm_v128_load64_zero(from) : wasm_v128_load(from);
}
INLINE void store_row(uint8_t *to, v128_t words, int count, int depth) {
  if (depth == 8) store_bytes(to, clip_words(words), count);
  else if (count == 4) wasm_v128_store64_lane(to, words, 0);
  else wasm_v128_store(to, words);
}

INLINE void planar(uint8_t *to, const uint8_t *top, const uint8_t *left, ptrdiff_t stride, int log2_size, int depth) {
  const int size = 1 << log2_size, width = size == 4 ? 4 : 8, bytes = bytes_of(depth);
  const int right = sample_at(top, size, depth), bottom = sample_at(left, size, depth);
  const v128_t steps = wasm_i16x8_const(0, 1, 2, 3, 4, 5, 6, 7);
  for (int x = 0; x < size; x += width) {
    const v128_t at = wasm_i16x8_add(steps, wasm_i16x8_splat((int16_t)x));
    const v128_t above = load_row(top + x * bytes, width, depth);
    const v128_t from_left = wasm_i16x8_sub(wasm_i16x8_splat((int16_t)(size - 1)), at);
    /* The part of the first row, and what each row adds to it: they need all 16 bits, without a sign. */
    v128_t sum = wasm_i16x8_mul(wasm_i16x8_add(at, wasm_i16x8_const_splat(1)), wasm_i16x8_splat((int16_t)right));
    sum = wasm_i16x8_add(sum, wasm_i16x8_mul(above, wasm_i16x8_splat((int16_t)(size - 1))));
    sum = wasm_i16x8_add(sum, wasm_i16x8_splat((int16_t)(bottom + size)));
    const v128_t change = wasm_i16x8_sub(wasm_i16x8_splat((int16_t)bottom), above);
    uint8_t *row = to + x * bytes;
    for (int y = 0; y < size; y++, row += stride * bytes) {
      const v128_t beside = wasm_i16x8_splat((int16_t)sample_at(left, y, depth));
      const v128_t all = wasm_i16x8_add(sum, wasm_i16x8_mul(from_left, beside));
      store_row(row, wasm_u16x8_shr(all, log2_size + 1), width, depth);
      sum = wasm_i16x8_add(sum, change);
    }
  }
}

INLINE void fill_block(uint8_t *to, ptrdiff_t stride, int size, int value, int depth) {
  const int bytes = bytes_of(depth), row_bytes = size * bytes;
  const v128_t all = depth == 8 ? wasm_i8x16_splat((int8_t)value) : wasm_i16x8_splat((int16_t)value);
  for (int y = 0; y < size; y++, to += stride * bytes) {
    if (row_bytes == 4) wasm_v128_store32_lane(to, all, 0);
    else if (row_bytes == 8) wasm_v128_store64_lane(to, all, 0);
    else
      for (int x = 0; x < row_bytes; x += 16) wasm_v128_store(to + x, all);
  }
}

INLINE void mean(uint8_t *to, const uint8_t *top, const uint8_t *left, ptrdiff_t stride, int log2_size, int smooth,
                 int depth) {
  const int size = 1 << log2_size, width = size == 4 ? 4 : 8, bytes = bytes_of(depth);
  v128_t sums = wasm_i32x4_const_splat(0);
  for (int x = 0; x < size; x += width) {
    const v128_t both = wasm_i16x8_add(load_row(top + x * bytes, width, depth), load_row(left + x * bytes, width, depth));
    sums = wasm_i32x4_add(sums, wasm_u32x4_extadd_pairwise_u16x8(both));
  }
  const int total = wasm_i32x4_extract_lane(sums, 0) + wasm_i32x4_extract_lane(sums, 1) +
                    wasm_i32x4_extract_lane(sums, 2) + wasm_i32x4_extract_lane(sums, 3);
  const int value = (total + size) >> (log2_size + 1);
  fill_block(to, stride, size, value, depth);
  if (!smooth || size == LARGEST) return;
  const v128_t more = wasm_i16x8_splat((int16_t)(3 * value + 2));
  for (int x = 0; x < size; x += width) {
    const v128_t row = wasm_i16x8_add(load_row(top + x * bytes, width, depth), more);
    store_row(to + x * bytes, wasm_u16x8_shr(row, 2), width, depth);
  }
  const int corner = sample_at(left, 0, depth) + 2 * value + sample_at(top, 0, depth) + 2;
  set_sample(to, 0, corner >> 2, depth);
  for (int y = 1; y < size; y++) set_sample(to, y * stride, (sample_at(left, y, depth) + 3 * value + 2) >> 2, depth);
}

/* A block of `size` rows, each of samples from `along`, shifted by `angle` thirty-seconds from row to row. */
INLINE void slide(uint8_t *to, ptrdiff_t stride, const uint8_t *along, int angle, int size, int depth) {
  const int width = size == 4 ? 4 : 8, bytes = bytes_of(depth);
  for (int y = 0, place = angle; y < size; y++, place += angle, to += stride * bytes) {
    const uint8_t *from = along + ((place >> 5) + 1) * bytes;
    const int part = place & 31;
    const v128_t near = wasm_i16x8_splat((int16_t)(32 - part)), far = wasm_i16x8_splat((int16_t)part);
    for (int x = 0; x < size; x += width, from += width * bytes) {
      v128_t words = load_row(from, width, depth);
      if (part) {
        words = wasm_i16x8_mul(words, near);
        words = wasm_i16x8_add(words, wasm_i16x8_mul(load_row(from + bytes, width, depth), far));
        words = wasm_u16x8_shr(wasm_i16x8_add(words, wasm_i16x8_const_splat(16)), 5);
      }
      store_row(to + x * bytes, words, width, depth);
    }
  }
}

/* Rows become columns. */
INLINE void turn(uint8_t *to, ptrdiff_t stride, const uint8_t *from, int size, int depth) {
  const int bytes = bytes_of(depth), width = size == 4 ? 4 : 8;
  for (int y = 0; y < size; y += width)
    for (int x = 0; x < size; x += width) {
      v128_t row[8];
      for (int i = 0; i < 8; i++)
        row[i] = i < width ? load_row(from + ((x + i) * size + y) * bytes, width, depth) : wasm_i64x2_const(0, 0);
      transpose_8x8(row);
      for (int i = 0; i < width; i++) store_row(to + ((y + i) * stride + x) * bytes, row[i], width, depth);
    }
}

INLINE void angular(uint8_t *to, const uint8_t *top, const uint8_t *left, ptrdiff_t stride, int smooth, int mode,
                    int size, int depth) {
  static const int8_t angles[33] = {32,  26,  21,  17, 13, 9,  5,  2,  0, -2, -5, -9, -13, -17, -21, -26, -32,
                                    -26, -21, -17, -13, -9, -5, -2, 0, 2, 5,  9,  13, 17,  21,  26,  32};
  static const int16_t inverse[15] = {-4096, -1638, -910, -630, -482, -390,  -315, -256,
                                      -315,  -390,  -482, -630, -910, -1638, -4096};
  const int bytes = bytes_of(depth), angle = angles[mode - 2], down = mode >= 18, last = (size * angle) >> 5;
  const uint8_t *main = down ? top : left, *side = down ? left : top, *along = main - bytes;
  /* Before it there is room for what the other side gives; past it, for what is read and not used. */
  _Alignas(16) uint8_t reference[(2 * LARGEST + 16) * 2], turned[LARGEST * LARGEST * 2];
  if (angle < 0 && last < -1) {
    uint8_t *start = reference + LARGEST * bytes;
    memcpy(start, main - bytes, (size + 1) * bytes);
    for (int i = last; i < 0; i++)
      set_sample(start, i, sample_at(side, -1 + ((i * inverse[mode - 11] + 128) >> 8), depth), depth);
    along = start;
  }
  if (down) {
    slide(to, stride, along, angle, size, depth);
  } else {
    slide(turned, size, along, angle, size, depth);
    turn(to, stride, turned, size, depth);
  }
  if (angle != 0 || !smooth || size == LARGEST) return;
  const int first = sample_at(main, 0, depth), corner = sample_at(side, -1, depth);
  for (int i = 0; i < size; i++) {
    const int value = clip_sample(first + ((sample_at(side, i, depth) - corner) >> 1), depth);
    set_sample(to, down ? i * stride : i, value, depth);
  }
}

#define SIZE(log2_size, depth)                                                                                         \
  static void planar_##log2_size##_##depth(uint8_t *to, const uint8_t *top, const uint8_t *left, ptrdiff_t stride) {   \
    planar(to, top, left, stride, log2_size, depth);                                                                   \
  }                                                                                                                    \
  static void angular_##log2_size##_##depth(uint8_t *to, const uint8_t *top, const uint8_t *left, ptrdiff_t stride,    \
                                            int plane, int mode) {                                                     \
    angular(to, top, left, stride, plane == 0, mode, 1 << log2_size, depth);                                           \
  }
#define KERNELS(depth)                                                                                                 \
  SIZE(2, depth)                                                                                                       \
  SIZE(3, depth)                                                                                                       \
  SIZE(4, depth)                                                                                                       \
  SIZE(5, depth)                                                                                                       \
  static void mean_##depth(uint8_t *to, const uint8_t *top, const uint8_t *left, ptrdiff_t stride, int log2_size,      \
                           int plane) {                                                                                \
    switch (log2_size) {                                                                                               \
      case 2: mean(to, top, left, stride, 2, plane == 0, depth); break;                                                \
      case 3: mean(to, top, left, stride, 3, plane == 0, depth); break;                                                \
      case 4: mean(to, top, left, stride, 4, plane == 0, depth); break;                                                \
      default: mean(to, top, left, stride, 5, plane == 0, depth);                                                      \
    }                                                                                                                  \
  }                                                                                                                    \
  static void fill_##depth(HEVCPredContext *table) {                                                                   \
    table->pred_planar[0] = planar_2_##depth, table->pred_angular[0] = angular_2_##depth;                              \
    table->pred_planar[1] = planar_3_##depth, table->pred_angular[1] = angular_3_##depth;                              \
    table->pred_planar[2] = planar_4_##depth, table->pred_angular[2] = angular_4_##depth;                              \
    table->pred_planar[3] = planar_5_##depth, table->pred_angular[3] = angular_5_##depth;                              \
    table->pred_dc = mean_##depth;                                                                                     \
  }
KERNELS(8)
KERNELS(10)

void mr_hevc_intra_kernels(HEVCPredContext *table, int depth) {
  if (depth == 8) fill_8(table);
  else if (depth == 10) fill_10(table);
}
