/* Luma prediction between samples, in quarters. ITU-T H.264, 8.4.2.2.1. */
#include "kernels.h"
#include "simd.h"

/* The filter with six taps: 1, -5, 20, 20, -5, 1. Of samples, it needs 15 bits. */
INLINE v128_t six_taps(v128_t a, v128_t b, v128_t c, v128_t d, v128_t e, v128_t f) {
  const v128_t inner = wasm_i16x8_add(c, d), middle = wasm_i16x8_add(b, e), outer = wasm_i16x8_add(a, f);
  const v128_t times_five = wasm_i16x8_sub(wasm_i16x8_shl(inner, 2), middle);
  return wasm_i16x8_add(wasm_i16x8_mul(times_five, wasm_i16x8_const_splat(5)), outer);
}

/* The same of its own results, divided by 16, rounded down. What saturates here is beyond 0 or 255 in the end. */
INLINE v128_t six_taps_again(v128_t a, v128_t b, v128_t c, v128_t d, v128_t e, v128_t f) {
  const v128_t inner = wasm_i16x8_add(c, d), middle = wasm_i16x8_add(b, e), outer = wasm_i16x8_add(a, f);
  const v128_t quarter = wasm_i16x8_shr(wasm_i16x8_sub(outer, middle), 2);
  const v128_t next = wasm_i16x8_add_sat(wasm_i16x8_sub(quarter, middle), inner);
  return wasm_i16x8_add(wasm_i16x8_shr(next, 2), inner);
}

INLINE v128_t across(const uint8_t *from, int width) {
  return six_taps(load_words(from - 2, width), load_words(from - 1, width), load_words(from, width),
                  load_words(from + 1, width), load_words(from + 2, width), load_words(from + 3, width));
}

/* Results of six_taps() as samples, of six_taps_again() as samples. */
INLINE v128_t once(v128_t words) {
  return clip_words(wasm_i16x8_shr(wasm_i16x8_add(words, wasm_i16x8_const_splat(16)), 5));
}
INLINE v128_t twice(v128_t words) {
  return clip_words(wasm_i16x8_shr(wasm_i16x8_add(words, wasm_i16x8_const_splat(32)), 6));
}

INLINE void finish(uint8_t *to, v128_t bytes, int width, int average) {
  if (average) bytes = wasm_u8x16_avgr(bytes, load_bytes(to, width));
  store_bytes(to, bytes, width);
}

/* A column of the block, four or eight samples wide, `x` and `y` quarters to the right and below. */
INLINE void column(uint8_t *to, const uint8_t *from, ptrdiff_t stride, int rows, int width, int x, int y, int average) {
  /* Where both are odd, a sample is the mean of one from across and one from down; which, the nearer ones say. */
  const uint8_t *beside = from + (x == 3), *below = from + (y == 3 ? stride : 0);
  if (y == 0) {
    for (int i = 0; i < rows; i++, to += stride, from += stride, beside += stride) {
      v128_t bytes = once(across(from, width));
      if (x != 2) bytes = wasm_u8x16_avgr(bytes, load_bytes(beside, width));
      finish(to, bytes, width, average);
    }
  } else if (x != 2) {
    const uint8_t *at = beside - 2 * stride;
    v128_t a = load_words(at, width), b = load_words(at + stride, width), c = load_words(at + 2 * stride, width);
    v128_t d = load_words(at + 3 * stride, width), e = load_words(at + 4 * stride, width);
    at += 5 * stride;
    v128_t g[5];
    if (x != 0 && y == 2) {
      /* Down, and the mean with both: the rows across are filtered downwards once more. */
      const uint8_t *row = from - 2 * stride;
      for (int i = 0; i < 5; i++, row += stride) g[i] = across(row, width);
      from = row;
    }
    for (int i = 0; i < rows; i++, to += stride, at += stride, from += stride, below += stride) {
      const v128_t f = load_words(at, width);
      v128_t bytes = once(six_taps(a, b, c, d, e, f));
      if (x == 0) {
        if (y != 2) bytes = wasm_u8x16_avgr(bytes, load_bytes(below, width));
      } else if (y == 2) {
        const v128_t last = across(from, width);
        bytes = wasm_u8x16_avgr(bytes, twice(six_taps_again(g[0], g[1], g[2], g[3], g[4], last)));
        g[0] = g[1], g[1] = g[2], g[2] = g[3], g[3] = g[4], g[4] = last;
      } else {
        bytes = wasm_u8x16_avgr(bytes, once(across(below, width)));
      }
      finish(to, bytes, width, average);
      a = b, b = c, c = d, d = e, e = f;
    }
  } else {
    from -= 2 * stride;
    v128_t a = across(from, width), b = across(from + stride, width), c = across(from + 2 * stride, width);
    v128_t d = across(from + 3 * stride, width), e = across(from + 4 * stride, width);
    from += 5 * stride;
    for (int i = 0; i < rows; i++, to += stride, from += stride) {
      const v128_t f = across(from, width);
      v128_t bytes = twice(six_taps_again(a, b, c, d, e, f));
      if (y != 2) bytes = wasm_u8x16_avgr(bytes, once(y == 3 ? d : c));
      finish(to, bytes, width, average);
      a = b, b = c, c = d, d = e, e = f;
    }
  }
}

