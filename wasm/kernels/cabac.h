/*
 * The innermost steps of CABAC in a form that suits WebAssembly: a shift that is counted and not looked up, and a refill
 * without a table. For FFmpeg's source to be compiled with, in the place of its own. ITU-T H.264, 9.3.3.2; H.265, 9.3.4.3.
 */
#ifndef MILLRACE_CABAC_H
#define MILLRACE_CABAC_H

#include <libavcodec/cabac.h>

/* Sixteen bits more, where the last that are there have been shifted out: the lowest bit that is set says how far. */
static inline __attribute__((always_inline)) void mr_refill(CABACContext *reader, int by) {
  const int bits = (reader->bytestream[0] << 9) + (reader->bytestream[1] << 1) - CABAC_MASK;
  reader->low += (int)((unsigned)bits << by);
  /* What FFmpeg's file does not check, it makes up for by bytes beyond the end. */
  if (UNCHECKED_BITSTREAM_READER || reader->bytestream < reader->bytestream_end)
    reader->bytestream += CABAC_BITS / 8;
}

static inline __attribute__((always_inline)) int mr_decide(CABACContext *reader, uint8_t *state) {
  int symbol = *state;
  const int lps = (ff_h264_cabac_tables + H264_LPS_RANGE_OFFSET)[2 * (reader->range & 0xc0) + symbol];
  int range = reader->range - lps;
  const int scaled = range << (CABAC_BITS + 1);
  int less_probable = scaled - reader->low;
  /* Hides from the compiler that this is a comparison: it would choose between two values, where a shift is faster. */
  __asm__("" : "+r"(less_probable));
  less_probable >>= 31;
  range += (lps - range) & less_probable;
  symbol ^= less_probable;
  *state = (ff_h264_cabac_tables + H264_MLPS_STATE_OFFSET + 128)[symbol];
  /* Nine bits are what the range has when nothing is to be shifted. */
  const int shift = __builtin_clz((unsigned)range) - 23;
  reader->range = range << shift;
  reader->low = (int)((unsigned)(reader->low - (scaled & less_probable)) << shift);
  if (__builtin_expect(!(reader->low & CABAC_MASK), 0))
    mr_refill(reader, __builtin_ctz((unsigned)reader->low) - CABAC_BITS);
  return symbol & 1;
}

static inline __attribute__((always_inline)) int mr_decide_sign(CABACContext *reader, int value) {
  reader->low += reader->low;
  if (__builtin_expect(!(reader->low & CABAC_MASK), 0)) mr_refill(reader, 0);
  const int range = reader->range << (CABAC_BITS + 1), low = reader->low - range, negative = low >> 31;
  reader->low = low + (range & negative);
  return (value ^ negative) - negative;
}

/* A bit of even odds: a branch on it would be foretold wrongly every other time. */
static inline __attribute__((always_inline)) int mr_decide_even(CABACContext *reader) {
  reader->low += reader->low;
  if (__builtin_expect(!(reader->low & CABAC_MASK), 0)) mr_refill(reader, 0);
  const int range = reader->range << (CABAC_BITS + 1), low = reader->low - range;
  int negative = low;
  __asm__("" : "+r"(negative));
  negative >>= 31;
  reader->low = low + (range & negative);
  return negative + 1;
}

#define get_cabac_inline mr_decide
#define get_cabac_bypass mr_decide_even
#define get_cabac_bypass_sign mr_decide_sign

#endif
