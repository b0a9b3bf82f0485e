/* Sixteen pixels into memory, out of words that may lie below black or above white. */
#ifndef MILLRACE_RESIZE_PIXELS_H
#define MILLRACE_RESIZE_PIXELS_H

#include "../bridge.h"
#include "simd.h"

INLINE int bytes_of_pixel(int format) { return format == MR_RGB24 || format == MR_BGR24 ? 3 : 4; }
/* The channel that lies first, of red, green and blue; green is always the second. */
INLINE int first_channel(int format) { return format == MR_BGR24 || format == MR_BGRA ? 2 : 0; }

/*
 * What packing needs. The engine makes a constant anew wherever it is used, in four instructions, two of which take a shuffle's
 * place: what was loaded stays in registers. Hence `volatile`, which keeps the compiler from making them constants.
 */
struct packing {
  /* Three bytes a pixel: where two channels go in each of three vectors, where the third goes, and which bytes it has there. */
  v128_t pairs[3], third, thirds[3];
  /* Four bytes a pixel: words of the third channel, and nothing of it. */
  v128_t opaque;
};

enum { NONE = 128, MR_OPAQUE = 0xff00 };
static const volatile uint8_t packing_pairs[3][16] __attribute__((aligned(16))) = {
    {0, 8, NONE, 1, 9, NONE, 2, 10, NONE, 3, 11, NONE, 4, 12, NONE, 5},
    {13, NONE, 6, 14, NONE, 7, 15, NONE, 0, 8, NONE, 1, 9, NONE, 2, 10},
    {NONE, 3, 11, NONE, 4, 12, NONE, 5, 13, NONE, 6, 14, NONE, 7, 15, NONE}};
static const volatile uint8_t packing_third[16] __attribute__((aligned(16))) = {10, 5, 0, 11, 6, 1, 12, 7,
                                                                                2,  13, 8, 3, 14, 9, 4, 15};
static const volatile uint8_t packing_thirds[3][16] __attribute__((aligned(16))) = {
    {0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0},
    {0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0},
    {255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 255}};
static const volatile uint16_t packing_opaque[8] __attribute__((aligned(16))) = {
    MR_OPAQUE, MR_OPAQUE, MR_OPAQUE, MR_OPAQUE, MR_OPAQUE, MR_OPAQUE, MR_OPAQUE, MR_OPAQUE};

INLINE struct packing packing_of(int format) {
  struct packing packing = {0};
  if (bytes_of_pixel(format) == 4) {
    packing.opaque = *(const volatile v128_t *)packing_opaque;
    return packing;
  }
  for (int i = 0; i < 3; i++) {
    packing.pairs[i] = *(const volatile v128_t *)packing_pairs[i];
    packing.thirds[i] = *(const volatile v128_t *)packing_thirds[i];
  }
  packing.third = *(const volatile v128_t *)packing_third;
  return packing;
}

/* Words of eight pixels each. */
struct words {
  v128_t low, high;
};

INLINE v128_t bytes_of(struct words words) { return wasm_u8x16_narrow_i16x8(words.low, words.high); }

/* Each byte of the third channel is moved once, to where it lies in whichever of the three vectors has it. */
INLINE void store_threes(const struct packing *p, struct words first, struct words second, struct words third, uint8_t *to) {
  const v128_t low = wasm_u8x16_narrow_i16x8(first.low, second.low), high = wasm_u8x16_narrow_i16x8(first.high, second.high);
  const v128_t pairs[3] = {low, wasm_i32x4_shuffle(low, high, 4, 1, 6, 3), high};
  const v128_t moved = wasm_i8x16_swizzle(bytes_of(third), p->third);
  for (int i = 0; i < 3; i++) {
    const v128_t pair = wasm_i8x16_swizzle(pairs[i], p->pairs[i]), one = wasm_v128_and(moved, p->thirds[i]);
    wasm_v128_store(to + 16 * i, wasm_v128_or(pair, one));
  }
}

/* The third channel is clipped, with MR_OPAQUE above it. */
INLINE void store_fours(struct words first, struct words second, struct words third, uint8_t *to) {
  const v128_t a = bytes_of(first), b = bytes_of(second), low = zip_bytes_low(a, b), high = zip_bytes_high(a, b);
  wasm_v128_store(to, zip_words_low(low, third.low));
  wasm_v128_store(to + 16, zip_words_high(low, third.low));
  wasm_v128_store(to + 32, zip_words_low(high, third.high));
  wasm_v128_store(to + 48, zip_words_high(high, third.high));
}

INLINE v128_t made_opaque(const struct packing *p, v128_t words) {
  return wasm_u16x8_add_sat(wasm_i16x8_max(words, wasm_i16x8_const_splat(0)), p->opaque);
}

INLINE void store_pixels(const struct packing *p, const struct words channels[3], int format, uint8_t *to) {
  const int at = first_channel(format);
  const struct words first = channels[at], third = channels[2 - at];
  if (bytes_of_pixel(format) == 3) {
    store_threes(p, first, channels[1], third, to);
  } else {
    const struct words opaque = {made_opaque(p, third.low), made_opaque(p, third.high)};
    store_fours(first, channels[1], opaque, to);
  }
}

#endif
