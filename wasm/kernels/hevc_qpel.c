/* Luma prediction between samples, in quarters, and on samples for luma and chroma. ITU-T H.265, 8.5.3.3.3.1. */
#include "hevc_inter.h"

enum { BEFORE = 3, TAPS = 8, MORE_ROWS = TAPS - 1 };

/* The filter on eight times eight samples of 8 bits: 16 bits are enough for its results. */
INLINE v128_t eight_taps(const v128_t s[TAPS], int fraction) {
#define TIMES(i, factor) wasm_i16x8_mul(s[i], wasm_i16x8_const_splat(factor))
  if (fraction == 2) {
    const v128_t inner = wasm_i16x8_add(s[3], s[4]), next = wasm_i16x8_add(s[2], s[5]);
    const v128_t outer = wasm_i16x8_sub(wasm_i16x8_shl(wasm_i16x8_add(s[1], s[6]), 2), wasm_i16x8_add(s[0], s[7]));
    return wasm_i16x8_add(wasm_i16x8_sub(wasm_i16x8_mul(inner, wasm_i16x8_const_splat(40)),
                                         wasm_i16x8_mul(next, wasm_i16x8_const_splat(11))),
                          outer);
  }
  const int first = fraction == 1 ? 0 : 7, step = fraction == 1 ? 1 : -1;
#define AT(i) (first + (i) * step)
  const v128_t near = wasm_i16x8_add(TIMES(AT(3), 58), TIMES(AT(4), 17));
  const v128_t less = wasm_i16x8_add(TIMES(AT(2), 10), TIMES(AT(5), 5));
  const v128_t ends = wasm_i16x8_add(wasm_i16x8_sub(s[AT(6)], s[AT(0)]), wasm_i16x8_shl(s[AT(1)], 2));
  return wasm_i16x8_add(wasm_i16x8_sub(near, less), ends);
#undef AT
#undef TIMES
}

/* The filter's factors by pairs. */
struct pairs {
  v128_t at[TAPS / 2];
};
INLINE struct pairs pairs_of(int fraction) {
  const int8_t *taps = ff_hevc_qpel_filters[fraction - 1];
  struct pairs pairs;
  for (int i = 0; i < TAPS / 2; i++) pairs.at[i] = pair_of(taps[2 * i], taps[2 * i + 1]);
  return pairs;
}

/* The same of words of any size, divided. */
INLINE v128_t eight_taps_long(const v128_t s[TAPS], const struct pairs *pairs, int shift) {
  v128_t low = wasm_i32x4_dot_i16x8(zip_words_low(s[0], s[1]), pairs->at[0]);
  v128_t high = wasm_i32x4_dot_i16x8(zip_words_high(s[0], s[1]), pairs->at[0]);
  for (int i = 1; i < TAPS / 2; i++) {
    low = wasm_i32x4_add(low, wasm_i32x4_dot_i16x8(zip_words_low(s[2 * i], s[2 * i + 1]), pairs->at[i]));
    high = wasm_i32x4_add(high, wasm_i32x4_dot_i16x8(zip_words_high(s[2 * i], s[2 * i + 1]), pairs->at[i]));
  }
  return wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(low, shift), wasm_i32x4_shr(high, shift));
}

/* Eight samples of a row, filtered across: 14 bits. */
INLINE v128_t across(const uint8_t *from, int fraction, const struct pairs *pairs, int depth) {
  if (depth == 8) {
    v128_t s[TAPS];
    for (int i = 0; i < TAPS; i++) s[i] = load_samples(from + i - BEFORE, 8);
    return eight_taps(s, fraction);
  }
  /* Pairs of neighbours as they lie: one vector has those of the even samples, the next of the odd ones. */
  v128_t even = wasm_i32x4_const_splat(0), odd = even;
  for (int i = 0; i < TAPS / 2; i++) {
    even = wasm_i32x4_add(even, wasm_i32x4_dot_i16x8(load_samples(from + 2 * (2 * i - BEFORE), depth), pairs->at[i]));
    odd = wasm_i32x4_add(odd, wasm_i32x4_dot_i16x8(load_samples(from + 2 * (2 * i + 1 - BEFORE), depth), pairs->at[i]));
  }
  even = wasm_i32x4_shr(even, depth - 8), odd = wasm_i32x4_shr(odd, depth - 8);
  return wasm_i16x8_shuffle(even, odd, 0, 8, 2, 10, 4, 12, 6, 14);
}

/* Calls STEP(fraction) with a constant. */
#define BY_FRACTION(fraction, STEP) \
  if (fraction == 1) {              \
    STEP(1);                        \
  } else if (fraction == 2) {       \
    STEP(2);                        \
  } else {                          \
    STEP(3);                        \
  }

INLINE void on_samples(const uint8_t *from, ptrdiff_t stride, int rows, int x, int y, int width,
                       const struct goal *goal, int kind, int depth) {
  const int bytes = depth > 8 ? 2 : 1;
  uint8_t *to = goal->to;
  const int16_t *other = goal->other;
  for (; rows > 0; rows--, from += stride, to += goal->stride, other += MAX_PB_SIZE) {
    int at = 0;
    if (kind == UNI)
      for (; at + 16 / bytes <= width; at += 16 / bytes)
        wasm_v128_store(to + at * bytes, wasm_v128_load(from + at * bytes));
    for (; at < width; at += 8) {
      const int count = width - at < 8 ? width - at : 8;
      if (kind == UNI) {
        if (bytes == 1) store_some_bytes(to + at, wasm_v128_load64_zero(from + at), count);
        else store_some_words(to + 2 * at, wasm_v128_load(from + 2 * at), count);
      } else {
        const v128_t words = wasm_i16x8_shl(load_samples(from + at * bytes, depth), 14 - depth);
        finish(goal, to + at * size_of_result(kind, depth), other + at, words, count, kind, depth);
      }
    }
  }
}

