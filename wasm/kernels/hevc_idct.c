/*
 * Residuals: the inverse transforms, and what adds them to the prediction. ITU-T H.265, 8.6.4. Both passes go over columns:
 * each leaves its result turned, so that the second one finds rows as columns, and turns them back.
 */
#include "kernels.h"
#include "simd.h"

enum { LARGEST = 32 };

/* Eight columns as two vectors of sums. */
struct sums {
  v128_t low, high;
};

INLINE v128_t scaled(v128_t sum, int shift) {
  return wasm_i32x4_shr(wasm_i32x4_add(sum, wasm_i32x4_splat(1 << (shift - 1))), shift);
}
INLINE v128_t words_of(struct sums sums, int shift) {
  return wasm_i16x8_narrow_i32x4(scaled(sums.low, shift), scaled(sums.high, shift));
}

INLINE v128_t dot(v128_t a, v128_t b) { return wasm_i32x4_dot_i16x8(a, b); }

/*
 * The factors of the odd rows of a transform of 8, 16 and 32, by pairs: of output i of rows 1 and 3, of rows 5 and 7 ...
 * Each of the matrix is one of 31 values, by its angle in sixty-fourths of half a turn.
 */
static int32_t factors_8[4][2], factors_16[8][4], factors_32[16][8];

static int factor(int angle) {
  static const int8_t values[33] = {64, 90, 90, 90, 89, 88, 87, 85, 83, 82, 80, 78, 75, 73, 70, 67, 64,
                                    61, 57, 54, 50, 46, 43, 38, 36, 31, 25, 22, 18, 13, 9,  4,  0};
  angle %= 128;
  if (angle > 64) angle = 128 - angle;
  return angle > 32 ? -values[64 - angle] : values[angle];
}

static void fill_factors(int32_t *to, int size) {
  for (int i = 0; i < size / 2; i++)
    for (int k = 0; k < size / 4; k++, to++) {
      const int step = (2 * i + 1) * (LARGEST / size);
      *to = (int32_t)((uint32_t)(uint16_t)factor((4 * k + 1) * step) |
                      (uint32_t)(uint16_t)factor((4 * k + 3) * step) << 16);
    }
}

/*
 * Doubles the number of outputs, from `half` to twice as many, by the odd multiples of a row. Rows from `rows` on are
 * zero.
 */
INLINE void widen(struct sums *outputs, int half, const int32_t *factors, const int16_t *from, int step, int stride,
                  int rows) {
  v128_t low[LARGEST / 4], high[LARGEST / 4];
  const int pairs = half / 2;
  int used = 0;
  for (; used < pairs && (4 * used + 1) * step < rows; used++) {
    const v128_t a = wasm_v128_load(from + (4 * used + 1) * step * stride);
    const v128_t b = wasm_v128_load(from + (4 * used + 3) * step * stride);
    low[used] = zip_words_low(a, b), high[used] = zip_words_high(a, b);
  }
  for (int i = 0; i < half; i++, factors += pairs) {
    struct sums odd = {wasm_i32x4_const_splat(0), wasm_i32x4_const_splat(0)};
    for (int k = 0; k < used; k++) {
      const v128_t pair = wasm_v128_load32_splat(factors + k);
      odd.low = wasm_i32x4_add(odd.low, dot(low[k], pair));
      odd.high = wasm_i32x4_add(odd.high, dot(high[k], pair));
    }
    const struct sums even = outputs[i];
    outputs[i] = (struct sums){wasm_i32x4_add(even.low, odd.low), wasm_i32x4_add(even.high, odd.high)};
    outputs[2 * half - 1 - i] = (struct sums){wasm_i32x4_sub(even.low, odd.low), wasm_i32x4_sub(even.high, odd.high)};
  }
}

