/* Rows summed downwards and across. */
#include "resize.h"
#include "simd.h"

enum { DOWN_SHIFT = MR_WEIGHT_BITS - MR_FRACTION };

INLINE v128_t add_dot(v128_t sum, v128_t samples, v128_t weights) {
  return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(samples, weights));
}

/*
 * Sixteen samples of 8 bits out of `taps` rows, two rows a step: two neighbours of either row are one lane, of which the first
 * are masked out and the second shifted down.
 */
INLINE void down_bytes(const uint8_t *const *rows, const v128_t *weights, int taps, int at, int16_t *to) {
  v128_t a = wasm_i32x4_splat(1 << (DOWN_SHIFT - 1)), b = a, c = a, d = a;
  for (int pair = 0; pair < taps / 2; pair++) {
    const v128_t first = wasm_v128_load(rows[2 * pair] + at), second = wasm_v128_load(rows[2 * pair + 1] + at);
    const v128_t low = zip_words_low(first, second), high = zip_words_high(first, second);
    const v128_t even = wasm_i16x8_const_splat(255);
    a = add_dot(a, wasm_v128_and(low, even), weights[pair]);
    b = add_dot(b, wasm_u16x8_shr(low, 8), weights[pair]);
    c = add_dot(c, wasm_v128_and(high, even), weights[pair]);
    d = add_dot(d, wasm_u16x8_shr(high, 8), weights[pair]);
  }
  const v128_t evens = wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(a, DOWN_SHIFT), wasm_i32x4_shr(c, DOWN_SHIFT));
  const v128_t odds = wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(b, DOWN_SHIFT), wasm_i32x4_shr(d, DOWN_SHIFT));
  wasm_v128_store(to + at, zip_words_low(evens, odds));
  wasm_v128_store(to + at + 8, zip_words_high(evens, odds));
}

/* Eight samples of more bits, which are words. */
INLINE void down_words(const uint8_t *const *rows, const int16_t *weights, int taps, int depth, int at, int16_t *to) {
  const int shift = DOWN_SHIFT + depth - 8;
  v128_t a = wasm_i32x4_splat(1 << (shift - 1)), b = a;
  for (int tap = 0; tap < taps; tap += 2) {
    const v128_t weight = wasm_v128_load32_splat(weights + tap);
    const v128_t first = wasm_v128_load(rows[tap] + 2 * at), second = wasm_v128_load(rows[tap + 1] + 2 * at);
    a = add_dot(a, zip_words_low(first, second), weight);
    b = add_dot(b, zip_words_high(first, second), weight);
  }
  wasm_v128_store(to + at, wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(a, shift), wasm_i32x4_shr(b, shift)));
}

INLINE void widen_bytes(const uint8_t *from, int16_t *to) {
  const v128_t bytes = wasm_v128_load(from);
  wasm_v128_store(to, wasm_i16x8_shl(wasm_u16x8_extend_low_u8x16(bytes), MR_FRACTION));
  wasm_v128_store(to + 8, wasm_i16x8_shl(wasm_u16x8_extend_high_u8x16(bytes), MR_FRACTION));
}

/* The last block ends where the row does, so that nothing beyond it is read; a row shorter than a block is summed one by one. */
#define EACH_BLOCK(at, samples, size, what)                          \
  for (int at = 0; at < (samples); at += (size)) {                   \
    if (at + (size) > (samples)) at = (samples) - (size);            \
    what;                                                            \
  }

static void down_short(const uint8_t *const *rows, const int16_t *weights, int taps, int depth, int16_t *to,
                       int samples) {
  const int shift = DOWN_SHIFT + depth - 8;
  for (int at = 0; at < samples; at++) {
    int sum = 1 << (shift - 1);
    for (int tap = 0; tap < taps; tap++) {
      sum += weights[tap] * (depth == 8 ? rows[tap][at] : ((const uint16_t *)rows[tap])[at]);
    }
    sum >>= shift;
    to[at] = (int16_t)(sum > INT16_MAX ? INT16_MAX : sum);
  }
}

