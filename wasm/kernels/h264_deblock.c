/*
 * The deblocking filter. ITU-T H.264, 8.7.2. The samples on one side of an edge are p0, p1, p2, p3, going away from it, on
 * the other side q0 to q3; a vector has one of them for sixteen places along the edge, or for eight.
 */
#include "kernels.h"
#include "simd.h"

INLINE v128_t apart(v128_t a, v128_t b) { return wasm_v128_or(wasm_u8x16_sub_sat(a, b), wasm_u8x16_sub_sat(b, a)); }

INLINE v128_t nearer(v128_t a, v128_t b, v128_t limit) { return wasm_u8x16_lt(apart(a, b), limit); }

/* Where the filter works at all. */
INLINE v128_t where(v128_t p1, v128_t p0, v128_t q0, v128_t q1, v128_t alpha, v128_t beta) {
  return wasm_v128_and(nearer(p0, q0, alpha), wasm_v128_and(nearer(p1, p0, beta), nearer(q1, q0, beta)));
}

/* The change of p0, not yet limited: 8 bits are enough, for a limit is less. */
INLINE v128_t change(v128_t p1, v128_t p0, v128_t q0, v128_t q1) {
  v128_t half[2];
  for (int i = 0; i < 2; i++) {
#define WORDS(bytes) (i == 0 ? wasm_u16x8_extend_low_u8x16(bytes) : wasm_u16x8_extend_high_u8x16(bytes))
    const v128_t near = wasm_i16x8_shl(wasm_i16x8_sub(WORDS(q0), WORDS(p0)), 2);
    const v128_t far = wasm_i16x8_add(wasm_i16x8_sub(WORDS(p1), WORDS(q1)), wasm_i16x8_const_splat(4));
    half[i] = wasm_i16x8_shr(wasm_i16x8_add(near, far), 3);
#undef WORDS
  }
  return wasm_i8x16_narrow_i16x8(half[0], half[1]);
}

/* Moves p0 up and q0 down by the change, within the limit. */
INLINE void meet(v128_t p1, v128_t *p0, v128_t *q0, v128_t q1, v128_t limit) {
  const v128_t zero = wasm_i8x16_const_splat(0);
  v128_t by = change(p1, *p0, *q0, q1);
  by = wasm_i8x16_max(wasm_i8x16_min(by, limit), wasm_i8x16_sub(zero, limit));
  const v128_t up = wasm_i8x16_max(by, zero), down = wasm_i8x16_max(wasm_i8x16_sub(zero, by), zero);
  *p0 = wasm_u8x16_sub_sat(wasm_u8x16_add_sat(*p0, up), down);
  *q0 = wasm_u8x16_sub_sat(wasm_u8x16_add_sat(*q0, down), up);
}

/* p1 or q1, where the sample behind it is near: toward the mean of that and of the edge. */
INLINE v128_t follow(v128_t behind, v128_t sample, v128_t edge, v128_t limit) {
  const v128_t odd = wasm_v128_and(wasm_v128_xor(behind, edge), wasm_i8x16_const_splat(1));
  const v128_t wanted = wasm_i8x16_sub(wasm_u8x16_avgr(behind, edge), odd);
  const v128_t least = wasm_u8x16_sub_sat(sample, limit), most = wasm_u8x16_add_sat(sample, limit);
  return wasm_u8x16_min(wasm_u8x16_max(wanted, least), most);
}

/* Luma, p2 p1 p0 q0 q1 q2; `limits` as given, below 0 where nothing is to be done. 0: no sample changes. */
INLINE int soften(v128_t s[6], int alpha, int beta, v128_t limits) {
  const v128_t p2 = s[0], p1 = s[1], p0 = s[2], q0 = s[3], q1 = s[4], q2 = s[5];
  const v128_t near = wasm_i8x16_splat((int8_t)beta);
  v128_t mask = where(p1, p0, q0, q1, wasm_i8x16_splat((int8_t)alpha), near);
  mask = wasm_v128_and(mask, wasm_i8x16_ge(limits, wasm_i8x16_const_splat(0)));
  if (!wasm_v128_any_true(mask)) return 0;
  const v128_t p_near = wasm_v128_and(nearer(p2, p0, near), mask), q_near = wasm_v128_and(nearer(q2, q0, near), mask);
  const v128_t edge = wasm_u8x16_avgr(p0, q0);
  s[1] = follow(p2, p1, edge, wasm_v128_and(limits, p_near));
  s[4] = follow(q2, q1, edge, wasm_v128_and(limits, q_near));
  /* A mask is -1. */
  const v128_t limit = wasm_i8x16_sub(wasm_i8x16_sub(limits, p_near), q_near);
  meet(p1, &s[2], &s[3], q1, wasm_v128_and(limit, mask));
  return 1;
}

