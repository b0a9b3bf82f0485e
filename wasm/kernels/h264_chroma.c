/* Chroma prediction between samples: bilinear, in eighths. ITU-T H.264, 8.4.2.2.2. */
#include "kernels.h"
#include "simd.h"

/* One row, not yet divided by 64. */
INLINE v128_t sum(v128_t a, v128_t weight_a, v128_t b, v128_t weight_b) {
  return wasm_i16x8_add(wasm_i16x8_mul(a, weight_a), wasm_i16x8_mul(b, weight_b));
}

INLINE void finish(uint8_t *to, v128_t words, int width, int average) {
  const v128_t rounded = wasm_u16x8_shr(wasm_i16x8_add(words, wasm_i16x8_const_splat(32)), 6);
  v128_t bytes = clip_words(rounded);
  if (average) bytes = wasm_u8x16_avgr(bytes, load_bytes(to, width));
  store_bytes(to, bytes, width);
}

INLINE void predict(uint8_t *to, const uint8_t *from, ptrdiff_t stride, int rows, int x, int y, int width,
                    int average) {
  if (x == 0 && y == 0) {
    for (; rows > 0; rows--, to += stride, from += stride) {
      v128_t bytes = load_bytes(from, width);
      if (average) bytes = wasm_u8x16_avgr(bytes, load_bytes(to, width));
      store_bytes(to, bytes, width);
    }
  } else if (x == 0 || y == 0) {
    /* No sample is read that has no weight: it may be beyond the picture. */
    const ptrdiff_t step = y ? stride : 1;
    const v128_t near = wasm_i16x8_splat(64 - 8 * (x + y)), far = wasm_i16x8_splat(8 * (x + y));
    for (; rows > 0; rows--, to += stride, from += stride)
      finish(to, sum(load_words(from, width), near, load_words(from + step, width), far), width, average);
  } else {
    const v128_t left = wasm_i16x8_splat(8 - x), right = wasm_i16x8_splat(x);
    const v128_t upper = wasm_i16x8_splat(8 - y), lower = wasm_i16x8_splat(y);
    v128_t above = sum(load_words(from, width), left, load_words(from + 1, width), right);
    for (; rows > 0; rows--, to += stride) {
      from += stride;
      const v128_t below = sum(load_words(from, width), left, load_words(from + 1, width), right);
      finish(to, sum(above, upper, below, lower), width, average);
      above = below;
    }
  }
}

#define KERNEL(name, width, average)                                                                             \
  static void name(uint8_t *to, uint8_t *from, ptrdiff_t stride, int rows, int x, int y) {                       \
    predict(to, from, stride, rows, x, y, width, average);                                                       \
  }

KERNEL(put_8, 8, 0)
KERNEL(put_4, 4, 0)
KERNEL(average_8, 8, 1)
KERNEL(average_4, 4, 1)

void mr_h264_chroma_kernels(H264ChromaContext *table) {
  table->put_h264_chroma_pixels_tab[0] = put_8;
  table->put_h264_chroma_pixels_tab[1] = put_4;
  table->avg_h264_chroma_pixels_tab[0] = average_8;
  table->avg_h264_chroma_pixels_tab[1] = average_4;
}