/* The engine checks each load: pointers and weights of a known number are loaded once a row. */
INLINE void down_known(const uint8_t *const *rows, const int16_t *weights, int taps, int16_t *to, int samples) {
  const uint8_t *known[16];
  v128_t pairs[8];
  for (int i = 0; i < taps; i++) known[i] = rows[i];
  for (int i = 0; i < taps / 2; i++) pairs[i] = wasm_v128_load32_splat(weights + 2 * i);
  EACH_BLOCK(at, samples, 16, down_bytes(known, pairs, taps, at, to))
}

/* Any number of rows. */
static void down_many(const uint8_t *const *rows, const int16_t *weights, int taps, int at, int16_t *to) {
  v128_t a = wasm_i32x4_splat(1 << (DOWN_SHIFT - 1)), b = a, c = a, d = a;
  for (int tap = 0; tap < taps; tap += 2) {
    const v128_t first = wasm_v128_load(rows[tap] + at), second = wasm_v128_load(rows[tap + 1] + at);
    const v128_t weight = wasm_v128_load32_splat(weights + tap);
    const v128_t low = zip_bytes_low(first, second), high = zip_bytes_high(first, second);
    a = add_dot(a, wasm_u16x8_extend_low_u8x16(low), weight);
    b = add_dot(b, wasm_u16x8_extend_high_u8x16(low), weight);
    c = add_dot(c, wasm_u16x8_extend_low_u8x16(high), weight);
    d = add_dot(d, wasm_u16x8_extend_high_u8x16(high), weight);
  }
  wasm_v128_store(to + at, wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(a, DOWN_SHIFT), wasm_i32x4_shr(b, DOWN_SHIFT)));
  wasm_v128_store(to + at + 8, wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(c, DOWN_SHIFT), wasm_i32x4_shr(d, DOWN_SHIFT)));
}

void mr_sum_down(const uint8_t *const *rows, const int16_t *weights, int taps, int depth, int16_t *to, int samples) {
  if (samples < 16) {
    down_short(rows, weights, taps, depth, to, samples);
  } else if (depth > 8) {
    const int16_t alone[2] = {1 << MR_WEIGHT_BITS, 0};
    const uint8_t *const same[2] = {rows[0], rows[0]};
    if (taps == 1) rows = same, weights = alone, taps = 2;
    EACH_BLOCK(at, samples, 8, down_words(rows, weights, taps, depth, at, to))
  } else if (taps == 1) {
    EACH_BLOCK(at, samples, 16, widen_bytes(rows[0] + at, to + at))
  } else if (taps == 2) {
    down_known(rows, weights, 2, to, samples);
  } else if (taps == 4) {
    down_known(rows, weights, 4, to, samples);
  } else if (taps == 6) {
    down_known(rows, weights, 6, to, samples);
  } else if (taps == 8) {
    down_known(rows, weights, 8, to, samples);
  } else if (taps == 12) {
    down_known(rows, weights, 12, to, samples);
  } else if (taps == 16) {
    down_known(rows, weights, 16, to, samples);
  } else {
    EACH_BLOCK(at, samples, 16, down_many(rows, weights, taps, at, to))
  }
}

/* Where four samples' taps begin. */
struct four {
  const int16_t *at[4];
};

INLINE struct four places(const struct mr_axis *axis, const int16_t *from, int at) {
  if (axis->step) {
    from += axis->first[0] + at * axis->step;
    return (struct four){{from, from + axis->step, from + 2 * axis->step, from + 3 * axis->step}};
  }
  const v128_t first = wasm_v128_load(axis->first + at);
  return (struct four){{from + wasm_i32x4_extract_lane(first, 0), from + wasm_i32x4_extract_lane(first, 1),
                        from + wasm_i32x4_extract_lane(first, 2), from + wasm_i32x4_extract_lane(first, 3)}};
}

INLINE v128_t add_pairs(v128_t a, v128_t b) {
  return wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 2, 4, 6), wasm_i32x4_shuffle(a, b, 1, 3, 5, 7));
}

INLINE v128_t by_2(struct four from, v128_t weights) {
  v128_t pairs = wasm_v128_load32_zero(from.at[0]);
  pairs = wasm_v128_load32_lane(from.at[1], pairs, 1);
  pairs = wasm_v128_load32_lane(from.at[2], pairs, 2);
  pairs = wasm_v128_load32_lane(from.at[3], pairs, 3);
  return wasm_i32x4_dot_i16x8(pairs, weights);
}