INLINE void predict(uint8_t *to, const uint8_t *from, ptrdiff_t stride, int size, int x, int y, int average) {
  if (x == 0 && y == 0) {
    for (int i = 0; i < size; i++, to += stride, from += stride) {
      if (size < 16) {
        finish(to, load_bytes(from, size), size, average);
      } else {
        v128_t bytes = wasm_v128_load(from);
        if (average) bytes = wasm_u8x16_avgr(bytes, wasm_v128_load(to));
        wasm_v128_store(to, bytes);
      }
    }
    return;
  }
  const int width = size == 4 ? 4 : 8;
  for (int i = 0; i < size; i += width) column(to + i, from + i, stride, size, width, x, y, average);
}

#define KERNEL(name, size, x, y, average)                                                  \
  static void name##_##size##_##x##y(uint8_t *to, const uint8_t *from, ptrdiff_t stride) { \
    predict(to, from, stride, size, x, y, average);                                        \
  }
#define ROW(name, size, y, average) \
  KERNEL(name, size, 0, y, average) \
  KERNEL(name, size, 1, y, average) \
  KERNEL(name, size, 2, y, average) \
  KERNEL(name, size, 3, y, average)
#define BLOCK(name, size, average) \
  ROW(name, size, 0, average)      \
  ROW(name, size, 1, average)      \
  ROW(name, size, 2, average)      \
  ROW(name, size, 3, average)

BLOCK(put, 16, 0)
BLOCK(put, 8, 0)
BLOCK(put, 4, 0)
BLOCK(average, 16, 1)
BLOCK(average, 8, 1)
BLOCK(average, 4, 1)

#define ENTRIES(name, size, y) name##_##size##_0##y, name##_##size##_1##y, name##_##size##_2##y, name##_##size##_3##y
#define TABLE(name, size) \
  { ENTRIES(name, size, 0), ENTRIES(name, size, 1), ENTRIES(name, size, 2), ENTRIES(name, size, 3) }

void mr_h264_qpel_kernels(H264QpelContext *table) {
  static const qpel_mc_func put[3][16] = {TABLE(put, 16), TABLE(put, 8), TABLE(put, 4)};
  static const qpel_mc_func average[3][16] = {TABLE(average, 16), TABLE(average, 8), TABLE(average, 4)};
  for (int size = 0; size < 3; size++)
    for (int i = 0; i < 16; i++) {
      table->put_h264_qpel_pixels_tab[size][i] = put[size][i];
      table->avg_h264_qpel_pixels_tab[size][i] = average[size][i];
    }
}
