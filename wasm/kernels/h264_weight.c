/* Weighted prediction. ITU-T H.264, 8.4.2.3.2. */
#include "kernels.h"
#include "simd.h"

/* Eight samples beside another eight, each pair with its two weights, rounded and divided: 32 bits, cut to 0 .. 255. */
INLINE v128_t weigh(v128_t a, v128_t b, v128_t weights, v128_t offset, int shift) {
  const v128_t low = wasm_i32x4_add(wasm_i32x4_dot_i16x8(zip_words_low(a, b), weights), offset);
  const v128_t high = wasm_i32x4_add(wasm_i32x4_dot_i16x8(zip_words_high(a, b), weights), offset);
  return clip_words(wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(low, shift), wasm_i32x4_shr(high, shift)));
}

INLINE v128_t pair(int a, int b) { return wasm_i32x4_splat((int32_t)((uint32_t)(uint16_t)a | (uint32_t)b << 16)); }

/* Encoders give weights for all references or for none: many weigh nothing. */
INLINE void one(uint8_t *block, ptrdiff_t stride, int rows, int shift, int weight, int offset, int size) {
  if (weight == 1 << shift && offset == 0) return;
  const v128_t weights = pair(weight, 0), none = wasm_i16x8_const_splat(0);
  const v128_t added = wasm_i32x4_splat((int32_t)((uint32_t)offset << shift) + (shift ? 1 << (shift - 1) : 0));
  const int width = size == 4 ? 4 : 8;
  for (; rows > 0; rows--, block += stride)
    for (int i = 0; i < size; i += width)
      store_bytes(block + i, weigh(load_words(block + i, width), none, weights, added, shift), width);
}

INLINE void two(uint8_t *to, const uint8_t *from, ptrdiff_t stride, int rows, int shift, int weight_to,
                int weight_from, int offset, int size) {
  const v128_t weights = pair(weight_to, weight_from);
  const v128_t added = wasm_i32x4_splat((int32_t)((uint32_t)((offset + 1) | 1) << shift));
  const int width = size == 4 ? 4 : 8;
  for (; rows > 0; rows--, to += stride, from += stride)
    for (int i = 0; i < size; i += width)
      store_bytes(to + i, weigh(load_words(to + i, width), load_words(from + i, width), weights, added, shift + 1),
                  width);
}

#define KERNELS(size)                                                                                              \
  static void one_##size(uint8_t *block, ptrdiff_t stride, int rows, int shift, int weight, int offset) {         \
    one(block, stride, rows, shift, weight, offset, size);                                                         \
  }                                                                                                                \
  static void two_##size(uint8_t *to, uint8_t *from, ptrdiff_t stride, int rows, int shift, int weight_to,        \
                         int weight_from, int offset) {                                                            \
    two(to, from, stride, rows, shift, weight_to, weight_from, offset, size);                                      \
  }

KERNELS(16)
KERNELS(8)
KERNELS(4)

void mr_h264_weight_kernels(H264DSPContext *table) {
  table->weight_h264_pixels_tab[0] = one_16;
  table->weight_h264_pixels_tab[1] = one_8;
  table->weight_h264_pixels_tab[2] = one_4;
  table->biweight_h264_pixels_tab[0] = two_16;
  table->biweight_h264_pixels_tab[1] = two_8;
  table->biweight_h264_pixels_tab[2] = two_4;
}
