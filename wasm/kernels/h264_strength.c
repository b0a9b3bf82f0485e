/*
 * How strongly the edges within an inter macroblock, and those at its left and above, are to be deblocked. ITU-T H.264,
 * 8.7.2.1. FFmpeg has no such function in C: with one, it takes its short way through a macroblock.
 *
 * What it is given are caches of eight columns, in which block (x, y) is entry 12 + x + 8 * y.
 */
#include "kernels.h"
#include "simd.h"

enum { FIRST = 12, COLUMNS = 8, LEFT = -1, ABOVE = -COLUMNS };

/* Four bytes as as many masks: which of them are not 0. */
INLINE v128_t masks_of(v128_t bytes) {
  const v128_t set = wasm_i8x16_ne(bytes, wasm_i8x16_const_splat(0));
  return wasm_i32x4_extend_low_i16x8(wasm_i16x8_extend_low_i8x16(set));
}

/* Which of four vectors are more than `limit` from four others, in either direction. */
INLINE v128_t far_apart(const int16_t *a, const int16_t *b, v128_t limit) {
  const v128_t first = wasm_v128_load(a), second = wasm_v128_load(b);
  const v128_t apart = wasm_i16x8_max(wasm_i16x8_sub_sat(first, second), wasm_i16x8_sub_sat(second, first));
  return wasm_i32x4_ne(wasm_i16x8_gt(apart, limit), wasm_i32x4_const_splat(0));
}

INLINE v128_t other(const int8_t *a, const int8_t *b) {
  return masks_of(wasm_v128_xor(wasm_v128_load32_zero(a), wasm_v128_load32_zero(b)));
}

/* Which of four blocks in a row, the first of them at `at`, have other motion than those `step` entries away. */
INLINE v128_t moved(int8_t references[2][40], int16_t vectors[2][40][2], int at, int step, int lists, v128_t limit) {
  const int8_t *r0 = references[0] + at, *r1 = references[1] + at;
  const int16_t *v0 = vectors[0][at], *v1 = vectors[1][at], *n0 = vectors[0][at + step], *n1 = vectors[1][at + step];
  v128_t straight = wasm_v128_or(other(r0, r0 + step), far_apart(v0, n0, limit));
  if (lists == 1) return straight;
  straight = wasm_v128_or(straight, wasm_v128_or(other(r1, r1 + step), far_apart(v1, n1, limit)));
  if (!wasm_v128_any_true(straight)) return straight;
  /* The same pictures may be in the lists the other way round. */
  const v128_t crossed = wasm_v128_or(wasm_v128_or(other(r0, r1 + step), other(r1, r0 + step)),
                                      wasm_v128_or(far_apart(v0, n1, limit), far_apart(v1, n0, limit)));
  return wasm_v128_and(straight, crossed);
}

/* 2 where either side has coefficients, 1 where the motion differs. */
INLINE v128_t strength(const uint8_t *counts, int step, v128_t moved) {
  const v128_t coded = masks_of(wasm_v128_or(wasm_v128_load32_zero(counts), wasm_v128_load32_zero(counts + step)));
  const v128_t one = wasm_v128_and(moved, wasm_i32x4_const_splat(1));
  return wasm_v128_bitselect(wasm_i32x4_const_splat(2), one, coded);
}

/* `same_columns`: the rows do not differ, here and at the left; `same_rows`: a row whose number has one of these bits does not
 * differ from that above. */
INLINE void strengths(int16_t to[2][4][4], const uint8_t counts[40], int8_t references[2][40],
                      int16_t vectors[2][40][2], int lists, int edges, int step, int same_columns, int same_rows,
                      int field) {
  const v128_t limit = wasm_i32x4_splat(3 | (field ? 1 : 3) << 16);
  for (int y = 0; y < edges; y += step) {
    const int at = FIRST + y * COLUMNS;
    const v128_t differ =
        y & same_rows ? wasm_i32x4_const_splat(0) : moved(references, vectors, at, ABOVE, lists, limit);
    const v128_t row = strength(counts + at, ABOVE, differ);
    wasm_v128_store64_lane(to[1][y], wasm_i16x8_narrow_i32x4(row, row), 0);
  }
  v128_t rows[4], differ = moved(references, vectors, FIRST, LEFT, lists, limit);
  rows[0] = strength(counts + FIRST, LEFT, differ);
  for (int y = 1; y < 4; y++) {
    const int at = FIRST + y * COLUMNS;
    if (!same_columns) differ = moved(references, vectors, at, LEFT, lists, limit);
    rows[y] = strength(counts + at, LEFT, differ);
  }
  /* These were found row by row, and are wanted edge by edge. */
  const v128_t first = wasm_i16x8_narrow_i32x4(rows[0], rows[1]), second = wasm_i16x8_narrow_i32x4(rows[2], rows[3]);
  const v128_t even = zip_words_low(first, second), odd = zip_words_high(first, second);
  wasm_v128_store(to[0][0], zip_words_low(even, odd));
  wasm_v128_store(to[0][2], zip_words_high(even, odd));
}

static void kernel(int16_t to[2][4][4], uint8_t counts[40], int8_t references[2][40], int16_t vectors[2][40][2],
                   int two_lists, int edges, int step, int same_columns, int same_rows, int field) {
  if (two_lists) strengths(to, counts, references, vectors, 2, edges, step, same_columns, same_rows, field);
  else strengths(to, counts, references, vectors, 1, edges, step, same_columns, same_rows, field);
}

void mr_h264_strength_kernel(H264DSPContext *table, int chroma_format) {
  if (chroma_format <= 1) table->h264_loop_filter_strength = kernel;
}
