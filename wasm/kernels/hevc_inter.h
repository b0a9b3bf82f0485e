/*
 * What both filters between samples share (hevc_qpel.c, hevc_epel.c): how eight predicted samples become what is asked
 * for. A prediction has 14 bits, whatever the depth of the samples; ITU-T H.265, 8.5.3.3.
 */
#ifndef MILLRACE_HEVC_INTER_H
#define MILLRACE_HEVC_INTER_H

#include "kernels.h"
#include "simd.h"

/*
 * PUT: the prediction itself, for the other list to join. UNI: the samples. BI: with what PUT left. The last two with
 * weights. Each is a constant wherever it is used.
 */
enum { PUT, UNI, BI, UNI_WEIGHTED, BI_WEIGHTED };

struct goal {
  uint8_t *to;
  ptrdiff_t stride;
  /* Of the other list, in rows of MAX_PB_SIZE. */
  const int16_t *other;
  v128_t weights, added, offset;
  int shift;
};

INLINE struct goal goal_put(int16_t *to) {
  return (struct goal){.to = (uint8_t *)to, .stride = MAX_PB_SIZE * sizeof *to};
}
INLINE struct goal goal_uni(uint8_t *to, ptrdiff_t stride) { return (struct goal){.to = to, .stride = stride}; }
INLINE struct goal goal_bi(uint8_t *to, ptrdiff_t stride, const int16_t *other) {
  return (struct goal){.to = to, .stride = stride, .other = other};
}
INLINE struct goal goal_uni_weighted(uint8_t *to, ptrdiff_t stride, int denominator, int weight, int offset,
                                     int depth) {
  const int shift = denominator + 14 - depth;
  /* Half of the divisor is the product of the second pair: 4096 at most. */
  return (struct goal){.to = to,
                       .stride = stride,
                       .weights = pair_of(weight, 1 << (shift - 1)),
                       .offset = wasm_i16x8_splat((int16_t)(offset * (1 << (depth - 8)))),
                       .shift = shift};
}
INLINE struct goal goal_bi_weighted(uint8_t *to, ptrdiff_t stride, const int16_t *other, int denominator,
                                    int weight_other, int weight, int offset_other, int offset, int depth) {
  const int shift = denominator + 14 - depth;
  const int both = offset_other * (1 << (depth - 8)) + offset * (1 << (depth - 8)) + 1;
  return (struct goal){.to = to,
                       .stride = stride,
                       .other = other,
                       .weights = pair_of(weight, weight_other),
                       .added = wasm_i32x4_splat(both * (1 << shift)),
                       .shift = shift + 1};
}

/* `count` of eight words or bytes: 8, 6, 4 or 2. */
INLINE void store_some_words(uint8_t *to, v128_t words, int count) {
  if (count == 8) {
    wasm_v128_store(to, words);
  } else if (count == 2) {
    wasm_v128_store32_lane(to, words, 0);
  } else {
    wasm_v128_store64_lane(to, words, 0);
    if (count == 6) wasm_v128_store32_lane(to + 8, words, 2);
  }
}
INLINE void store_some_bytes(uint8_t *to, v128_t bytes, int count) {
  if (count == 8) {
    wasm_v128_store64_lane(to, bytes, 0);
  } else if (count == 2) {
    wasm_v128_store16_lane(to, bytes, 0);
  } else {
    wasm_v128_store32_lane(to, bytes, 0);
    if (count == 6) wasm_v128_store16_lane(to + 4, bytes, 2);
  }
}

/*
 * Ends with the prediction of eight samples of a row. What saturates on the way is beyond the range of samples in the end.
 */
INLINE void finish(const struct goal *goal, uint8_t *to, const int16_t *other, v128_t words, int count, int kind,
                   int depth) {
  switch (kind) {
    case PUT: store_some_words(to, words, count); return;
    case UNI:
      words = wasm_i16x8_shr(wasm_i16x8_add_sat(words, wasm_i16x8_splat(1 << (13 - depth))), 14 - depth);
      break;
    case BI:
      words = wasm_i16x8_add_sat(words, wasm_v128_load(other));
      words = wasm_i16x8_shr(wasm_i16x8_add_sat(words, wasm_i16x8_splat(1 << (14 - depth))), 15 - depth);
      break;
    case UNI_WEIGHTED: {
      const v128_t one = wasm_i16x8_const_splat(1);
      const v128_t low = wasm_i32x4_dot_i16x8(zip_words_low(words, one), goal->weights);
      const v128_t high = wasm_i32x4_dot_i16x8(zip_words_high(words, one), goal->weights);
      words = wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(low, goal->shift), wasm_i32x4_shr(high, goal->shift));
      words = wasm_i16x8_add_sat(words, goal->offset);
      break;
    }
    case BI_WEIGHTED: {
      const v128_t beside = wasm_v128_load(other);
      const v128_t low = wasm_i32x4_dot_i16x8(zip_words_low(words, beside), goal->weights);
      const v128_t high = wasm_i32x4_dot_i16x8(zip_words_high(words, beside), goal->weights);
      words = wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(wasm_i32x4_add(low, goal->added), goal->shift),
                                      wasm_i32x4_shr(wasm_i32x4_add(high, goal->added), goal->shift));
      break;
    }
  }
  if (depth == 8) {
    store_some_bytes(to, clip_words(words), count);
  } else {
    store_some_words(to, clip_to_depth(words, depth), count);
  }
}

