/*
 * The deblocking filter. ITU-T H.265, 8.7.2.5. The samples on one side of an edge are p0 to p3, going away from it, on the
 * other side q0 to q3; a vector has one of them for eight places along the edge, in two parts of four with limits of their
 * own.
 */
#include "kernels.h"
#include "simd.h"

#define ADD wasm_i16x8_add
#define SUB wasm_i16x8_sub
#define WORD(value) wasm_i16x8_splat((int16_t)(value))

/* A value for either part. */
INLINE v128_t parts(int first, int second) {
  const v128_t a = WORD(first), b = WORD(second);
  return wasm_i64x2_shuffle(a, b, 0, 2);
}

/* Each part's first place, and its last. */
INLINE v128_t firsts(v128_t a) { return wasm_i16x8_shuffle(a, a, 0, 0, 0, 0, 4, 4, 4, 4); }
INLINE v128_t lasts(v128_t a) { return wasm_i16x8_shuffle(a, a, 3, 3, 3, 3, 7, 7, 7, 7); }
/* Both at once. */
INLINE v128_t outer_sum(v128_t a) { return ADD(firsts(a), lasts(a)); }
INLINE v128_t outer_and(v128_t a) { return wasm_v128_and(firsts(a), lasts(a)); }

INLINE v128_t within(v128_t value, v128_t limit) {
  return wasm_i16x8_max(wasm_i16x8_min(value, limit), SUB(wasm_i16x8_const_splat(0), limit));
}

INLINE v128_t apart(v128_t a, v128_t b) { return wasm_i16x8_abs(SUB(a, b)); }

/* How far three samples are from a line. */
INLINE v128_t bend(v128_t a, v128_t b, v128_t c) { return wasm_i16x8_abs(ADD(SUB(a, wasm_i16x8_shl(b, 1)), c)); }

/* One side of an edge between areas that are even: three samples of that side. */
INLINE void flatten(v128_t p3, v128_t *p2, v128_t *p1, v128_t *p0, v128_t q0, v128_t q1, v128_t limit, v128_t mask) {
  const v128_t a = *p2, b = *p1, c = *p0;
  const v128_t middle = ADD(ADD(b, c), q0), sum = ADD(middle, a);
  const v128_t near = wasm_i16x8_shr(ADD(ADD(sum, middle), ADD(q1, WORD(4))), 3);
  const v128_t next = wasm_i16x8_shr(ADD(sum, WORD(2)), 2);
  const v128_t far = wasm_i16x8_shr(ADD(ADD(sum, wasm_i16x8_shl(ADD(p3, a), 1)), WORD(4)), 3);
  *p0 = wasm_v128_bitselect(ADD(c, within(SUB(near, c), limit)), c, mask);
  *p1 = wasm_v128_bitselect(ADD(b, within(SUB(next, b), limit)), b, mask);
  *p2 = wasm_v128_bitselect(ADD(a, within(SUB(far, a), limit)), a, mask);
}

/* One side of any other edge: two samples of that side, the farther one where `further` says so. */
INLINE void soften(v128_t p2, v128_t *p1, v128_t *p0, v128_t change, v128_t limit, v128_t mask, v128_t further,
                   int depth) {
  const v128_t mean = wasm_u16x8_avgr(p2, *p0);
  const v128_t by = within(wasm_i16x8_shr(ADD(SUB(mean, *p1), change), 1), wasm_i16x8_shr(limit, 1));
  *p0 = wasm_v128_bitselect(clip_to_depth(ADD(*p0, change), depth), *p0, mask);
  *p1 = wasm_v128_bitselect(clip_to_depth(ADD(*p1, by), depth), *p1, wasm_v128_and(mask, further));
}

