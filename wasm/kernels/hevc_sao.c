/*
 * Sample adaptive offset: a sample is raised or lowered by the band of values that it is in, or by how it compares with two
 * neighbours. ITU-T H.265, 8.7.3.
 */
#include "kernels.h"
#include "simd.h"

#include <libavcodec/defs.h>

/* Rows of the samples that the edge filter reads. */
enum { FROM_STRIDE = 2 * MAX_PB_SIZE + AV_INPUT_BUFFER_PADDING_SIZE };

/* Offsets by index, in a form for looking up sixteen at once. For bytes, what is added and what is taken away. */
struct offsets {
  v128_t up, down;
};

INLINE struct offsets offsets_of(const int16_t *values, int count, int depth) {
  _Alignas(16) int16_t table[8] = {0};
  for (int i = 0; i < count; i++) table[i] = values[i];
  const v128_t words = wasm_v128_load(table);
  if (depth > 8) return (struct offsets){words, words};
  const v128_t zero = wasm_i16x8_const_splat(0);
  return (struct offsets){wasm_u8x16_narrow_i16x8(words, zero),
                          wasm_u8x16_narrow_i16x8(wasm_i16x8_sub_sat(zero, words), zero)};
}

/* An index that is not in the table means an offset of 0. */
INLINE v128_t moved(v128_t samples, v128_t index, const struct offsets *offsets, int depth) {
  if (depth == 8) {
    const v128_t raised = wasm_u8x16_add_sat(samples, wasm_i8x16_swizzle(offsets->up, index));
    return wasm_u8x16_sub_sat(raised, wasm_i8x16_swizzle(offsets->down, index));
  }
  /* Both bytes of a word are looked up: those at 2 * index and 2 * index + 1. */
  const v128_t both = wasm_i16x8_add(wasm_i16x8_mul(index, wasm_i16x8_const_splat(0x202)), wasm_i16x8_const_splat(0x100));
  return clip_to_depth(wasm_i16x8_add_sat(samples, wasm_i8x16_swizzle(offsets->up, both)), depth);
}

/* The first `bytes` of a vector. */
INLINE void store_part(uint8_t *to, v128_t value, int bytes) {
  if (bytes >= 16) {
    wasm_v128_store(to, value);
    return;
  }
  if (bytes & 8) {
    wasm_v128_store64_lane(to, value, 0);
    value = join_high(value, value), to += 8;
  }
  if (bytes & 4) {
    wasm_v128_store32_lane(to, value, 0);
    value = wasm_u64x2_shr(value, 32), to += 4;
  }
  if (bytes & 2) {
    wasm_v128_store16_lane(to, value, 0);
    value = wasm_u64x2_shr(value, 16), to += 2;
  }
  if (bytes & 1) wasm_v128_store8_lane(to, value, 0);
}

INLINE void band(uint8_t *to, const uint8_t *from, ptrdiff_t to_stride, ptrdiff_t stride, const int16_t *values,
                 int first, int width, int rows, int depth) {
  const struct offsets offsets = offsets_of(values + 1, 4, depth);
  width *= depth > 8 ? 2 : 1;
  for (; rows > 0; rows--, from += stride, to += to_stride)
    for (int at = 0; at < width; at += 16) {
      const v128_t samples = wasm_v128_load(from + at);
      v128_t index;
      if (depth == 8) {
        index = wasm_i8x16_sub(wasm_u8x16_shr(samples, 3), wasm_i8x16_splat((int8_t)first));
        index = wasm_v128_and(index, wasm_i8x16_const_splat(31));
      } else {
        index = wasm_i16x8_sub(wasm_u16x8_shr(samples, depth - 5), wasm_i16x8_splat((int16_t)first));
        index = wasm_v128_and(index, wasm_i16x8_const_splat(31));
      }
      store_part(to + at, moved(samples, index, &offsets, depth), width - at);
    }
}

/* 1 where a is less than b, 0 where they are the same, -1 where it is more. */
INLINE v128_t order(v128_t a, v128_t b, int depth) {
  if (depth == 8) return wasm_i8x16_sub(wasm_u8x16_gt(a, b), wasm_u8x16_lt(a, b));
  return wasm_i16x8_sub(wasm_i16x8_gt(a, b), wasm_i16x8_lt(a, b));
}

INLINE void edge(uint8_t *to, const uint8_t *from, ptrdiff_t to_stride, const int16_t *values, int direction, int width,
                 int rows, int depth) {
  /* By how many neighbours are more, less how many are less, from -2: a peak, a corner, neither, a corner, a valley. */
  const int16_t by_order[5] = {values[4], values[3], values[0], values[2], values[1]};
  const struct offsets offsets = offsets_of(by_order, 5, depth);
  const int bytes = depth > 8 ? 2 : 1;
  const ptrdiff_t steps[4] = {-bytes, -FROM_STRIDE, -FROM_STRIDE - bytes, -FROM_STRIDE + bytes};
  const ptrdiff_t step = steps[direction];
  width *= bytes;
  for (; rows > 0; rows--, from += FROM_STRIDE, to += to_stride)
    for (int at = 0; at < width; at += 16) {
      const v128_t samples = wasm_v128_load(from + at);
      const v128_t first = order(samples, wasm_v128_load(from + at + step), depth);
      const v128_t second = order(samples, wasm_v128_load(from + at - step), depth);
      const v128_t index = depth == 8 ? wasm_i8x16_add(wasm_i8x16_add(first, second), wasm_i8x16_const_splat(2))
                                      : wasm_i16x8_add(wasm_i16x8_add(first, second), wasm_i16x8_const_splat(2));
      store_part(to + at, moved(samples, index, &offsets, depth), width - at);
    }
}

#define KERNELS(depth)                                                                                                 \
  static void band_##depth(uint8_t *to, uint8_t *from, ptrdiff_t to_stride, ptrdiff_t stride, int16_t *values,         \
                           int first, int width, int rows) {                                                           \
    band(to, from, to_stride, stride, values, first, width, rows, depth);                                              \
  }                                                                                                                    \
  static void edge_##depth(uint8_t *to, uint8_t *from, ptrdiff_t to_stride, int16_t *values, int direction, int width, \
                           int rows) {                                                                                 \
    edge(to, from, to_stride, values, direction, width, rows, depth);                                                  \
  }
KERNELS(8)
KERNELS(10)

void mr_hevc_sao_kernels(HEVCDSPContext *table, int depth) {
  for (int i = 0; i < 5; i++) {
    table->sao_band_filter[i] = depth == 8 ? band_8 : band_10;
    table->sao_edge_filter[i] = depth == 8 ? edge_8 : edge_10;
  }
}
