/*
 * Residuals: the inverse transforms, added to the prediction. ITU-T H.264, 8.5.12 and 8.5.13. What a damaged stream makes
 * overflow does so where it does in FFmpeg's C: what is kept between the two passes has 16 bits, all else 32.
 */
#include "kernels.h"
#include "simd.h"

#include <string.h>

/* Words of 32 bits cut down to 16, in the lower half and in the upper half. */
INLINE v128_t cut(v128_t low, v128_t high) { return wasm_i16x8_shuffle(low, high, 0, 2, 4, 6, 8, 10, 12, 14); }

INLINE v128_t longs_low(v128_t words) { return wasm_i32x4_extend_low_i16x8(words); }
INLINE v128_t longs_high(v128_t words) { return wasm_i32x4_extend_high_i16x8(words); }

INLINE void add_4x4(uint8_t *to, int16_t *block, ptrdiff_t stride) {
  /* Each vector has two rows, in the order of its name. */
  const v128_t b01 = wasm_i16x8_add(wasm_v128_load(block), wasm_i16x8_const(32, 0, 0, 0, 0, 0, 0, 0));
  const v128_t b23 = wasm_v128_load(block + 8);
  const v128_t z01 = join_low(wasm_i16x8_add(b01, b23), wasm_i16x8_sub(b01, b23));
  const v128_t z32 = join_high(wasm_i16x8_add(b01, wasm_i16x8_shr(b23, 1)), wasm_i16x8_sub(wasm_i16x8_shr(b01, 1), b23));
  const v128_t r01 = wasm_i16x8_add(z01, z32), r32 = wasm_i16x8_sub(z01, z32);
  /* Columns become lanes. */
  const v128_t r13 = zip_words_low(wasm_i64x2_shuffle(r01, r01, 1, 0), r32);
  const v128_t r02 = zip_words_low(r01, wasm_i64x2_shuffle(r32, r32, 1, 0));
  const v128_t c01 = zip_words_low(r02, r13), c23 = zip_words_high(r02, r13);
  const v128_t c0 = longs_low(c01), c1 = longs_high(c01), c2 = longs_low(c23), c3 = longs_high(c23);
  const v128_t y0 = wasm_i32x4_add(c0, c2), y1 = wasm_i32x4_sub(c0, c2);
  const v128_t y2 = wasm_i32x4_sub(wasm_i32x4_shr(c1, 1), c3), y3 = wasm_i32x4_add(c1, wasm_i32x4_shr(c3, 1));
  const v128_t s0 = wasm_i32x4_shr(wasm_i32x4_add(y0, y3), 6), s1 = wasm_i32x4_shr(wasm_i32x4_add(y1, y2), 6);
  const v128_t s2 = wasm_i32x4_shr(wasm_i32x4_sub(y1, y2), 6), s3 = wasm_i32x4_shr(wasm_i32x4_sub(y0, y3), 6);
  v128_t bytes = wasm_v128_load32_zero(to);
  bytes = wasm_v128_load32_lane(to + stride, bytes, 1);
  bytes = wasm_v128_load32_lane(to + 2 * stride, bytes, 2);
  bytes = wasm_v128_load32_lane(to + 3 * stride, bytes, 3);
  const v128_t first = wasm_i16x8_add_sat(wasm_i16x8_narrow_i32x4(s0, s1), wasm_u16x8_extend_low_u8x16(bytes));
  const v128_t second = wasm_i16x8_add_sat(wasm_i16x8_narrow_i32x4(s2, s3), wasm_u16x8_extend_high_u8x16(bytes));
  bytes = wasm_u8x16_narrow_i16x8(first, second);
  wasm_v128_store32_lane(to, bytes, 0);
  wasm_v128_store32_lane(to + stride, bytes, 1);
  wasm_v128_store32_lane(to + 2 * stride, bytes, 2);
  wasm_v128_store32_lane(to + 3 * stride, bytes, 3);
  wasm_v128_store(block, wasm_i64x2_const(0, 0));
  wasm_v128_store(block + 8, wasm_i64x2_const(0, 0));
}

/* One dimension of eight, four columns at once. */
INLINE void eight(v128_t v[8]) {
  const v128_t a0 = wasm_i32x4_add(v[0], v[4]), a2 = wasm_i32x4_sub(v[0], v[4]);
  const v128_t a4 = wasm_i32x4_sub(wasm_i32x4_shr(v[2], 1), v[6]), a6 = wasm_i32x4_add(wasm_i32x4_shr(v[6], 1), v[2]);
  const v128_t b0 = wasm_i32x4_add(a0, a6), b2 = wasm_i32x4_add(a2, a4);
  const v128_t b4 = wasm_i32x4_sub(a2, a4), b6 = wasm_i32x4_sub(a0, a6);
  const v128_t a1 = wasm_i32x4_sub(wasm_i32x4_sub(wasm_i32x4_sub(v[5], v[3]), v[7]), wasm_i32x4_shr(v[7], 1));
  const v128_t a3 = wasm_i32x4_sub(wasm_i32x4_sub(wasm_i32x4_add(v[1], v[7]), v[3]), wasm_i32x4_shr(v[3], 1));
  const v128_t a5 = wasm_i32x4_add(wasm_i32x4_add(wasm_i32x4_sub(v[7], v[1]), v[5]), wasm_i32x4_shr(v[5], 1));
  const v128_t a7 = wasm_i32x4_add(wasm_i32x4_add(wasm_i32x4_add(v[3], v[5]), v[1]), wasm_i32x4_shr(v[1], 1));
  const v128_t b1 = wasm_i32x4_add(wasm_i32x4_shr(a7, 2), a1), b3 = wasm_i32x4_add(a3, wasm_i32x4_shr(a5, 2));
  const v128_t b5 = wasm_i32x4_sub(wasm_i32x4_shr(a3, 2), a5), b7 = wasm_i32x4_sub(a7, wasm_i32x4_shr(a1, 2));
  v[0] = wasm_i32x4_add(b0, b7), v[7] = wasm_i32x4_sub(b0, b7);
  v[1] = wasm_i32x4_add(b2, b5), v[6] = wasm_i32x4_sub(b2, b5);
  v[2] = wasm_i32x4_add(b4, b3), v[5] = wasm_i32x4_sub(b4, b3);
  v[3] = wasm_i32x4_add(b6, b1), v[4] = wasm_i32x4_sub(b6, b1);
}

