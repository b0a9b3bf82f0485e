/* Sixteen pixels into memory. */
#ifndef MILLRACE_RESIZE_PIXELS_H
#define MILLRACE_RESIZE_PIXELS_H

#include "../bridge.h"
#include "simd.h"

INLINE int bytes_of_pixel(int format) { return format == MR_RGB24 || format == MR_BGR24 ? 3 : 4; }

/* Twelve bytes of each sixteen: a fourth channel falls out. What is written beyond is what comes next, but for the last. */
INLINE void store_threes(uint8_t *to, v128_t pixels, int last) {
  const v128_t packed = wasm_i8x16_swizzle(pixels, wasm_i8x16_const(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 7, 11, 15));
  if (!last) {
    wasm_v128_store(to, packed);
    return;
  }
  wasm_v128_store64_lane(to, packed, 0);
  wasm_v128_store32_lane(to + 8, packed, 2);
}

INLINE void store_pixels(uint8_t *to, v128_t red, v128_t green, v128_t blue, int format) {
  const int turned = format == MR_BGR24 || format == MR_BGRA;
  const v128_t first = turned ? blue : red, third = turned ? red : blue;
  const v128_t opaque = bytes_of_pixel(format) == 3 ? third : wasm_i8x16_const_splat(-1);
  const v128_t low = zip_bytes_low(first, green), high = zip_bytes_high(first, green);
  const v128_t low_rest = zip_bytes_low(third, opaque), high_rest = zip_bytes_high(third, opaque);
  const v128_t pixels[4] = {zip_words_low(low, low_rest), zip_words_high(low, low_rest), zip_words_low(high, high_rest),
                            zip_words_high(high, high_rest)};
  for (int i = 0; i < 4; i++) {
    if (bytes_of_pixel(format) == 3) store_threes(to + 12 * i, pixels[i], i == 3);
    else wasm_v128_store(to + 16 * i, pixels[i]);
  }
}

#endif
