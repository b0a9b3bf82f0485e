/* Words of Y, U and V into colours. ITU-T H.273, 8.3. */
#include "resize.h"
#include "resize_pixels.h"

#include <math.h>
#include <string.h>

enum { SHIFT = MR_FRACTION + MR_COLOUR_BITS };

void mr_colours_make(struct mr_colours *colours, int matrix, int full) {
  double red = 0.299, blue = 0.114;
  if (matrix == 0 || matrix == 1) red = 0.2126, blue = 0.0722;
  if (matrix == 4) red = 0.30, blue = 0.11;
  if (matrix == 7) red = 0.212, blue = 0.087;
  if (matrix == 9 || matrix == 10) red = 0.2627, blue = 0.0593;
  const double one = 1 << MR_COLOUR_BITS, luma = full ? 1 : 255.0 / 219, chroma = full ? 1 : 255.0 / 224;
  const double black = full ? 0 : 16, green = 1 - red - blue;
  const double v_red = 2 * (1 - red) * chroma, u_blue = 2 * (1 - blue) * chroma;
  const double u_green = -u_blue * blue / green, v_green = -v_red * red / green;
  colours->luma = lrint(luma * one);
  colours->v_red = lrint(v_red * one);
  colours->u_green = lrint(u_green * one);
  colours->v_green = lrint(v_green * one);
  colours->u_blue = lrint(u_blue * one);
  /* From the factors as they were rounded, so that grey stays grey. */
  const double unit = 1 << MR_FRACTION, offset = -black * luma * one;
  colours->red_start = lrint(unit * (offset - 128.0 * colours->v_red));
  colours->green_start = lrint(unit * (offset - 128.0 * (colours->u_green + colours->v_green)));
  colours->blue_start = lrint(unit * (offset - 128.0 * colours->u_blue));
  for (int i = 0; i < 3; i++) colours->scale[i] = 1.0f / 255, colours->start[i] = 0;
}

/* What a row's loop keeps in registers. */
struct factors {
  v128_t red, green, green_u, blue, red_start, green_start, blue_start;
};

INLINE struct factors factors_of(const struct mr_colours *colours, int half) {
  return (struct factors){
      pair_of(colours->luma, colours->v_red),
      pair_of(colours->luma, colours->v_green),
      pair_of(colours->u_green, 0),
      pair_of(colours->u_blue, colours->luma),
      wasm_i32x4_splat(colours->red_start + half),
      wasm_i32x4_splat(colours->green_start + half),
      wasm_i32x4_splat(colours->blue_start + half),
  };
}

/* Four pixels' colours, out of Y and V, and of U and Y, by turns. */
INLINE v128_t red_of(const struct factors *f, v128_t yv) {
  return wasm_i32x4_add(wasm_i32x4_dot_i16x8(yv, f->red), f->red_start);
}
INLINE v128_t green_of(const struct factors *f, v128_t yv, v128_t uy) {
  const v128_t sum = wasm_i32x4_add(wasm_i32x4_dot_i16x8(yv, f->green), wasm_i32x4_dot_i16x8(uy, f->green_u));
  return wasm_i32x4_add(sum, f->green_start);
}
INLINE v128_t blue_of(const struct factors *f, v128_t uy) {
  return wasm_i32x4_add(wasm_i32x4_dot_i16x8(uy, f->blue), f->blue_start);
}

INLINE v128_t whole(v128_t low, v128_t high) {
  return wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(low, SHIFT), wasm_i32x4_shr(high, SHIFT));
}

INLINE void rgb_block(const struct factors *f, const struct packing *packing, const int16_t *ys, const int16_t *us,
                      const int16_t *vs, uint8_t *to, int format) {
  v128_t made[2][3];
  for (int i = 0; i < 2; i++) {
    const v128_t y = wasm_v128_load(ys + 8 * i), u = wasm_v128_load(us + 8 * i), v = wasm_v128_load(vs + 8 * i);
    const v128_t yv_low = zip_words_low(y, v), yv_high = zip_words_high(y, v);
    const v128_t uy_low = zip_words_low(u, y), uy_high = zip_words_high(u, y);
    made[i][0] = whole(red_of(f, yv_low), red_of(f, yv_high));
    made[i][1] = whole(green_of(f, yv_low, uy_low), green_of(f, yv_high, uy_high));
    made[i][2] = whole(blue_of(f, uy_low), blue_of(f, uy_high));
  }
  const struct words channels[3] = {{made[0][0], made[1][0]}, {made[0][1], made[1][1]}, {made[0][2], made[1][2]}};
  store_pixels(packing, channels, format, to);
}

