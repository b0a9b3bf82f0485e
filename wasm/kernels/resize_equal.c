/*
 * 4:2:0 into RGB of the same size: four pixels, two of one row and two of the next, have the chroma of one sample, as it lies. What
 * luma and what chroma give is rounded to whole levels each, and added: one more place after the point would cost a shift for
 * each sum, and shifts and shuffles are what the processor has least room for here.
 */
#include "resize.h"
#include "resize_pixels.h"

#include <string.h>

enum { LUMA_BITS = 7, CHROMA_BITS = 16, CHROMA_SHIFT = CHROMA_BITS - MR_COLOUR_BITS };

struct equal_factors {
  v128_t luma, colours[3], starts[3];
  struct packing packing;
};

/*
 * Where pixels of two rows are read and written, and the samples of chroma of both. `ahead`: luma of the next two rows, read as it
 * lies, two bytes on for each that is converted: a processor foresees one way through memory better than two that jump.
 */
struct places {
  const uint8_t *ys[2], *us, *vs, *ahead;
  uint8_t *to[2];
  /* 0 where no two rows are left to read ahead. */
  int ahead_step;
};

/* Written, lest what is read ahead be taken for of no use. */
static volatile int32_t read_ahead;

/* What a sample gives, as a word for each of its two pixels: sums have a place for whole levels in their upper halves. */
INLINE v128_t doubled(v128_t sums) {
  return wasm_i16x8_shuffle(wasm_u32x4_shr(sums, CHROMA_BITS), sums, 0, 9, 2, 11, 4, 13, 6, 15);
}

/* What eight samples of U and V, by turns, add to the red, green and blue of their pixels. */
INLINE void tint(const struct equal_factors *f, v128_t uv, struct words tints[3]) {
  const v128_t low = wasm_i16x8_shl(wasm_u16x8_extend_low_u8x16(uv), CHROMA_SHIFT);
  const v128_t high = wasm_i16x8_shl(wasm_u16x8_extend_high_u8x16(uv), CHROMA_SHIFT);
  for (int i = 0; i < 3; i++) {
    tints[i].low = doubled(wasm_i32x4_add(wasm_i32x4_dot_i16x8(low, f->colours[i]), f->starts[i]));
    tints[i].high = doubled(wasm_i32x4_add(wasm_i32x4_dot_i16x8(high, f->colours[i]), f->starts[i]));
  }
}

INLINE v128_t levels(const struct equal_factors *f, v128_t ys) {
  return wasm_u16x8_shr(wasm_i16x8_mul(ys, f->luma), LUMA_BITS);
}

INLINE struct words added(struct words a, struct words b) {
  return (struct words){wasm_i16x8_add(a.low, b.low), wasm_i16x8_add(a.high, b.high)};
}

/* Such a channel's tint has MR_OPAQUE in it: beyond white the sum saturates, and what is less than MR_OPAQUE is below black. */
INLINE v128_t opaque_of(const struct equal_factors *f, v128_t levels, v128_t tint) {
  return wasm_u16x8_max(wasm_u16x8_add_sat(levels, tint), f->packing.opaque);
}

INLINE void sixteen(const struct equal_factors *f, v128_t ys, const struct words tints[3], uint8_t *to, int format) {
  const struct words y = {levels(f, wasm_u16x8_extend_low_u8x16(ys)), levels(f, wasm_u16x8_extend_high_u8x16(ys))};
  const int at = first_channel(format);
  const struct words first = added(y, tints[at]), second = added(y, tints[1]), *third = &tints[2 - at];
  if (bytes_of_pixel(format) == 3) {
    store_threes(&f->packing, first, second, added(y, *third), to);
  } else {
    const struct words opaque = {opaque_of(f, y.low, third->low), opaque_of(f, y.high, third->high)};
    store_fours(first, second, opaque, to);
  }
}

/* Sixteen pixels of two rows, from the `at`-th on, and the chroma of both. */
INLINE void two_by_sixteen(const struct equal_factors *f, const struct places *places, int at, v128_t uv, int format) {
  const v128_t ys[2] = {wasm_v128_load(places->ys[0] + at), wasm_v128_load(places->ys[1] + at)};
  struct words tints[3];
  tint(f, uv, tints);
  for (int i = 0; i < 2; i++) sixteen(f, ys[i], tints, places->to[i] + at * bytes_of_pixel(format), format);
}

/* Thirty-two pixels: a vector of each of U and V, or two of both. */
INLINE void two_by_thirty_two(const struct equal_factors *f, const struct places *at, int both, int format) {
  const v128_t us = wasm_v128_load(at->us), vs = wasm_v128_load(both ? at->us + 16 : at->vs);
  two_by_sixteen(f, at, 0, both ? us : zip_bytes_low(us, vs), format);
  two_by_sixteen(f, at, 16, both ? vs : zip_bytes_high(us, vs), format);
}

