/*
 * What the kernels share: rows of samples to and from vectors. "Words" are eight 16-bit lanes; where a row has four
 * samples, the upper four lanes are nobody's.
 */
#ifndef MILLRACE_SIMD_H
#define MILLRACE_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <wasm_simd128.h>

#define INLINE static inline __attribute__((always_inline))

/* Four or eight samples, in the low bytes. */
INLINE v128_t load_bytes(const uint8_t *from, int count) {
  return count == 4 ? wasm_v128_load32_zero(from) : wasm_v128_load64_zero(from);
}

INLINE void store_bytes(uint8_t *to, v128_t bytes, int count) {
  if (count == 4) wasm_v128_store32_lane(to, bytes, 0);
  else wasm_v128_store64_lane(to, bytes, 0);
}

/* Four or eight samples as words. */
INLINE v128_t load_words(const uint8_t *from, int count) {
  return count == 4 ? wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(from)) : wasm_u16x8_load8x8(from);
}

/* Words as samples: what is below 0 becomes 0, what is above 255 becomes 255. */
INLINE v128_t clip_words(v128_t words) { return wasm_u8x16_narrow_i16x8(words, words); }

/* The bytes of two vectors by turns: of their lower and of their upper halves. */
INLINE v128_t zip_bytes_low(v128_t a, v128_t b) {
  return wasm_i8x16_shuffle(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
INLINE v128_t zip_bytes_high(v128_t a, v128_t b) {
  return wasm_i8x16_shuffle(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
INLINE v128_t zip_words_low(v128_t a, v128_t b) { return wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
INLINE v128_t zip_words_high(v128_t a, v128_t b) { return wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
INLINE v128_t zip_longs_low(v128_t a, v128_t b) { return wasm_i32x4_shuffle(a, b, 0, 4, 1, 5); }
INLINE v128_t zip_longs_high(v128_t a, v128_t b) { return wasm_i32x4_shuffle(a, b, 2, 6, 3, 7); }
INLINE v128_t join_low(v128_t a, v128_t b) { return wasm_i64x2_shuffle(a, b, 0, 2); }
INLINE v128_t join_high(v128_t a, v128_t b) { return wasm_i64x2_shuffle(a, b, 1, 3); }

/* Two factors, for a dot product with words by turns. */
INLINE v128_t pair_of(int a, int b) {
  return wasm_i32x4_splat((int32_t)((uint32_t)(uint16_t)a | (uint32_t)(uint16_t)b << 16));
}

/* Eight rows of eight words become columns. */
INLINE void transpose_8x8(v128_t row[8]) {
  v128_t a[8], b[8];
  for (int i = 0; i < 4; i++) {
    a[2 * i] = zip_words_low(row[i], row[i + 4]);
    a[2 * i + 1] = zip_words_high(row[i], row[i + 4]);
  }
  for (int i = 0; i < 4; i++) {
    b[2 * i] = zip_words_low(a[i], a[i + 4]);
    b[2 * i + 1] = zip_words_high(a[i], a[i + 4]);
  }
  for (int i = 0; i < 4; i++) {
    row[2 * i] = zip_words_low(b[i], b[i + 4]);
    row[2 * i + 1] = zip_words_high(b[i], b[i + 4]);
  }
}

/* Eight or fewer samples of 8 or 10 bits as words; as many as a vector holds are read. */
INLINE v128_t load_samples(const uint8_t *from, int depth) {
  return depth == 8 ? wasm_u16x8_load8x8(from) : wasm_v128_load(from);
}

/* Words within the range of samples of 10 bits, or whatever the depth is. */
INLINE v128_t clip_to_depth(v128_t words, int depth) {
  return wasm_i16x8_max(wasm_i16x8_min(words, wasm_i16x8_splat((int16_t)((1 << depth) - 1))),
                        wasm_i16x8_const_splat(0));
}

#endif
