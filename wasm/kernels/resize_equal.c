/*
 * 4:2:0 into RGB of the same size: four pixels, two of one row and two of the next, have the chroma of one sample, as it lies. What
 * luma and what chroma give is rounded to whole levels each, and added: one more place after the point would cost a shift for
 * each sum, and shifts and shuffles are what the processor has least room for here.
 */
#include "resize.h"
#include "resize_pixels.h"

#include <string.h>

enum { DOWN = MR_COLOUR_BITS, LUMA_BITS = 7 };

struct equal_factors {
  v128_t luma, luma_start, black, half, colours[3];
};

/* Where 16 pixels of two rows are read and written, and eight samples of chroma. */
struct places {
  const uint8_t *ys[2], *us, *vs;
  uint8_t *to[2];
};

/* What eight samples of U and V add to the red, green and blue of their pixels. */
INLINE void tint(const struct equal_factors *f, const uint8_t *us, const uint8_t *vs, int both, v128_t tints[3]) {
  const v128_t bytes = both ? wasm_v128_load(us) : zip_bytes_low(wasm_v128_load64_zero(us), wasm_v128_load64_zero(vs));
  const v128_t uv = wasm_v128_xor(bytes, wasm_i8x16_const_splat(-128));
  const v128_t low = wasm_i16x8_extend_low_i8x16(uv), high = wasm_i16x8_extend_high_i8x16(uv);
  for (int i = 0; i < 3; i++) {
    const v128_t a = wasm_i32x4_add(wasm_i32x4_dot_i16x8(low, f->colours[i]), f->half);
    const v128_t b = wasm_i32x4_add(wasm_i32x4_dot_i16x8(high, f->colours[i]), f->half);
    tints[i] = wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(a, DOWN), wasm_i32x4_shr(b, DOWN));
  }
}

INLINE v128_t levels(const struct equal_factors *f, v128_t ys) {
  const v128_t sum = wasm_i16x8_add(wasm_i16x8_mul(ys, f->luma), f->luma_start);
  return wasm_i16x8_sub(wasm_u16x8_shr(sum, LUMA_BITS), f->black);
}

/* Sixteen pixels: to both of a pair the same is added. */
INLINE void sixteen(const struct equal_factors *f, const uint8_t *ys, const v128_t tints[3], uint8_t *to, int format) {
  const v128_t y = wasm_v128_load(ys);
  const v128_t even = levels(f, wasm_v128_and(y, wasm_i16x8_const_splat(255)));
  const v128_t odd = levels(f, wasm_u16x8_shr(y, 8));
  const v128_t by_turns = wasm_i8x16_const(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  v128_t channels[3];
  for (int i = 0; i < 3; i++) {
    const v128_t both = wasm_u8x16_narrow_i16x8(wasm_i16x8_add(even, tints[i]), wasm_i16x8_add(odd, tints[i]));
    channels[i] = wasm_i8x16_swizzle(both, by_turns);
  }
  store_pixels(to, channels[0], channels[1], channels[2], format);
}

INLINE void two_by_sixteen(const struct equal_factors *f, const struct places *at, int both, int format) {
  v128_t tints[3];
  tint(f, at->us, at->vs, both, tints);
  sixteen(f, at->ys[0], tints, at->to[0], format);
  sixteen(f, at->ys[1], tints, at->to[1], format);
}

INLINE void go_on(struct places *at, int both, int bytes) {
  at->us += both ? 16 : 8;
  at->vs += 8;
  for (int i = 0; i < 2; i++) {
    at->ys[i] += 16;
    at->to[i] += 16 * bytes;
  }
}

/* At a row's end: copied out and in, so that nothing is read or written beyond it. */
INLINE void last_pixels(const struct equal_factors *f, const struct places *at, int both, int format, int pixels) {
  const int bytes = bytes_of_pixel(format), samples = (pixels + 1) / 2;
  uint8_t ys[2][16] = {0}, us[16] = {0}, vs[8] = {0}, made[2][64];
  for (int i = 0; i < 2; i++) memcpy(ys[i], at->ys[i], pixels);
  memcpy(us, at->us, both ? 2 * samples : samples);
  if (!both) memcpy(vs, at->vs, samples);
  const struct places last = {{ys[0], ys[1]}, us, vs, {made[0], made[1]}};
  two_by_sixteen(f, &last, both, format);
  for (int i = 0; i < 2; i++) memcpy(at->to[i], made[i], pixels * bytes);
}

INLINE void two_rows(const struct equal_factors *f, const struct places *rows, int both, int format, int width) {
  const int bytes = bytes_of_pixel(format);
  struct places at = *rows;
  int x = 0;
  for (; x + 32 <= width; x += 32) {
    two_by_sixteen(f, &at, both, format);
    go_on(&at, both, bytes);
    two_by_sixteen(f, &at, both, format);
    go_on(&at, both, bytes);
  }
  if (x + 16 <= width) {
    two_by_sixteen(f, &at, both, format);
    go_on(&at, both, bytes);
    x += 16;
  }
  if (x < width) last_pixels(f, &at, both, format, width - x);
}

INLINE void equal(const struct mr_colours *colours, const uint8_t *const *planes, const int32_t *strides, int both,
                  uint8_t *to, int stride, int format, int width, int height) {
  const int black = colours->luma > 1 << MR_COLOUR_BITS ? 16 : 0;
  /* 7 bits after the point come near enough to each matrix's factor: 149/128 is 0.07 of a level off at white. */
  const int factor = (colours->luma + (1 << (MR_COLOUR_BITS - LUMA_BITS - 1))) >> (MR_COLOUR_BITS - LUMA_BITS);
  /* Nothing is less than 0 before it is shifted: so many levels are added, and taken off behind it. */
  const int below = black ? 19 : 0, start = (below << LUMA_BITS) - black * factor + (1 << (LUMA_BITS - 1));
  const struct equal_factors f = {
      wasm_i16x8_splat((int16_t)factor),
      wasm_i16x8_splat((int16_t)start),
      wasm_i16x8_splat((int16_t)below),
      wasm_i32x4_splat(1 << (DOWN - 1)),
      {pair_of(0, colours->v_red), pair_of(colours->u_green, colours->v_green), pair_of(colours->u_blue, 0)}};
  for (ptrdiff_t row = 0; row < height; row += 2) {
    /* Where there is but one row left, it is made twice. */
    const ptrdiff_t next = row + 1 < height ? row + 1 : row;
    const uint8_t *us = planes[1] + row / 2 * strides[1], *vs = both ? us : planes[2] + row / 2 * strides[2];
    const struct places at = {{planes[0] + row * strides[0], planes[0] + next * strides[0]},
                              us,
                              vs,
                              {to + row * stride, to + next * stride}};
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