INLINE void rgb_row(const struct mr_colours *colours, const int16_t *y, const int16_t *u, const int16_t *v, uint8_t *to,
                    int format, int width) {
  const struct factors f = factors_of(colours, 1 << (SHIFT - 1));
  const struct packing packing = packing_of(format);
  const int bytes = bytes_of_pixel(format);
  int at = 0;
  for (; at + 16 <= width; at += 16) rgb_block(&f, &packing, y + at, u + at, v + at, to + bytes * at, format);
  if (at == width) return;
  uint8_t last[64];
  rgb_block(&f, &packing, y + at, u + at, v + at, last, format);
  memcpy(to + bytes * at, last, (width - at) * bytes);
}

void mr_row_to_rgb(const struct mr_colours *colours, const int16_t *y, const int16_t *u, const int16_t *v, uint8_t *to,
                   int format, int width) {
  if (format == MR_RGB24) rgb_row(colours, y, u, v, to, MR_RGB24, width);
  else if (format == MR_BGR24) rgb_row(colours, y, u, v, to, MR_BGR24, width);
  else if (format == MR_RGBA) rgb_row(colours, y, u, v, to, MR_RGBA, width);
  else rgb_row(colours, y, u, v, to, MR_BGRA, width);
}

/* Four of one channel, which are not below black nor above white. */
INLINE v128_t to_floats(v128_t sums, float scale, float start) {
  const v128_t white = wasm_f32x4_const_splat(255.0f * (1 << SHIFT));
  v128_t value = wasm_f32x4_convert_i32x4(sums);
  value = wasm_f32x4_pmin(wasm_f32x4_pmax(value, wasm_f32x4_const_splat(0)), white);
  return wasm_f32x4_add(wasm_f32x4_mul(value, wasm_f32x4_splat(scale)), wasm_f32x4_splat(start));
}

INLINE void floats_block(const struct mr_colours *colours, const struct factors *f, const int16_t *ys, const int16_t *us,
                         const int16_t *vs, float *red, float *green, float *blue) {
  const float one = 1.0f / (1 << SHIFT), *start = colours->start;
  const float scale[3] = {colours->scale[0] * one, colours->scale[1] * one, colours->scale[2] * one};
  for (int i = 0; i < 8; i += 4) {
    const v128_t y = wasm_v128_load64_zero(ys + i), u = wasm_v128_load64_zero(us + i);
    const v128_t yv = zip_words_low(y, wasm_v128_load64_zero(vs + i)), uy = zip_words_low(u, y);
    wasm_v128_store(red + i, to_floats(red_of(f, yv), scale[0], start[0]));
    wasm_v128_store(green + i, to_floats(green_of(f, yv, uy), scale[1], start[1]));
    wasm_v128_store(blue + i, to_floats(blue_of(f, uy), scale[2], start[2]));
  }
}

void mr_row_to_floats(const struct mr_colours *colours, const int16_t *y, const int16_t *u, const int16_t *v,
                      float *const *to, int width) {
  const struct factors f = factors_of(colours, 0);
  int at = 0;
  for (; at + 8 <= width; at += 8) {
    floats_block(colours, &f, y + at, u + at, v + at, to[0] + at, to[1] + at, to[2] + at);
  }
  if (at == width) return;
  float last[3][8];
  floats_block(colours, &f, y + at, u + at, v + at, last[0], last[1], last[2]);
  for (int i = 0; i < 3; i++) memcpy(to[i] + at, last[i], (width - at) * sizeof(float));
}

void mr_row_to_grey(int luma, int start, const int16_t *y, uint8_t *to, int width) {
  const v128_t factor = pair_of(luma, 0), begin = wasm_i32x4_splat(start + (1 << (SHIFT - 1)));
  for (int at = 0; at < width; at += 8) {
    const v128_t words = wasm_v128_load(y + at), none = wasm_i16x8_const_splat(0);
    const v128_t low = wasm_i32x4_add(wasm_i32x4_dot_i16x8(zip_words_low(words, none), factor), begin);
    const v128_t high = wasm_i32x4_add(wasm_i32x4_dot_i16x8(zip_words_high(words, none), factor), begin);
    uint8_t bytes[8];
    const v128_t grey = clip_words(whole(low, high));
    if (at + 8 <= width) {
      wasm_v128_store64_lane(to + at, grey, 0);
    } else {
      wasm_v128_store64_lane(bytes, grey, 0);
      memcpy(to + at, bytes, width - at);
    }
  }
}