/* Chroma, p1 p0 q0 q1. */
INLINE int soften_chroma(v128_t s[4], int alpha, int beta, v128_t limits) {
  v128_t mask = where(s[0], s[1], s[2], s[3], wasm_i8x16_splat((int8_t)alpha), wasm_i8x16_splat((int8_t)beta));
  mask = wasm_v128_and(mask, wasm_i8x16_gt(limits, wasm_i8x16_const_splat(0)));
  if (!wasm_v128_any_true(mask)) return 0;
  meet(s[0], &s[1], &s[2], s[3], wasm_v128_and(limits, mask));
  return 1;
}

/* (2 * b + a + c + 2) / 4 */
INLINE v128_t blend(v128_t a, v128_t b, v128_t c) {
  /* The mean of a and c rounded down, and of that and b rounded up, is the same to the bit. */
  const v128_t odd = wasm_v128_and(wasm_v128_xor(a, c), wasm_i8x16_const_splat(1));
  return wasm_u8x16_avgr(wasm_i8x16_sub(wasm_u8x16_avgr(a, c), odd), b);
}

/* One side of an edge of an intra macroblock: three samples of that side, which become new ones. */
INLINE void flatten(v128_t p3, v128_t *p2, v128_t *p1, v128_t *p0, v128_t q0, v128_t q1, v128_t mask, v128_t strong) {
  v128_t half[3][2];
  for (int i = 0; i < 2; i++) {
#define WORDS(bytes) (i == 0 ? wasm_u16x8_extend_low_u8x16(bytes) : wasm_u16x8_extend_high_u8x16(bytes))
    const v128_t a = WORDS(*p2), b = WORDS(*p1), c = WORDS(*p0), d = WORDS(q0);
    const v128_t two = wasm_i16x8_const_splat(2), four = wasm_i16x8_const_splat(4);
    const v128_t middle = wasm_i16x8_add(wasm_i16x8_add(b, c), d);
    const v128_t sum = wasm_i16x8_add(middle, a);
    half[0][i] = wasm_u16x8_shr(wasm_i16x8_add(wasm_i16x8_add(sum, middle), wasm_i16x8_add(WORDS(q1), four)), 3);
    half[1][i] = wasm_u16x8_shr(wasm_i16x8_add(sum, two), 2);
    const v128_t back = wasm_i16x8_shl(wasm_i16x8_add(WORDS(p3), a), 1);
    half[2][i] = wasm_u16x8_shr(wasm_i16x8_add(wasm_i16x8_add(back, sum), four), 3);
#undef WORDS
  }
#define BYTES(i) wasm_u8x16_narrow_i16x8(half[i][0], half[i][1])
  const v128_t weak = wasm_v128_bitselect(blend(*p0, *p1, q1), *p0, mask);
  *p0 = wasm_v128_bitselect(BYTES(0), weak, strong);
  *p1 = wasm_v128_bitselect(BYTES(1), *p1, strong);
  *p2 = wasm_v128_bitselect(BYTES(2), *p2, strong);
#undef BYTES
}

/* Luma of an intra macroblock's edge, p3 to q3. */
INLINE int soften_intra(v128_t s[8], int alpha, int beta) {
  const v128_t near = wasm_i8x16_splat((int8_t)beta);
  const v128_t p2 = s[1], p1 = s[2], p0 = s[3], q0 = s[4], q1 = s[5], q2 = s[6];
  const v128_t mask = where(p1, p0, q0, q1, wasm_i8x16_splat((int8_t)alpha), near);
  if (!wasm_v128_any_true(mask)) return 0;
  const v128_t even = wasm_v128_and(mask, nearer(p0, q0, wasm_i8x16_splat((int8_t)((alpha >> 2) + 2))));
  flatten(s[0], &s[1], &s[2], &s[3], q0, q1, mask, wasm_v128_and(even, nearer(p2, p0, near)));
  flatten(s[7], &s[6], &s[5], &s[4], p0, p1, mask, wasm_v128_and(even, nearer(q2, q0, near)));
  return 1;
}