INLINE void beside_by(int fraction, const uint8_t *from, ptrdiff_t stride, int rows, int width,
                      const struct goal *goal, int kind, int depth) {
  const struct pairs pairs = pairs_of(fraction);
  uint8_t *to = goal->to;
  const int16_t *other = goal->other;
  for (; rows > 0; rows--, from += stride, to += goal->stride, other += MAX_PB_SIZE)
    for (int at = 0; at < width; at += 8)
      finish(goal, to + at * size_of_result(kind, depth), other + at,
             across(from + at * (depth > 8 ? 2 : 1), fraction, &pairs, depth), width - at < 8 ? width - at : 8, kind,
             depth);
}

INLINE void beside(const uint8_t *from, ptrdiff_t stride, int rows, int x, int y, int width, const struct goal *goal,
                   int kind, int depth) {
#define STEP(fraction) beside_by(fraction, from, stride, rows, width, goal, kind, depth)
  if (depth == 8) {
    BY_FRACTION(x, STEP)
  } else {
    STEP(x);
  }
#undef STEP
}

INLINE void below_by(int fraction, const uint8_t *from, ptrdiff_t stride, int rows, int width,
                     const struct goal *goal, int kind, int depth) {
  const struct pairs pairs = pairs_of(fraction);
  for (int at = 0; at < width; at += 8) {
    const uint8_t *next = from + at * (depth > 8 ? 2 : 1) - BEFORE * stride;
    uint8_t *to = goal->to + at * size_of_result(kind, depth);
    const int16_t *other = goal->other + at;
    const int count = width - at < 8 ? width - at : 8;
    v128_t s[TAPS];
    for (int i = 0; i < MORE_ROWS; i++, next += stride) s[i] = load_samples(next, depth);
    for (int i = 0; i < rows; i++, next += stride, to += goal->stride, other += MAX_PB_SIZE) {
      s[TAPS - 1] = load_samples(next, depth);
      const v128_t words = depth == 8 ? eight_taps(s, fraction) : eight_taps_long(s, &pairs, depth - 8);
      finish(goal, to, other, words, count, kind, depth);
      for (int j = 0; j < MORE_ROWS; j++) s[j] = s[j + 1];
    }
  }
}

INLINE void below(const uint8_t *from, ptrdiff_t stride, int rows, int x, int y, int width, const struct goal *goal,
                  int kind, int depth) {
#define STEP(fraction) below_by(fraction, from, stride, rows, width, goal, kind, depth)
  if (depth == 8) {
    BY_FRACTION(y, STEP)
  } else {
    STEP(y);
  }
#undef STEP
}

/* Rows filtered across, for the columns to be filtered next. */
#define FIRST_PASS(depth)                                                                                              \
  static void first_pass_##depth(int16_t *to, const uint8_t *from, ptrdiff_t stride, int rows, int x, int width) {     \
    const struct goal goal = goal_put(to);                                                                             \
    beside(from, stride, rows, x, 0, (width + 7) & ~7, &goal, PUT, depth);                                             \
  }
FIRST_PASS(8)
FIRST_PASS(10)

INLINE void both(const uint8_t *from, ptrdiff_t stride, int rows, int x, int y, int width, const struct goal *goal,
                 int kind, int depth) {
  _Alignas(16) int16_t between[(MAX_PB_SIZE + MORE_ROWS) * MAX_PB_SIZE];
  (depth == 8 ? first_pass_8 : first_pass_10)(between, from - BEFORE * stride, stride, rows + MORE_ROWS, x, width);
  const struct pairs pairs = pairs_of(y);
  for (int at = 0; at < width; at += 8) {
    const int16_t *next = between + at;
    uint8_t *to = goal->to + at * size_of_result(kind, depth);
    const int16_t *other = goal->other + at;
    const int count = width - at < 8 ? width - at : 8;
    for (int i = 0; i < rows; i++, next += MAX_PB_SIZE, to += goal->stride, other += MAX_PB_SIZE) {
      v128_t s[TAPS];
      for (int j = 0; j < TAPS; j++) s[j] = wasm_v128_load(next + j * MAX_PB_SIZE);
      finish(goal, to, other, eight_taps_long(s, &pairs, 6), count, kind, depth);
    }
  }
}

#define ALL(depth)                               \
  INTER_KERNELS(on_samples, on_samples, depth)   \
  INTER_KERNELS(beside, beside, depth)           \
  INTER_KERNELS(below, below, depth)             \
  INTER_KERNELS(both, both, depth)
ALL(8)
ALL(10)

#define ENTRIES(depth)                                 \
  INTER_ENTRIES(table, qpel, on_samples, 0, 0, depth)  \
  INTER_ENTRIES(table, epel, on_samples, 0, 0, depth)  \
  INTER_ENTRIES(table, qpel, beside, 0, 1, depth)      \
  INTER_ENTRIES(table, qpel, below, 1, 0, depth)       \
  INTER_ENTRIES(table, qpel, both, 1, 1, depth)

void mr_hevc_qpel_kernels(HEVCDSPContext *table, int depth) {
  if (depth == 8) {
    ENTRIES(8)
  } else if (depth == 10) {
    ENTRIES(10)
  }
}