INLINE void add_8x8(uint8_t *to, int16_t *block, ptrdiff_t stride) {
  v128_t row[8], left[8], right[8];
  for (int i = 0; i < 8; i++) row[i] = wasm_v128_load(block + 8 * i);
  row[0] = wasm_i16x8_add(row[0], wasm_i16x8_const(32, 0, 0, 0, 0, 0, 0, 0));
  for (int i = 0; i < 8; i++) left[i] = longs_low(row[i]), right[i] = longs_high(row[i]);
  eight(left);
  eight(right);
  for (int i = 0; i < 8; i++) row[i] = cut(left[i], right[i]);
  transpose_8x8(row);
  for (int i = 0; i < 8; i++) left[i] = longs_low(row[i]), right[i] = longs_high(row[i]);
  eight(left);
  eight(right);
  for (int i = 0; i < 8; i++, to += stride) {
    const v128_t words = wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(left[i], 6), wasm_i32x4_shr(right[i], 6));
    wasm_v128_store64_lane(to, clip_words(wasm_i16x8_add_sat(words, wasm_u16x8_load8x8(to))), 0);
    wasm_v128_store(block + 8 * i, wasm_i64x2_const(0, 0));
  }
}

/* A block of one value alone. */
INLINE void add_even(uint8_t *to, int16_t *block, ptrdiff_t stride, int size) {
  const v128_t value = wasm_i16x8_splat((int16_t)((block[0] + 32) >> 6));
  block[0] = 0;
  for (int i = 0; i < size; i++, to += stride)
    store_bytes(to, clip_words(wasm_i16x8_add(load_words(to, size), value)), size);
}

static void kernel_4x4(uint8_t *to, int16_t *block, int stride) { add_4x4(to, block, stride); }
static void kernel_8x8(uint8_t *to, int16_t *block, int stride) { add_8x8(to, block, stride); }
static void kernel_4x4_even(uint8_t *to, int16_t *block, int stride) { add_even(to, block, stride, 4); }
static void kernel_8x8_even(uint8_t *to, int16_t *block, int stride) { add_even(to, block, stride, 8); }

/* Where the count of coefficients of a block lies in a table with 8 columns: 4x4 blocks in their order, plane by plane. */
INLINE int place(int plane, int block) {
  const int x = (block & 1) + ((block & 4) >> 1), y = ((block & 2) >> 1) + ((block & 8) >> 2);
  return 4 + x + 8 * (1 + y + 5 * plane);
}

static void kernel_16(uint8_t *to, const int *offsets, int16_t *blocks, int stride, const uint8_t counts[5 * 8]) {
  for (int i = 0; i < 16; i++, blocks += 16) {
    const int count = counts[place(0, i)];
    if (count == 0) continue;
    if (count == 1 && blocks[0]) kernel_4x4_even(to + offsets[i], blocks, stride);
    else kernel_4x4(to + offsets[i], blocks, stride);
  }
}

static void kernel_16_intra(uint8_t *to, const int *offsets, int16_t *blocks, int stride,
                            const uint8_t counts[5 * 8]) {
  for (int i = 0; i < 16; i++, blocks += 16) {
    if (counts[place(0, i)]) kernel_4x4(to + offsets[i], blocks, stride);
    else if (blocks[0]) kernel_4x4_even(to + offsets[i], blocks, stride);
  }
}

static void kernel_8x8_4(uint8_t *to, const int *offsets, int16_t *blocks, int stride, const uint8_t counts[5 * 8]) {
  for (int i = 0; i < 16; i += 4, blocks += 64) {
    const int count = counts[place(0, i)];
    if (count == 0) continue;
    if (count == 1 && blocks[0]) kernel_8x8_even(to + offsets[i], blocks, stride);
    else kernel_8x8(to + offsets[i], blocks, stride);
  }
}

/* The chroma of 4:2:0: four blocks of either plane. */
static void kernel_chroma(uint8_t **to, const int *offsets, int16_t *blocks, int stride,
                          const uint8_t counts[15 * 8]) {
  for (int plane = 1; plane < 3; plane++)
    for (int i = 0; i < 4; i++) {
      int16_t *block = blocks + 16 * (16 * plane + i);
      uint8_t *at = to[plane - 1] + offsets[16 * plane + i];
      if (counts[place(plane, i)]) kernel_4x4(at, block, stride);
      else if (block[0]) kernel_4x4_even(at, block, stride);
    }
}

void mr_h264_idct_kernels(H264DSPContext *table, int chroma_format) {
  table->h264_idct_add = kernel_4x4;
  table->h264_idct8_add = kernel_8x8;
  table->h264_idct_dc_add = kernel_4x4_even;
  table->h264_idct8_dc_add = kernel_8x8_even;
  table->h264_idct_add16 = kernel_16;
  table->h264_idct_add16intra = kernel_16_intra;
  table->h264_idct8_add4 = kernel_8x8_4;
  if (chroma_format <= 1) table->h264_idct_add8 = kernel_chroma;
}