INLINE int soften_chroma_intra(v128_t s[4], int alpha, int beta) {
  const v128_t p1 = s[0], p0 = s[1], q0 = s[2], q1 = s[3];
  const v128_t mask = where(p1, p0, q0, q1, wasm_i8x16_splat((int8_t)alpha), wasm_i8x16_splat((int8_t)beta));
  if (!wasm_v128_any_true(mask)) return 0;
  s[1] = wasm_v128_bitselect(blend(p0, p1, q1), p0, mask);
  s[2] = wasm_v128_bitselect(blend(q0, q1, p1), q0, mask);
  return 1;
}

/* Sixteen rows of eight samples as eight columns. */
INLINE void load_columns_16(const uint8_t *from, ptrdiff_t stride, v128_t column[8]) {
  v128_t a[8], b[8];
  for (int i = 0; i < 8; i++)
    a[i] = zip_bytes_low(wasm_v128_load64_zero(from + i * stride), wasm_v128_load64_zero(from + (i + 8) * stride));
  for (int i = 0; i < 4; i++) b[2 * i] = zip_bytes_low(a[i], a[i + 4]), b[2 * i + 1] = zip_bytes_high(a[i], a[i + 4]);
  for (int i = 0; i < 2; i++) {
    a[4 * i] = zip_bytes_low(b[2 * i], b[2 * i + 4]);
    a[4 * i + 1] = zip_bytes_high(b[2 * i], b[2 * i + 4]);
    a[4 * i + 2] = zip_bytes_low(b[2 * i + 1], b[2 * i + 5]);
    a[4 * i + 3] = zip_bytes_high(b[2 * i + 1], b[2 * i + 5]);
  }
  for (int i = 0; i < 4; i++) {
    column[2 * i] = zip_bytes_low(a[i], a[i + 4]);
    column[2 * i + 1] = zip_bytes_high(a[i], a[i + 4]);
  }
}

/* Eight rows of four samples as four columns, in the lower halves. */
INLINE void load_columns_8(const uint8_t *from, ptrdiff_t stride, v128_t column[4]) {
  v128_t a[4];
  for (int i = 0; i < 4; i++)
    a[i] = zip_bytes_low(wasm_v128_load32_zero(from + i * stride), wasm_v128_load32_zero(from + (i + 4) * stride));
  const v128_t even = zip_bytes_low(a[0], a[2]), odd = zip_bytes_low(a[1], a[3]);
  const v128_t low = zip_bytes_low(even, odd), high = zip_bytes_high(even, odd);
  column[0] = low, column[1] = join_high(low, low), column[2] = high, column[3] = join_high(high, high);
}

/* Four columns as four samples of as many rows, eight or sixteen. */
INLINE void store_columns(uint8_t *to, ptrdiff_t stride, const v128_t column[4], int rows) {
  for (int i = 0; i < rows; i += 8) {
    const v128_t a = i ? zip_bytes_high(column[0], column[1]) : zip_bytes_low(column[0], column[1]);
    const v128_t b = i ? zip_bytes_high(column[2], column[3]) : zip_bytes_low(column[2], column[3]);
    const v128_t low = zip_words_low(a, b), high = zip_words_high(a, b);
    wasm_v128_store32_lane(to, low, 0), to += stride;
    wasm_v128_store32_lane(to, low, 1), to += stride;
    wasm_v128_store32_lane(to, low, 2), to += stride;
    wasm_v128_store32_lane(to, low, 3), to += stride;
    wasm_v128_store32_lane(to, high, 0), to += stride;
    wasm_v128_store32_lane(to, high, 1), to += stride;
    wasm_v128_store32_lane(to, high, 2), to += stride;
    wasm_v128_store32_lane(to, high, 3), to += stride;
  }
}

