/*
 * 4:2:0 into RGB of the same size. Two pixels of a row share their colour, and two rows of pixels lie between two rows of
 * chroma, each nearer to one of them: a quarter of the other is mixed in. Every load and store is checked by the engine, which
 * costs as much as three additions: so nothing is kept in memory on the way.
 */
#include "resize.h"
#include "resize_pixels.h"

#include <string.h>

/* Chroma is multiplied by four where it is mixed. */
enum { DOWN = MR_COLOUR_BITS + 2 - MR_FRACTION, LUMA_BITS = 7 };

struct equal_factors {
  v128_t luma, start, colours[3];
};

/* Where 16 pixels of two rows are read and written, and eight samples of two rows of chroma. */
struct places {
  const uint8_t *ys[2], *us[2], *vs[2];
  uint8_t *to[2];
};

/* Eight samples of U and of V by turns, from -128 on. */
INLINE v128_t load_chroma(const uint8_t *us, const uint8_t *vs, int both) {
  const v128_t uv = both ? wasm_v128_load(us) : zip_bytes_low(wasm_v128_load64_zero(us), wasm_v128_load64_zero(vs));
  return wasm_v128_xor(uv, wasm_i8x16_const_splat(-128));
}

/* Sixteen pixels; to both of a pair the same is added for their colour, four samples of which are in either half. */
INLINE void sixteen(const struct equal_factors *f, const uint8_t *ys, v128_t low, v128_t high, uint8_t *to,
                    int format) {
  const v128_t y = wasm_v128_load(ys);
  const v128_t first = wasm_v128_and(y, wasm_i16x8_const_splat(255)), second = wasm_u16x8_shr(y, 8);
  const v128_t even = wasm_i16x8_add(wasm_u16x8_shr(wasm_i16x8_mul(first, f->luma), 1), f->start);
  const v128_t odd = wasm_i16x8_add(wasm_u16x8_shr(wasm_i16x8_mul(second, f->luma), 1), f->start);
  const v128_t by_turns = wasm_i8x16_const(0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15);
  v128_t channels[3];
  for (int i = 0; i < 3; i++) {
    const v128_t a = wasm_i32x4_shr(wasm_i32x4_dot_i16x8(low, f->colours[i]), DOWN);
    const v128_t b = wasm_i32x4_shr(wasm_i32x4_dot_i16x8(high, f->colours[i]), DOWN);
    const v128_t tint = wasm_i16x8_narrow_i32x4(a, b);
    channels[i] = wasm_i8x16_swizzle(
        wasm_u8x16_narrow_i16x8(wasm_i16x8_shr(wasm_i16x8_add_sat(even, tint), MR_FRACTION),
                                wasm_i16x8_shr(wasm_i16x8_add_sat(odd, tint), MR_FRACTION)),
        by_turns);
  }
  store_pixels(to, channels[0], channels[1], channels[2], format);
}

INLINE void two_by_sixteen(const struct equal_factors *f, const struct places *at, int both, int format) {
  const v128_t above = load_chroma(at->us[0], at->vs[0], both), below = load_chroma(at->us[1], at->vs[1], both);
  const v128_t a = wasm_i16x8_extend_low_i8x16(above), b = wasm_i16x8_extend_high_i8x16(above);
  const v128_t c = wasm_i16x8_extend_low_i8x16(below), d = wasm_i16x8_extend_high_i8x16(below);
  const v128_t low = wasm_i16x8_sub(c, a), high = wasm_i16x8_sub(d, b);
  sixteen(f, at->ys[0], wasm_i16x8_add(wasm_i16x8_shl(a, 2), low), wasm_i16x8_add(wasm_i16x8_shl(b, 2), high),
          at->to[0], format);
  sixteen(f, at->ys[1], wasm_i16x8_sub(wasm_i16x8_shl(c, 2), low), wasm_i16x8_sub(wasm_i16x8_shl(d, 2), high),
          at->to[1], format);
}

INLINE void go_on(struct places *at, int both, int bytes) {
  for (int i = 0; i < 2; i++) {
    at->ys[i] += 16;
    at->us[i] += both ? 16 : 8;
    at->vs[i] += 8;
    at->to[i] += 16 * bytes;
  }
}

/* At a row's end: copied out and in, so that nothing is read or written beyond it. */
INLINE void last_pixels(const struct equal_factors *f, const struct places *at, int both, int format, int pixels) {
  const int bytes = bytes_of_pixel(format), samples = (pixels + 1) / 2;
  uint8_t ys[2][16] = {0}, us[2][16] = {0}, vs[2][8] = {0}, made[2][64];
  for (int i = 0; i < 2; i++) {
    memcpy(ys[i], at->ys[i], pixels);
    memcpy(us[i], at->us[i], both ? 2 * samples : samples);
    if (!both) memcpy(vs[i], at->vs[i], samples);
  }
  const struct places last = {{ys[0], ys[1]}, {us[0], us[1]}, {vs[0], vs[1]}, {made[0], made[1]}};
  two_by_sixteen(f, &last, both, format);
  for (int i = 0; i < 2; i++) memcpy(at->to[i], made[i], pixels * bytes);
}

INLINE void two_rows(const struct equal_factors *f, const struct places *rows, int both, int format, int width) {
  const int bytes = bytes_of_pixel(format);
  struct places at = *rows;
  int x = 0;
  for (; x + PIXELS_WRITTEN <= width; x += 16, go_on(&at, both, bytes)) two_by_sixteen(f, &at, both, format);
  for (; x < width; x += 16, go_on(&at, both, bytes)) {
    last_pixels(f, &at, both, format, width - x < 16 ? width - x : 16);
  }
}

INLINE void equal(const struct mr_colours *colours, const uint8_t *const *planes, const int32_t *strides, int both,
                  uint8_t *to, int stride, int format, int width, int height) {
  const int rows = (height + 1) / 2, black = colours->luma > 1 << MR_COLOUR_BITS ? 16 : 0;
  /* 7 bits after the point come near enough to each matrix's factor: 149/128 is 0.07 of a level off at white. */
  const int factor = (colours->luma + (1 << (MR_COLOUR_BITS - LUMA_BITS - 1))) >> (MR_COLOUR_BITS - LUMA_BITS);
  const struct equal_factors f = {
      wasm_i16x8_splat((int16_t)factor),
      wasm_i16x8_splat((int16_t)((1 << (MR_FRACTION - 1)) - (black * factor >> 1))),
      {pair_of(0, colours->v_red), pair_of(colours->u_green, colours->v_green), pair_of(colours->u_blue, 0)}};
  /* Beyond the first and the last row of chroma there is the same again; where there is but one row, it is made twice. */
  for (int row = -1; row < rows; row++) {
    const int first = row < 0, last = row + 1 == rows;
    const ptrdiff_t above = first ? 0 : row, below = last ? row : row + 1;
    const ptrdiff_t upper = first ? 0 : 2 * row + 1, lower = last ? upper : 2 * row + 2;
    if (upper >= height) return;
    const uint8_t *vs = both ? planes[1] : planes[2];
    const int v_stride = both ? strides[1] : strides[2];
    const struct places at = {{planes[0] + upper * strides[0], planes[0] + lower * strides[0]},
                              {planes[1] + above * strides[1], planes[1] + below * strides[1]},
                              {vs + above * v_stride, vs + below * v_stride},
                              {to + upper * stride, to + lower * stride}};
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
