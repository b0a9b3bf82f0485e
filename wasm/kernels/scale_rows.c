/* swscale's two inner loops over samples of 8 bits: a row made narrower or wider, and rows summed into one. */
#include "scale.h"
#include "simd.h"

/* Four sums of four lanes each, one a lane. */
static v128_t sum_each(v128_t a, v128_t b, v128_t c, v128_t d) {
  v128_t ab = wasm_i32x4_add(zip_longs_low(a, b), zip_longs_high(a, b));
  v128_t cd = wasm_i32x4_add(zip_longs_low(c, d), zip_longs_high(c, d));
  return wasm_i32x4_add(join_low(ab, cd), join_high(ab, cd));
}

/* Samples times taps in four partial sums. `last` has ones in the lanes of the taps beyond the last eight. */
INLINE v128_t taps(const uint8_t *from, const int16_t *filter, int count, v128_t last) {
  v128_t sum = wasm_i32x4_splat(0);
  int tap = 0;
  for (; tap + 8 <= count; tap += 8) {
    sum = wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(wasm_u16x8_load8x8(from + tap), wasm_v128_load(filter + tap)));
  }
  if (tap == count) return sum;
  /* Up to seven samples and taps more are read than there are; they count as nothing. */
  v128_t rest = wasm_v128_and(wasm_v128_load(filter + tap), last);
  return wasm_i32x4_add(sum, wasm_i32x4_dot_i16x8(wasm_u16x8_load8x8(from + tap), rest));
}

INLINE v128_t lanes_below(int count) {
  return wasm_i16x8_lt(wasm_i16x8_const(0, 1, 2, 3, 4, 5, 6, 7), wasm_i16x8_splat((int16_t)count));
}

INLINE v128_t two_taps(const uint8_t *from, const int32_t *position, const int16_t *filter) {
  v128_t pairs = wasm_i16x8_splat(0);
  pairs = wasm_v128_load16_lane(from + position[0], pairs, 0);
  pairs = wasm_v128_load16_lane(from + position[1], pairs, 1);
  pairs = wasm_v128_load16_lane(from + position[2], pairs, 2);
  pairs = wasm_v128_load16_lane(from + position[3], pairs, 3);
  return wasm_i32x4_dot_i16x8(wasm_u16x8_extend_low_u8x16(pairs), wasm_v128_load(filter));
}

INLINE v128_t four_taps(const uint8_t *from, const int32_t *position, const int16_t *filter) {
  v128_t a = wasm_v128_load32_lane(from + position[1], wasm_v128_load32_zero(from + position[0]), 1);
  v128_t b = wasm_v128_load32_lane(from + position[3], wasm_v128_load32_zero(from + position[2]), 1);
  a = wasm_i32x4_dot_i16x8(wasm_u16x8_extend_low_u8x16(a), wasm_v128_load(filter));
  b = wasm_i32x4_dot_i16x8(wasm_u16x8_extend_low_u8x16(b), wasm_v128_load(filter + 8));
  return wasm_i32x4_add(wasm_i32x4_shuffle(a, b, 0, 2, 4, 6), wasm_i32x4_shuffle(a, b, 1, 3, 5, 7));
}

/* As swscale's own for 8 bits into 15: each sample is a sum of `count` samples from `position` on, weighted. */
void mr_scale_row(SwsContext *context, int16_t *to, int width, const uint8_t *from, const int16_t *filter,
                  const int32_t *position, int count) {
  (void)context;
  const v128_t last = lanes_below(count % 8);
  int at = 0;
  for (; count > 1 && at + 4 <= width; at += 4) {
    const int16_t *weights = filter + at * count;
    const int32_t *places = position + at;
    v128_t sums;
    if (count == 2) sums = two_taps(from, places, weights);
    else if (count == 4) sums = four_taps(from, places, weights);
    else {
      sums = sum_each(taps(from + places[0], weights, count, last), taps(from + places[1], weights + count, count, last),
                      taps(from + places[2], weights + 2 * count, count, last),
                      taps(from + places[3], weights + 3 * count, count, last));
    }
    sums = wasm_i32x4_shr(sums, 7);
    wasm_v128_store64_lane(to + at, wasm_i16x8_narrow_i32x4(sums, sums), 0);
  }
  for (; at < width; at++) {
    int sum = 0;
    for (int tap = 0; tap < count; tap++) sum += from[position[at] + tap] * filter[at * count + tap];
    sum >>= 7;
    to[at] = (int16_t)(sum > 32767 ? 32767 : sum);
  }
}