/* Luma, s = p3 p2 p1 p0 q0 q1 q2 q3. 0: no sample changes. */
INLINE int filter_luma(v128_t s[8], int beta, const int32_t *limits, const uint8_t *keep_p, const uint8_t *keep_q,
                       int depth) {
  beta <<= depth - 8;
  const v128_t p2 = s[1], p1 = s[2], p0 = s[3], q0 = s[4], q1 = s[5], q2 = s[6];
  const v128_t bend_p = bend(p2, p1, p0), bend_q = bend(q2, q1, q0), bends = ADD(bend_p, bend_q);
  const v128_t mask = wasm_i16x8_lt(outer_sum(bends), WORD(beta));
  if (!wasm_v128_any_true(mask)) return 0;

  const int first = limits[0] << (depth - 8), second = limits[1] << (depth - 8);
  const v128_t limit = parts(first, second);
  const v128_t far = ADD(apart(s[0], p0), apart(s[7], q0));
  v128_t even = wasm_v128_and(wasm_i16x8_lt(far, WORD(beta >> 3)),
                              wasm_i16x8_lt(apart(p0, q0), parts((first * 5 + 1) >> 1, (second * 5 + 1) >> 1)));
  even = wasm_v128_and(even, wasm_i16x8_lt(wasm_i16x8_shl(bends, 1), WORD(beta >> 2)));
  const v128_t strong = wasm_v128_and(mask, outer_and(even));
  const v128_t open_p = parts(keep_p[0] ? 0 : -1, keep_p[1] ? 0 : -1);
  const v128_t open_q = parts(keep_q[0] ? 0 : -1, keep_q[1] ? 0 : -1);

  const v128_t near = SUB(q0, p0), next = SUB(q1, p1);
  const v128_t nine = ADD(wasm_i16x8_shl(near, 3), near), three = ADD(wasm_i16x8_shl(next, 1), next);
  const v128_t change = wasm_i16x8_shr(ADD(SUB(nine, three), WORD(8)), 4);
  v128_t weak = wasm_v128_andnot(mask, strong);
  weak = wasm_v128_and(weak, wasm_i16x8_lt(wasm_i16x8_abs(change), wasm_i16x8_mul(limit, WORD(10))));

  if (wasm_v128_any_true(strong)) {
    const v128_t twice = wasm_i16x8_shl(limit, 1);
    flatten(s[0], &s[1], &s[2], &s[3], q0, q1, twice, wasm_v128_and(strong, open_p));
    flatten(s[7], &s[6], &s[5], &s[4], p0, p1, twice, wasm_v128_and(strong, open_q));
  } else if (!wasm_v128_any_true(weak)) {
    return 0;
  }
  const v128_t by = within(change, limit), bound = WORD((beta + (beta >> 1)) >> 3);
  soften(p2, &s[2], &s[3], by, limit, wasm_v128_and(weak, open_p), wasm_i16x8_lt(outer_sum(bend_p), bound), depth);
  soften(q2, &s[5], &s[4], SUB(wasm_i16x8_const_splat(0), by), limit, wasm_v128_and(weak, open_q),
         wasm_i16x8_lt(outer_sum(bend_q), bound), depth);
  return 1;
}

/* Chroma, s = p1 p0 q0 q1. */
INLINE void filter_chroma(v128_t s[4], const int32_t *limits, const uint8_t *keep_p, const uint8_t *keep_q, int depth) {
  const int first = limits[0] < 0 ? 0 : limits[0] << (depth - 8), second = limits[1] < 0 ? 0 : limits[1] << (depth - 8);
  const v128_t sum = ADD(wasm_i16x8_shl(SUB(s[2], s[1]), 2), ADD(SUB(s[0], s[3]), WORD(4)));
  const v128_t change = within(wasm_i16x8_shr(sum, 3), parts(first, second));
  const v128_t open_p = parts(keep_p[0] ? 0 : -1, keep_p[1] ? 0 : -1);
  const v128_t open_q = parts(keep_q[0] ? 0 : -1, keep_q[1] ? 0 : -1);
  s[1] = clip_to_depth(ADD(s[1], wasm_v128_and(change, open_p)), depth);
  s[2] = clip_to_depth(SUB(s[2], wasm_v128_and(change, open_q)), depth);
}

INLINE void store_samples(uint8_t *to, v128_t words, int depth) {
  if (depth == 8) wasm_v128_store64_lane(to, clip_words(words), 0);
  else wasm_v128_store(to, words);
}

INLINE void below_luma(uint8_t *at, ptrdiff_t stride, int beta, const int32_t *limits, const uint8_t *keep_p,
                       const uint8_t *keep_q, int depth) {
  v128_t s[8];
  for (int i = 0; i < 8; i++) s[i] = load_samples(at + (i - 4) * stride, depth);
  if (!filter_luma(s, beta, limits, keep_p, keep_q, depth)) return;
  for (int i = 1; i < 7; i++) store_samples(at + (i - 4) * stride, s[i], depth);
}