/* Bytes that a sample takes where it goes to. */
INLINE int size_of_result(int kind, int depth) { return kind == PUT || depth > 8 ? 2 : 1; }

/*
 * The five functions that a table has for one way through a block. `PREDICT(from, stride, rows, x, y, width, goal, kind,
 * depth)` is what they share; `x` and `y` are fractions. Weights that weigh nothing are common, since an encoder gives them
 * for all references or for none, and give the same to the bit as no weights do.
 */
#define INTER_KERNELS(name, PREDICT, depth)                                                                            \
  static void name##_put_##depth(int16_t *to, uint8_t *from, ptrdiff_t stride, int rows, intptr_t x, intptr_t y,       \
                                 int width) {                                                                          \
    const struct goal goal = goal_put(to);                                                                             \
    PREDICT(from, stride, rows, x, y, width, &goal, PUT, depth);                                                       \
  }                                                                                                                    \
  static void name##_uni_##depth(uint8_t *to, ptrdiff_t to_stride, uint8_t *from, ptrdiff_t stride, int rows,          \
                                 intptr_t x, intptr_t y, int width) {                                                  \
    const struct goal goal = goal_uni(to, to_stride);                                                                  \
    PREDICT(from, stride, rows, x, y, width, &goal, UNI, depth);                                                       \
  }                                                                                                                    \
  static void name##_bi_##depth(uint8_t *to, ptrdiff_t to_stride, uint8_t *from, ptrdiff_t stride, int16_t *other,     \
                                int rows, intptr_t x, intptr_t y, int width) {                                         \
    const struct goal goal = goal_bi(to, to_stride, other);                                                            \
    PREDICT(from, stride, rows, x, y, width, &goal, BI, depth);                                                        \
  }                                                                                                                    \
  static void name##_uni_w_##depth(uint8_t *to, ptrdiff_t to_stride, uint8_t *from, ptrdiff_t stride, int rows,        \
                                   int denominator, int weight, int offset, intptr_t x, intptr_t y, int width) {       \
    if (weight == 1 << denominator && offset == 0) {                                                                   \
      name##_uni_##depth(to, to_stride, from, stride, rows, x, y, width);                                              \
      return;                                                                                                          \
    }                                                                                                                  \
    const struct goal goal = goal_uni_weighted(to, to_stride, denominator, weight, offset, depth);                     \
    PREDICT(from, stride, rows, x, y, width, &goal, UNI_WEIGHTED, depth);                                              \
  }                                                                                                                    \
  static void name##_bi_w_##depth(uint8_t *to, ptrdiff_t to_stride, uint8_t *from, ptrdiff_t stride, int16_t *other,   \
                                  int rows, int denominator, int weight_other, int weight, int offset_other,           \
                                  int offset, intptr_t x, intptr_t y, int width) {                                     \
    const int one = 1 << denominator;                                                                                  \
    if (weight == one && weight_other == one && offset == 0 && offset_other == 0) {                                    \
      name##_bi_##depth(to, to_stride, from, stride, other, rows, x, y, width);                                        \
      return;                                                                                                          \
    }                                                                                                                  \
    const struct goal goal =                                                                                           \
        goal_bi_weighted(to, to_stride, other, denominator, weight_other, weight, offset_other, offset, depth);        \
    PREDICT(from, stride, rows, x, y, width, &goal, BI_WEIGHTED, depth);                                               \
  }

/* Into the ten entries that a table has for as many widths: the functions are told the width. */
#define INTER_ENTRIES(table, which, name, down, right, depth)       \
  for (int i = 0; i < 10; i++) {                                    \
    table->put_hevc_##which[i][down][right] = name##_put_##depth;   \
    table->put_hevc_##which##_uni[i][down][right] = name##_uni_##depth;     \
    table->put_hevc_##which##_bi[i][down][right] = name##_bi_##depth;       \
    table->put_hevc_##which##_uni_w[i][down][right] = name##_uni_w_##depth; \
    table->put_hevc_##which##_bi_w[i][down][right] = name##_bi_w_##depth;   \
  }

#endif
