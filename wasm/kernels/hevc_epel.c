/* Chroma prediction between samples, in eighths. ITU-T H.265, 8.5.3.3.3.2. */
#include "hevc_inter.h"

enum { BEFORE = 1, TAPS = 4, MORE_ROWS = TAPS - 1 };

/* The filter's factors, one by one and by pairs. */
struct factors {
  v128_t at[TAPS], pairs[TAPS / 2];
};
INLINE struct factors factors_of(int fraction) {
  const int8_t *taps = ff_hevc_epel_filters[fraction - 1];
  struct factors factors;
  for (int i = 0; i < TAPS; i++) factors.at[i] = wasm_i16x8_splat(taps[i]);
  for (int i = 0; i < TAPS / 2; i++) factors.pairs[i] = pair_of(taps[2 * i], taps[2 * i + 1]);
  return factors;
}

/* The filter on samples of 8 bits: 16 bits are enough for its results. */
INLINE v128_t four_taps(const v128_t s[TAPS], const struct factors *factors) {
  const v128_t first = wasm_i16x8_add(wasm_i16x8_mul(s[0], factors->at[0]), wasm_i16x8_mul(s[1], factors->at[1]));
  const v128_t second = wasm_i16x8_add(wasm_i16x8_mul(s[2], factors->at[2]), wasm_i16x8_mul(s[3], factors->at[3]));
  return wasm_i16x8_add(first, second);
}

/* The same of words of any size, divided. */
INLINE v128_t four_taps_long(const v128_t s[TAPS], const struct factors *factors, int shift) {
  const v128_t low = wasm_i32x4_add(wasm_i32x4_dot_i16x8(zip_words_low(s[0], s[1]), factors->pairs[0]),
                                    wasm_i32x4_dot_i16x8(zip_words_low(s[2], s[3]), factors->pairs[1]));
  const v128_t high = wasm_i32x4_add(wasm_i32x4_dot_i16x8(zip_words_high(s[0], s[1]), factors->pairs[0]),
                                     wasm_i32x4_dot_i16x8(zip_words_high(s[2], s[3]), factors->pairs[1]));
  return wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(low, shift), wasm_i32x4_shr(high, shift));
}

INLINE v128_t taps_of(const v128_t s[TAPS], const struct factors *factors, int depth) {
  return depth == 8 ? four_taps(s, factors) : four_taps_long(s, factors, depth - 8);
}

/* Eight samples of a row, filtered across: 14 bits. */
INLINE v128_t across(const uint8_t *from, const struct factors *factors, int depth) {
  v128_t s[TAPS];
  for (int i = 0; i < TAPS; i++) s[i] = load_samples(from + (i - BEFORE) * (depth > 8 ? 2 : 1), depth);
  return taps_of(s, factors, depth);
}

INLINE void beside(const uint8_t *from, ptrdiff_t stride, int rows, int x, int y, int width, const struct goal *goal,
                   int kind, int depth) {
  const struct factors factors = factors_of(x);
  uint8_t *to = goal->to;
  const int16_t *other = goal->other;
  for (; rows > 0; rows--, from += stride, to += goal->stride, other += MAX_PB_SIZE)
    for (int at = 0; at < width; at += 8)
      finish(goal, to + at * size_of_result(kind, depth), other + at,
             across(from + at * (depth > 8 ? 2 : 1), &factors, depth), width - at < 8 ? width - at : 8, kind, depth);
}

INLINE void below(const uint8_t *from, ptrdiff_t stride, int rows, int x, int y, int width, const struct goal *goal,
                  int kind, int depth) {
  const struct factors factors = factors_of(y);
  for (int at = 0; at < width; at += 8) {
    const uint8_t *next = from + at * (depth > 8 ? 2 : 1) - BEFORE * stride;
    uint8_t *to = goal->to + at * size_of_result(kind, depth);
    const int16_t *other = goal->other + at;
    const int count = width - at < 8 ? width - at : 8;
    v128_t s[TAPS];
    for (int i = 0; i < MORE_ROWS; i++, next += stride) s[i] = load_samples(next, depth);
    for (int i = 0; i < rows; i++, next += stride, to += goal->stride, other += MAX_PB_SIZE) {
      s[TAPS - 1] = load_samples(next, depth);
      finish(goal, to, other, taps_of(s, &factors, depth), count, kind, depth);
      for (int j = 0; j < MORE_ROWS; j++) s[j] = s[j + 1];
    }
  }
}

INLINE void both(const uint8_t *from, ptrdiff_t stride, int rows, int x, int y, int width, const struct goal *goal,
                 int kind, int depth) {
  const struct factors first = factors_of(x), second = factors_of(y);
  for (int at = 0; at < width; at += 8) {
    const uint8_t *next = from + at * (depth > 8 ? 2 : 1) - BEFORE * stride;
    uint8_t *to = goal->to + at * size_of_result(kind, depth);
    const int16_t *other = goal->other + at;
    const int count = width - at < 8 ? width - at : 8;
    v128_t s[TAPS];
    for (int i = 0; i < MORE_ROWS; i++, next += stride) s[i] = across(next, &first, depth);
    for (int i = 0; i < rows; i++, next += stride, to += goal->stride, other += MAX_PB_SIZE) {
      s[TAPS - 1] = across(next, &first, depth);
      finish(goal, to, other, four_taps_long(s, &second, 6), count, kind, depth);
      for (int j = 0; j < MORE_ROWS; j++) s[j] = s[j + 1];
    }
  }
}

#define ALL(depth)                     \
  INTER_KERNELS(beside, beside, depth) \
  INTER_KERNELS(below, below, depth)   \
  INTER_KERNELS(both, both, depth)
ALL(8)
ALL(10)

#define ENTRIES(depth)                            \
  INTER_ENTRIES(table, epel, beside, 0, 1, depth) \
  INTER_ENTRIES(table, epel, below, 1, 0, depth)  \
  INTER_ENTRIES(table, epel, both, 1, 1, depth)

void mr_hevc_epel_kernels(HEVCDSPContext *table, int depth) {
  if (depth == 8) {
    ENTRIES(8)
  } else if (depth == 10) {
    ENTRIES(10)
  }
}