/* At a row's end: copied out and in, so that nothing is read or written beyond it. */
INLINE void last_pixels(const struct equal_factors *f, const struct places *at, int both, int format, int pixels) {
  const int bytes = bytes_of_pixel(format), samples = (pixels + 1) / 2;
  uint8_t ys[2][32] = {0}, us[32] = {0}, vs[16] = {0}, made[2][128];
  for (int i = 0; i < 2; i++) memcpy(ys[i], at->ys[i], pixels);
  memcpy(us, at->us, both ? 2 * samples : samples);
  if (!both) memcpy(vs, at->vs, samples);
  const struct places last = {{ys[0], ys[1]}, us, vs, ys[0], {made[0], made[1]}, 0};
  two_by_thirty_two(f, &last, both, format);
  for (int i = 0; i < 2; i++) memcpy(at->to[i], made[i], pixels * bytes);
}

INLINE void two_rows(const struct equal_factors *f, const struct places *rows, int both, int format, int width) {
  struct places at = *rows;
  int32_t ahead = 0;
  int x = 0;
  for (; x + 32 <= width; x += 32) {
    ahead |= *at.ahead;
    at.ahead += at.ahead_step;
    two_by_thirty_two(f, &at, both, format);
    at.us += both ? 32 : 16;
    at.vs += 16;
    for (int i = 0; i < 2; i++) {
      at.ys[i] += 32;
      at.to[i] += 32 * bytes_of_pixel(format);
    }
  }
  read_ahead = ahead;
  if (x < width) last_pixels(f, &at, both, format, width - x);
}

INLINE struct equal_factors factors_of(const struct mr_colours *colours, int format) {
  const int black = colours->luma > 1 << MR_COLOUR_BITS ? 16 : 0;
  /* 7 bits after the point come near enough to each matrix's factor: 149/128 is 0.07 of a level off at white. */
  const int factor = (colours->luma + (1 << (MR_COLOUR_BITS - LUMA_BITS - 1))) >> (MR_COLOUR_BITS - LUMA_BITS);
  /* What luma lost by being cut off, half a level where it has a fraction, is added with chroma, and what black is taken off. */
  const int lost = factor % (1 << LUMA_BITS) ? 1 << (LUMA_BITS - 1) : 0;
  const int start = (1 << (CHROMA_BITS - 1)) + (lost - black * factor) * (1 << (CHROMA_BITS - LUMA_BITS));
  const int us[3] = {0, colours->u_green, colours->u_blue}, vs[3] = {colours->v_red, colours->v_green, 0};
  struct equal_factors f = {.luma = wasm_i16x8_splat((int16_t)factor), .packing = packing_of(format)};
  for (int i = 0; i < 3; i++) {
    const int opaque = bytes_of_pixel(format) == 4 && i == 2 - first_channel(format) ? MR_OPAQUE : 0;
    const int middle = 128 * (us[i] + vs[i]) * (1 << CHROMA_SHIFT);
    f.colours[i] = pair_of(us[i], vs[i]);
    f.starts[i] = wasm_i32x4_splat((int)((uint32_t)(start - middle) + ((uint32_t)opaque << CHROMA_BITS)));
  }
  return f;
}

INLINE void equal(const struct mr_colours *colours, const uint8_t *const *planes, const int32_t *strides, int both,
                  uint8_t *to, int stride, int format, int width, int height) {
  const struct equal_factors f = factors_of(colours, format);
  for (ptrdiff_t row = 0; row < height; row += 2) {
    /* Where there is but one row left, it is made twice. */
    const ptrdiff_t next = row + 1 < height ? row + 1 : row;
    const uint8_t *us = planes[1] + row / 2 * strides[1], *vs = both ? us : planes[2] + row / 2 * strides[2];
    const uint8_t *ys = planes[0] + row * strides[0];
    const int more = row + 3 < height;
    const struct places at = {{ys, planes[0] + next * strides[0]},
                              us,
                              vs,
                              more ? ys + 2 * strides[0] : ys,
                              {to + row * stride, to + next * stride},
                              more ? 64 : 0};
    two_rows(&f, &at, both, format, width);
  }
}

void mr_equal_to_rgb(const struct mr_colours *colours, const uint8_t *const *planes, const int32_t *strides, int both,
                     uint8_t *to, int stride, int format, int width, int height) {
#define CASES(both)                                                                                               \
  if (format == MR_RGB24) equal(colours, planes, strides, both, to, stride, MR_RGB24, width, height);             \
  else if (format == MR_BGR24) equal(colours, planes, strides, both, to, stride, MR_BGR24, width, height);        \
  else if (format == MR_RGBA) equal(colours, planes, strides, both, to, stride, MR_RGBA, width, height);          \
  else equal(colours, planes, strides, both, to, stride, MR_BGRA, width, height);
  if (both) {
    CASES(1)
  } else {
    CASES(0)
  }
}