/* `columns` of `size`, of which the first `rows` rows are not zero, into as many rows. */
INLINE void pass(int16_t *to, const int16_t *from, int size, int columns, int rows, int shift) {
  const int quarter = size / 4 * size;
  for (int x = 0; x < columns; x += 8, from += 8, to += 8 * size) {
    struct sums outputs[LARGEST];
    const v128_t r0 = wasm_v128_load(from), r1 = wasm_v128_load(from + quarter);
    const v128_t r2 = wasm_v128_load(from + 2 * quarter), r3 = wasm_v128_load(from + 3 * quarter);
    const v128_t even_low = zip_words_low(r0, r2), even_high = zip_words_high(r0, r2);
    const v128_t odd_low = zip_words_low(r1, r3), odd_high = zip_words_high(r1, r3);
    outputs[0] = (struct sums){dot(even_low, pair_of(64, 64)), dot(even_high, pair_of(64, 64))};
    outputs[1] = (struct sums){dot(even_low, pair_of(64, -64)), dot(even_high, pair_of(64, -64))};
    const struct sums first = {dot(odd_low, pair_of(83, 36)), dot(odd_high, pair_of(83, 36))};
    const struct sums second = {dot(odd_low, pair_of(36, -83)), dot(odd_high, pair_of(36, -83))};
    outputs[2] = (struct sums){wasm_i32x4_sub(outputs[1].low, second.low), wasm_i32x4_sub(outputs[1].high, second.high)};
    outputs[3] = (struct sums){wasm_i32x4_sub(outputs[0].low, first.low), wasm_i32x4_sub(outputs[0].high, first.high)};
    outputs[0] = (struct sums){wasm_i32x4_add(outputs[0].low, first.low), wasm_i32x4_add(outputs[0].high, first.high)};
    outputs[1] = (struct sums){wasm_i32x4_add(outputs[1].low, second.low), wasm_i32x4_add(outputs[1].high, second.high)};
    widen(outputs, 4, factors_8[0], from, size / 8, size, rows);
    if (size >= 16) widen(outputs, 8, factors_16[0], from, size / 16, size, rows);
    if (size >= 32) widen(outputs, 16, factors_32[0], from, size / 32, size, rows);
    for (int i = 0; i < size; i += 8) {
      v128_t row[8];
      for (int j = 0; j < 8; j++) row[j] = words_of(outputs[i + j], shift);
      transpose_8x8(row);
      for (int j = 0; j < 8; j++) wasm_v128_store(to + j * size + i, row[j]);
    }
  }
}

/* `limit`: coefficients from there on are zero in every row, and in every column from four later on. */
INLINE void transform(int16_t *block, int size, int limit, int depth) {
  _Alignas(16) int16_t between[LARGEST * LARGEST];
  const int columns = limit < size ? (limit + 7) & ~7 : size;
  pass(between, block, size, columns, limit + 4 < size ? limit + 4 : size, 7);
  /* Of the rows that are zero, the second pass reads none but these. */
  const int step = size / 8;
  for (int i = (columns + step - 1) / step * step; i < size; i += step)
    for (int j = 0; j < size; j += 8) wasm_v128_store(between + i * size + j, wasm_i64x2_const(0, 0));
  pass(block, between, size, size, columns, 20 - depth);
}

/* Four columns, and the four outputs of each of them as its row. */
INLINE void turn_4x4(v128_t row[4], int shift, int16_t *to) {
  const v128_t r01 = wasm_i16x8_narrow_i32x4(scaled(row[0], shift), scaled(row[1], shift));
  const v128_t r23 = wasm_i16x8_narrow_i32x4(scaled(row[2], shift), scaled(row[3], shift));
  const v128_t even = zip_words_low(r01, r23), odd = zip_words_high(r01, r23);
  wasm_v128_store(to, zip_words_low(even, odd));
  wasm_v128_store(to + 8, zip_words_high(even, odd));
}

INLINE void pass_4x4(int16_t *block, int shift) {
  const v128_t r01 = wasm_v128_load(block), r23 = wasm_v128_load(block + 8);
  const v128_t even = zip_words_low(r01, r23), odd = zip_words_high(r01, r23);
  const v128_t e0 = dot(even, pair_of(64, 64)), e1 = dot(even, pair_of(64, -64));
  const v128_t o0 = dot(odd, pair_of(83, 36)), o1 = dot(odd, pair_of(36, -83));
  v128_t row[4] = {wasm_i32x4_add(e0, o0), wasm_i32x4_add(e1, o1), wasm_i32x4_sub(e1, o1), wasm_i32x4_sub(e0, o0)};
  turn_4x4(row, shift, block);
}