INLINE v128_t by_4(struct four from, v128_t first, v128_t second) {
  const v128_t a = wasm_v128_load64_lane(from.at[1], wasm_v128_load64_zero(from.at[0]), 1);
  const v128_t b = wasm_v128_load64_lane(from.at[3], wasm_v128_load64_zero(from.at[2]), 1);
  return add_pairs(wasm_i32x4_dot_i16x8(a, first), wasm_i32x4_dot_i16x8(b, second));
}

/* Weights that are the same for all are in `known`, as far as they go; others lie one sample's after another's. */
INLINE v128_t by_8(struct four from, const v128_t *known, const int16_t *weights, int taps) {
  v128_t sums[4];
  for (int i = 0; i < 4; i++) {
    sums[i] = wasm_i32x4_dot_i16x8(wasm_v128_load(from.at[i]), known ? known[0] : wasm_v128_load(weights + i * taps));
    for (int tap = 8; tap < taps; tap += 8) {
      sums[i] = add_dot(sums[i], wasm_v128_load(from.at[i] + tap),
                        known ? known[tap / 8] : wasm_v128_load(weights + i * taps + tap));
    }
  }
  return add_pairs(add_pairs(sums[0], sums[1]), add_pairs(sums[2], sums[3]));
}

INLINE v128_t four(const struct mr_axis *axis, const int16_t *from, int at, int taps, const v128_t *known) {
  const struct four places_of_four = places(axis, from, at);
  const int16_t *weights = axis->weights + at * taps;
  if (taps == 2) return by_2(places_of_four, known ? known[0] : wasm_v128_load(weights));
  if (taps > 4) return by_8(places_of_four, known, weights, taps);
  return known ? by_4(places_of_four, known[0], known[0])
               : by_4(places_of_four, wasm_v128_load(weights), wasm_v128_load(weights + 8));
}

INLINE void across(const struct mr_axis *given, const int16_t *from, int16_t *to, int taps, int even) {
  const v128_t half = wasm_i32x4_splat(1 << (MR_WEIGHT_BITS - 1));
  struct mr_axis axis = *given;
  v128_t known[2];
  if (even) {
    known[0] = wasm_v128_load(axis.weights);
    if (taps > 8) known[1] = wasm_v128_load(axis.weights + 8);
  } else {
    axis.step = 0;
  }
  for (int at = 0; at < axis.count; at += 8) {
    const v128_t low = wasm_i32x4_add(four(&axis, from, at, taps, even ? known : NULL), half);
    const v128_t high = wasm_i32x4_add(four(&axis, from, at + 4, taps, even ? known : NULL), half);
    wasm_v128_store(to + at,
                    wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(low, MR_WEIGHT_BITS), wasm_i32x4_shr(high, MR_WEIGHT_BITS)));
  }
}

void mr_sum_across(const struct mr_axis *axis, const int16_t *from, int16_t *to) {
  const int even = axis->step != 0 && axis->taps <= 16;
  switch (axis->taps) {
    case 2: return even ? across(axis, from, to, 2, 1) : across(axis, from, to, 2, 0);
    case 4: return even ? across(axis, from, to, 4, 1) : across(axis, from, to, 4, 0);
    case 8: return even ? across(axis, from, to, 8, 1) : across(axis, from, to, 8, 0);
    case 16: return even ? across(axis, from, to, 16, 1) : across(axis, from, to, 16, 0);
    default: across(axis, from, to, axis->taps, 0);
  }
}

void mr_extend(int16_t *row, int samples, int by) {
  for (int i = 1; i <= by; i++) {
    row[-i] = row[0];
    row[samples - 1 + i] = row[samples - 1];
  }
}

void mr_part(const int16_t *from, int16_t *us, int16_t *vs, int count) {
  for (int at = 0; at < count; at += 8) {
    const v128_t a = wasm_v128_load(from + 2 * at), b = wasm_v128_load(from + 2 * at + 8);
    wasm_v128_store(us + at, wasm_i16x8_shuffle(a, b, 0, 2, 4, 6, 8, 10, 12, 14));
    wasm_v128_store(vs + at, wasm_i16x8_shuffle(a, b, 1, 3, 5, 7, 9, 11, 13, 15));
  }
}