INLINE void beside_luma(uint8_t *at, ptrdiff_t stride, int beta, const int32_t *limits, const uint8_t *keep_p,
                        const uint8_t *keep_q, int depth) {
  v128_t s[8];
  at -= 4 * (depth > 8 ? 2 : 1);
  for (int i = 0; i < 8; i++) s[i] = load_samples(at + i * stride, depth);
  transpose_8x8(s);
  if (!filter_luma(s, beta, limits, keep_p, keep_q, depth)) return;
  transpose_8x8(s);
  for (int i = 0; i < 8; i++) store_samples(at + i * stride, s[i], depth);
}

INLINE void below_chroma(uint8_t *at, ptrdiff_t stride, const int32_t *limits, const uint8_t *keep_p,
                         const uint8_t *keep_q, int depth) {
  v128_t s[4];
  for (int i = 0; i < 4; i++) s[i] = load_samples(at + (i - 2) * stride, depth);
  filter_chroma(s, limits, keep_p, keep_q, depth);
  for (int i = 1; i < 3; i++) store_samples(at + (i - 2) * stride, s[i], depth);
}

INLINE void beside_chroma(uint8_t *at, ptrdiff_t stride, const int32_t *limits, const uint8_t *keep_p,
                          const uint8_t *keep_q, int depth) {
  v128_t row[8], s[4];
  at -= 2 * (depth > 8 ? 2 : 1);
  for (int i = 0; i < 8; i++)
    row[i] = depth == 8 ? load_words(at + i * stride, 4) : wasm_v128_load64_zero(at + i * stride);
  for (int i = 0; i < 4; i++) row[i] = zip_words_low(row[i], row[i + 4]);
  const v128_t even_low = zip_words_low(row[0], row[2]), even_high = zip_words_high(row[0], row[2]);
  const v128_t odd_low = zip_words_low(row[1], row[3]), odd_high = zip_words_high(row[1], row[3]);
  s[0] = zip_words_low(even_low, odd_low), s[1] = zip_words_high(even_low, odd_low);
  s[2] = zip_words_low(even_high, odd_high), s[3] = zip_words_high(even_high, odd_high);
  filter_chroma(s, limits, keep_p, keep_q, depth);
  /* Only the two samples at the edge have changed. */
  const v128_t low = zip_words_low(s[1], s[2]), high = zip_words_high(s[1], s[2]);
  if (depth == 8) {
    const v128_t bytes = wasm_u8x16_narrow_i16x8(low, high);
#define STORE(i) wasm_v128_store16_lane(at + 1 + (i) * stride, bytes, i)
    STORE(0), STORE(1), STORE(2), STORE(3), STORE(4), STORE(5), STORE(6), STORE(7);
#undef STORE
  } else {
#define STORE(i) wasm_v128_store32_lane(at + 2 + (i) * stride, (i) < 4 ? low : high, (i) & 3)
    STORE(0), STORE(1), STORE(2), STORE(3), STORE(4), STORE(5), STORE(6), STORE(7);
#undef STORE
  }
}

#define KERNELS(way, depth)                                                                                       \
  static void way##_luma_##depth(uint8_t *at, ptrdiff_t stride, int beta, int32_t *limits, uint8_t *keep_p,       \
                                 uint8_t *keep_q) {                                                               \
    way##_luma(at, stride, beta, limits, keep_p, keep_q, depth);                                                  \
  }                                                                                                               \
  static void way##_chroma_##depth(uint8_t *at, ptrdiff_t stride, int32_t *limits, uint8_t *keep_p,               \
                                   uint8_t *keep_q) {                                                             \
    way##_chroma(at, stride, limits, keep_p, keep_q, depth);                                                      \
  }
KERNELS(below, 8)
KERNELS(below, 10)
KERNELS(beside, 8)
KERNELS(beside, 10)

#define ENTRIES(depth)                                                                                    \
  table->hevc_h_loop_filter_luma = table->hevc_h_loop_filter_luma_c = below_luma_##depth;                 \
  table->hevc_v_loop_filter_luma = table->hevc_v_loop_filter_luma_c = beside_luma_##depth;                \
  table->hevc_h_loop_filter_chroma = table->hevc_h_loop_filter_chroma_c = below_chroma_##depth;           \
  table->hevc_v_loop_filter_chroma = table->hevc_v_loop_filter_chroma_c = beside_chroma_##depth;

void mr_hevc_deblock_kernels(HEVCDSPContext *table, int depth) {
  if (depth == 8) {
    ENTRIES(8)
  } else if (depth == 10) {
    ENTRIES(10)
  }
}