/* The transform of intra luma blocks of four. */
INLINE void pass_4x4_luma(int16_t *block, int shift) {
  const v128_t r01 = wasm_v128_load(block), r23 = wasm_v128_load(block + 8);
  const v128_t even = zip_words_low(r01, r23), odd = zip_words_high(r01, r23);
  v128_t row[4] = {wasm_i32x4_add(dot(even, pair_of(29, 84)), dot(odd, pair_of(74, 55))),
                   wasm_i32x4_add(dot(even, pair_of(55, -29)), dot(odd, pair_of(74, -84))),
                   wasm_i32x4_add(dot(even, pair_of(74, -74)), dot(odd, pair_of(0, 74))),
                   wasm_i32x4_add(dot(even, pair_of(84, 55)), dot(odd, pair_of(-74, -29)))};
  turn_4x4(row, shift, block);
}

/* A block of one value alone. */
INLINE void even(int16_t *block, int size, int depth) {
  const int shift = 14 - depth;
  const v128_t value = wasm_i16x8_splat((int16_t)((((block[0] + 1) >> 1) + (1 << (shift - 1))) >> shift));
  for (int i = 0; i < size * size; i += 8) wasm_v128_store(block + i, value);
}

INLINE void add(uint8_t *to, const int16_t *block, ptrdiff_t stride, int size, int depth) {
  const int width = size == 4 ? 4 : 8;
  for (int y = 0; y < size; y++, to += stride)
    for (int x = 0; x < size; x += width, block += width) {
      const v128_t change = width == 4 ? wasm_v128_load64_zero(block) : wasm_v128_load(block);
      if (depth == 8) {
        store_bytes(to + x, clip_words(wasm_i16x8_add_sat(load_words(to + x, width), change)), width);
        continue;
      }
      uint8_t *at = to + 2 * x;
      const v128_t before = width == 4 ? wasm_v128_load64_zero(at) : wasm_v128_load(at);
      const v128_t after = clip_to_depth(wasm_i16x8_add_sat(before, change), depth);
      if (width == 4) wasm_v128_store64_lane(at, after, 0);
      else wasm_v128_store(at, after);
    }
}

#define SIZE(size, depth)                                                                                    \
  static void even_##size##_##depth(int16_t *block) { even(block, size, depth); }                            \
  static void add_##size##_##depth(uint8_t *to, int16_t *block, ptrdiff_t stride) {                          \
    add(to, block, stride, size, depth);                                                                     \
  }
#define LARGE(size, depth)                                                                                   \
  SIZE(size, depth)                                                                                          \
  static void transform_##size##_##depth(int16_t *block, int limit) { transform(block, size, limit, depth); }

#define KERNELS(depth)                                             \
  SIZE(4, depth)                                                   \
  LARGE(8, depth)                                                  \
  LARGE(16, depth)                                                 \
  LARGE(32, depth)                                                 \
  static void transform_4_##depth(int16_t *block, int limit) {     \
    (void)limit;                                                   \
    pass_4x4(block, 7);                                            \
    pass_4x4(block, 20 - depth);                                   \
  }                                                                \
  static void transform_luma_##depth(int16_t *block) {             \
    pass_4x4_luma(block, 7);                                       \
    pass_4x4_luma(block, 20 - depth);                              \
  }                                                                \
  static void fill_##depth(HEVCDSPContext *table) {                \
    table->transform_4x4_luma = transform_luma_##depth;            \
    table->idct[0] = transform_4_##depth;                          \
    table->idct[1] = transform_8_##depth;                          \
    table->idct[2] = transform_16_##depth;                         \
    table->idct[3] = transform_32_##depth;                         \
    table->idct_dc[0] = even_4_##depth;                            \
    table->idct_dc[1] = even_8_##depth;                            \
    table->idct_dc[2] = even_16_##depth;                           \
    table->idct_dc[3] = even_32_##depth;                           \
    table->add_residual[0] = add_4_##depth;                        \
    table->add_residual[1] = add_8_##depth;                        \
    table->add_residual[2] = add_16_##depth;                       \
    table->add_residual[3] = add_32_##depth;                       \
  }
KERNELS(8)
KERNELS(10)

void mr_hevc_idct_kernels(HEVCDSPContext *table, int depth) {
  fill_factors(factors_8[0], 8);
  fill_factors(factors_16[0], 16);
  fill_factors(factors_32[0], 32);
  if (depth == 8) fill_8(table);
  else if (depth == 10) fill_10(table);
}