/* Eight sums over rows, weighted, of samples from `at` on, each begun with `low` or `high`, without their fraction. */
INLINE v128_t sum_rows(const int16_t *filter, int count, const int16_t **rows, int at, v128_t low, v128_t high) {
  for (int row = 0; row < count; row++) {
    v128_t samples = wasm_v128_load(rows[row] + at), weight = wasm_i16x8_splat(filter[row]);
    low = wasm_i32x4_add(low, wasm_i32x4_extmul_low_i16x8(samples, weight));
    high = wasm_i32x4_add(high, wasm_i32x4_extmul_high_i16x8(samples, weight));
  }
  return wasm_i16x8_narrow_i32x4(wasm_i32x4_shr(low, 19), wasm_i32x4_shr(high, 19));
}

INLINE int sum_one(const int16_t *filter, int count, const int16_t **rows, int at, int32_t start) {
  uint32_t sum = (uint32_t)start;
  for (int row = 0; row < count; row++) sum += (uint32_t)(rows[row][at] * filter[row]);
  return (int32_t)sum >> 19;
}

/* As swscale's own for 15 bits into 8: each sample is a sum over `count` rows, weighted, with what rounds it off. */
void mr_sum_rows(const int16_t *filter, int count, const int16_t **rows, uint8_t *to, int width, const uint8_t *dither,
                 int offset) {
  int32_t start[8];
  for (int i = 0; i < 8; i++) start[i] = dither[(i + offset) & 7] << 12;
  const v128_t low = wasm_v128_load(start), high = wasm_v128_load(start + 4);
  int at = 0;
  for (; at + 8 <= width; at += 8) {
    wasm_v128_store64_lane(to + at, clip_words(sum_rows(filter, count, rows, at, low, high)), 0);
  }
  for (; at < width; at++) {
    int sum = sum_one(filter, count, rows, at, start[at & 7]);
    to[at] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
  }
}

/* Two pixels that share their colour, by swscale's tables. */
INLINE void two_pixels(const SwsContext *context, uint8_t *to, int y1, int y2, int u, int v) {
  const uint8_t *red = context->table_rV[v + YUVRGB_TABLE_HEADROOM];
  const uint8_t *green = context->table_gU[u + YUVRGB_TABLE_HEADROOM] + context->table_gV[v + YUVRGB_TABLE_HEADROOM];
  const uint8_t *blue = context->table_bU[u + YUVRGB_TABLE_HEADROOM];
  to[0] = red[y1];
  to[1] = green[y1];
  to[2] = blue[y1];
  to[3] = red[y2];
  to[4] = green[y2];
  to[5] = blue[y2];
}

/* As swscale's own for RGB24 of an even width: rows of luma and of chroma, which is half as wide, summed and put together. */
void mr_rgb24_row(SwsContext *context, const int16_t *luma_filter, const int16_t **luma, int luma_count,
                  const int16_t *chroma_filter, const int16_t **us, const int16_t **vs, int chroma_count,
                  const int16_t **alpha, uint8_t *to, int width, int y) {
  (void)alpha, (void)y;
  enum { HALF = 1 << 18 };
  const v128_t half = wasm_i32x4_splat(HALF);
  const int pairs = (width + 1) >> 1;
  int at = 0;
  for (; at + 8 <= pairs; at += 8) {
    int16_t ys[16], u[8], v[8];
    wasm_v128_store(ys, sum_rows(luma_filter, luma_count, luma, 2 * at, half, half));
    wasm_v128_store(ys + 8, sum_rows(luma_filter, luma_count, luma, 2 * at + 8, half, half));
    wasm_v128_store(u, sum_rows(chroma_filter, chroma_count, us, at, half, half));
    wasm_v128_store(v, sum_rows(chroma_filter, chroma_count, vs, at, half, half));
    for (int i = 0; i < 8; i++) two_pixels(context, to + 6 * (at + i), ys[2 * i], ys[2 * i + 1], u[i], v[i]);
  }
  for (; at < pairs; at++) {
    two_pixels(context, to + 6 * at, sum_one(luma_filter, luma_count, luma, 2 * at, HALF),
               sum_one(luma_filter, luma_count, luma, 2 * at + 1, HALF),
               sum_one(chroma_filter, chroma_count, us, at, HALF), sum_one(chroma_filter, chroma_count, vs, at, HALF));
  }
}