/* Four limits, each for four places along the edge, or for two. */
INLINE v128_t limits_16(const int8_t *limits) {
  const v128_t four = wasm_v128_load32_zero(limits);
  return wasm_i8x16_shuffle(four, four, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
}
INLINE v128_t limits_8(const int8_t *limits) {
  const v128_t four = wasm_v128_load32_zero(limits);
  return wasm_i8x16_shuffle(four, four, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4);
}

static void below(uint8_t *at, ptrdiff_t stride, int alpha, int beta, int8_t *limits) {
  v128_t s[6];
  for (int i = 0; i < 6; i++) s[i] = wasm_v128_load(at + (i - 3) * stride);
  if (!soften(s, alpha, beta, limits_16(limits))) return;
  for (int i = 1; i < 5; i++) wasm_v128_store(at + (i - 3) * stride, s[i]);
}

static void beside(uint8_t *at, ptrdiff_t stride, int alpha, int beta, int8_t *limits) {
  v128_t s[8];
  load_columns_16(at - 4, stride, s);
  if (soften(s + 1, alpha, beta, limits_16(limits))) store_columns(at - 2, stride, s + 2, 16);
}

static void below_intra(uint8_t *at, ptrdiff_t stride, int alpha, int beta) {
  v128_t s[8];
  for (int i = 0; i < 8; i++) s[i] = wasm_v128_load(at + (i - 4) * stride);
  if (!soften_intra(s, alpha, beta)) return;
  for (int i = 1; i < 7; i++) wasm_v128_store(at + (i - 4) * stride, s[i]);
}

static void beside_intra(uint8_t *at, ptrdiff_t stride, int alpha, int beta) {
  v128_t s[8];
  load_columns_16(at - 4, stride, s);
  if (!soften_intra(s, alpha, beta)) return;
  store_columns(at - 4, stride, s, 16);
  store_columns(at, stride, s + 4, 16);
}

static void below_chroma(uint8_t *at, ptrdiff_t stride, int alpha, int beta, int8_t *limits) {
  v128_t s[4];
  for (int i = 0; i < 4; i++) s[i] = wasm_v128_load64_zero(at + (i - 2) * stride);
  if (!soften_chroma(s, alpha, beta, limits_8(limits))) return;
  for (int i = 1; i < 3; i++) wasm_v128_store64_lane(at + (i - 2) * stride, s[i], 0);
}

static void beside_chroma(uint8_t *at, ptrdiff_t stride, int alpha, int beta, int8_t *limits) {
  v128_t s[4];
  load_columns_8(at - 2, stride, s);
  if (soften_chroma(s, alpha, beta, limits_8(limits))) store_columns(at - 2, stride, s, 8);
}

static void below_chroma_intra(uint8_t *at, ptrdiff_t stride, int alpha, int beta) {
  v128_t s[4];
  for (int i = 0; i < 4; i++) s[i] = wasm_v128_load64_zero(at + (i - 2) * stride);
  if (!soften_chroma_intra(s, alpha, beta)) return;
  for (int i = 1; i < 3; i++) wasm_v128_store64_lane(at + (i - 2) * stride, s[i], 0);
}

static void beside_chroma_intra(uint8_t *at, ptrdiff_t stride, int alpha, int beta) {
  v128_t s[4];
  load_columns_8(at - 2, stride, s);
  if (soften_chroma_intra(s, alpha, beta)) store_columns(at - 2, stride, s, 8);
}

void mr_h264_deblock_kernels(H264DSPContext *table, int chroma_format) {
  table->h264_v_loop_filter_luma = below;
  table->h264_h_loop_filter_luma = beside;
  table->h264_v_loop_filter_luma_intra = below_intra;
  table->h264_h_loop_filter_luma_intra = beside_intra;
  table->h264_v_loop_filter_chroma = below_chroma;
  table->h264_v_loop_filter_chroma_intra = below_chroma_intra;
  if (chroma_format > 1) return;
  table->h264_h_loop_filter_chroma = beside_chroma;
  table->h264_h_loop_filter_chroma_intra = beside_chroma_intra;
}
