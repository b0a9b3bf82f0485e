/*
 * The coefficients of a block by CABAC, for samples of 8 bits: where most of a stream's bits are read. ITU-T H.264, 7.3.5.3.3
 * and 9.3.3. For h264_macroblock.c, in the place of FFmpeg's.
 *
 * The reader is kept in variables of another form than FFmpeg's: it takes 48 bits at a time in the place of 16, and one table
 * gives all that is asked about a state. Which coefficients are there is a set of bits, not a list in memory.
 */
#ifndef MILLRACE_H264_RESIDUAL_H
#define MILLRACE_H264_RESIDUAL_H

#include "h264_fixed.h"

#include <libavcodec/cabac.h>

/*
 * For the range's bits 6 and 7, and a state: eight times the range of the less probable symbol in the lower half, the state
 * after the more probable symbol above it, and at the top what makes of that the state after the less probable one, by XOR.
 */
static uint32_t residual_steps[4 * 128];

static void init_residual_steps(void) {
  for (unsigned range = 0; range < 4; range++)
    for (unsigned state = 0; state < 128; state++) {
      const uint32_t lps = (ff_h264_cabac_tables + H264_LPS_RANGE_OFFSET)[range * 128 + state];
      const uint8_t *next = ff_h264_cabac_tables + H264_MLPS_STATE_OFFSET + 128;
      residual_steps[range * 128 + state] =
          8 * lps | (uint32_t)(__builtin_clz(lps) - 23) << 11 | (uint32_t)next[state] << 16 | (uint32_t)(next[state] ^ next[-1 - (int)state]) << 24;
    }
}

/*
 * As FFmpeg's reader, but `low` has 32 bits more below, and the range is eight times as much. What comes next is asked for so
 * rarely that it stays in FFmpeg's: the engine has few registers to give.
 */
struct residual_reader {
  uint64_t low;
  uint32_t range;
};

enum { RESIDUAL_BITS = CABAC_BITS + 32 };
#define RESIDUAL_MASK (((uint64_t)1 << RESIDUAL_BITS) - 1)

#define RESIDUAL_INLINE static inline __attribute__((always_inline))

/* Hides from the compiler what a value was made of: it would choose by a comparison, or put off what can be done early. */
#define RESIDUAL_HIDE(value) __asm__("" : "+r"(value))

RESIDUAL_INLINE struct residual_reader residual_begin(const CABACContext *from) {
  return (struct residual_reader){(uint64_t)(uint32_t)from->low << 32, 8 * (uint32_t)from->range};
}

/* FFmpeg's reader has 16 bits at most that are not decided yet: what is beyond is given back. */
RESIDUAL_INLINE void residual_end(const struct residual_reader *reader, CABACContext *to) {
  const unsigned taken = (unsigned)__builtin_ctzll(reader->low), within = taken & 15;
  const uint32_t low = (uint32_t)(reader->low >> 32);
  to->low = (int)((low & (uint32_t)-(2 << within)) | 1u << within);
  to->range = (int)(reader->range >> 3);
  to->bytestream -= 2 * (2 - (int)(taken >> 4));
}

/* The lowest bit that is set says how far all that were there have been shifted out. */
RESIDUAL_INLINE void residual_refill(struct residual_reader *reader) {
  uint64_t bits;
  memcpy(&bits, mr_slice.cabac.bytestream, sizeof bits);
  bits = __builtin_bswap64(bits) >> 16;
  reader->low += ((bits << 1) - RESIDUAL_MASK) << (__builtin_ctzll(reader->low) - RESIDUAL_BITS);
  mr_slice.cabac.bytestream += RESIDUAL_BITS / 8;
}

RESIDUAL_INLINE unsigned residual_decide(struct residual_reader *reader, uint8_t *at) {
  const uint32_t state = *at;
  /* What the range is not needed for comes first: the range is what the last decision ends with. */
  uintptr_t steps = (uintptr_t)residual_steps + 4 * state;
  RESIDUAL_HIDE(steps);
  const uint32_t step = *(const uint32_t *)(steps + (reader->range & 8 * 0xc0));
  const uint32_t lps = step & 0x7ff, lps_shift = step >> 11 & 7;
  const uint32_t mps = reader->range - lps, mps_shift = mps >> 11 ^ 1;
  const uint64_t scaled = (uint64_t)mps << (RESIDUAL_BITS + 1 - 3);
  int64_t less_probable = (int64_t)(scaled - reader->low);
  RESIDUAL_HIDE(less_probable);
  less_probable >>= 63;
  const uint32_t mask = (uint32_t)less_probable;
  *at = (uint8_t)(step >> 16 ^ (step >> 24 & mask));
  /* What follows is made for both outcomes before it is known which it is. */
  uint32_t range = mps << mps_shift, change = range ^ lps << lps_shift, shift_change = mps_shift ^ lps_shift;
  RESIDUAL_HIDE(change);
  RESIDUAL_HIDE(shift_change);
  reader->range = range ^ (change & mask);
  reader->low = (reader->low - (scaled & (uint64_t)less_probable)) << (mps_shift ^ (shift_change & mask));
  if (__builtin_expect(!(reader->low & RESIDUAL_MASK), 0)) residual_refill(reader);
  return (state ^ mask) & 1;
}

/* A bit of even odds, as a mask: -1 for 0. */
RESIDUAL_INLINE int32_t residual_decide_even(struct residual_reader *reader) {
  reader->low += reader->low;
  if (__builtin_expect(!(reader->low & RESIDUAL_MASK), 0)) residual_refill(reader);
  const uint64_t range = (uint64_t)reader->range << (RESIDUAL_BITS + 1 - 3);
  int64_t negative = (int64_t)(reader->low - range);
  RESIDUAL_HIDE(negative);
  negative >>= 63;
  reader->low += (range & (uint64_t)negative) - range;
  return (int32_t)negative;
}

/* 9.3.2.3: a level of 15 or more ends with bits of even odds. */
static __attribute__((noinline)) unsigned residual_escape(struct residual_reader *reader) {
  int bits = 0;
  while (!residual_decide_even(reader) && bits < 16 + 7) bits++;
  unsigned level = 1;
  while (bits--) level += level + (unsigned)(1 + residual_decide_even(reader));
  return level + 14;
}

/* By the categories of Table 9-42: where the contexts of significance, of being the last and of levels begin. */
static const uint16_t residual_contexts[2][6][3] = {
    {{105, 166, 227}, {120, 181, 237}, {134, 195, 247}, {149, 210, 257}, {152, 213, 266}, {402, 417, 426}},
    {{277, 338, 227}, {292, 353, 237}, {306, 367, 247}, {321, 382, 257}, {324, 385, 266}, {436, 451, 426}},
};

/* Table 9-43: of each coefficient of an 8x8 block, the context of significance, and of being the last times 16. */
static const uint8_t residual_contexts_8x8[2][63] = {
    {0x00, 0x11, 0x12, 0x13, 0x14, 0x15, 0x15, 0x14, 0x14, 0x13, 0x13, 0x14, 0x14, 0x14, 0x15, 0x15,
     0x24, 0x24, 0x24, 0x24, 0x23, 0x23, 0x26, 0x27, 0x27, 0x27, 0x28, 0x29, 0x2a, 0x29, 0x28, 0x27,
     0x37, 0x36, 0x3b, 0x3c, 0x3d, 0x3b, 0x36, 0x37, 0x48, 0x49, 0x4e, 0x4a, 0x49, 0x48, 0x46, 0x4b,
     0x5c, 0x5d, 0x5b, 0x56, 0x69, 0x6e, 0x6a, 0x69, 0x7b, 0x7c, 0x7d, 0x7b, 0x8e, 0x8a, 0x8c},
    {0x00, 0x11, 0x11, 0x12, 0x12, 0x13, 0x13, 0x14, 0x15, 0x16, 0x17, 0x17, 0x17, 0x18, 0x14, 0x15,
     0x26, 0x29, 0x2a, 0x2a, 0x28, 0x2b, 0x2c, 0x2b, 0x29, 0x29, 0x2a, 0x2a, 0x28, 0x2b, 0x2c, 0x2b,
     0x39, 0x39, 0x3a, 0x3a, 0x38, 0x3b, 0x3c, 0x3b, 0x49, 0x49, 0x4a, 0x4a, 0x48, 0x4d, 0x4d, 0x49,
     0x59, 0x5a, 0x5a, 0x58, 0x6d, 0x6d, 0x69, 0x69, 0x7a, 0x7a, 0x7e, 0x7e, 0x8e, 0x8e, 0x8e},
};

/* A table of eight numbers below 16 that is one number. */
RESIDUAL_INLINE unsigned residual_look_up(uint32_t table, unsigned at) { return table >> 4 * at & 15; }

/* Contexts of being the last are that far behind those of significance, for categories below 5. */
enum { RESIDUAL_LAST = 166 - 105 };

/* The set of coefficients that are not 0, of 16 or 15: at least one. */
RESIDUAL_INLINE uint32_t residual_where(struct residual_reader *reader, uint8_t *contexts, int most) {
  uint32_t there = 0, bit = 1;
  const uint32_t end = 1u << (most - 1);
  do {
    if (residual_decide(reader, contexts)) {
      there |= bit;
      if (residual_decide(reader, contexts + RESIDUAL_LAST)) return there;
    }
    contexts++;
    bit += bit;
  } while (bit != end);
  return there | end;
}

/* The same of 64. */
RESIDUAL_INLINE uint64_t residual_where_8x8(struct residual_reader *reader, uint8_t *significant, uint8_t *last,
                                            const uint8_t *contexts) {
  uint64_t there = 0;
  for (int i = 0; i < 63; i++) {
    if (!residual_decide(reader, significant + (contexts[i] & 15))) continue;
    there |= (uint64_t)1 << i;
    if (residual_decide(reader, last + (contexts[i] >> 4))) return there;
  }
  return there | (uint64_t)1 << 63;
}

/* Their levels, from the last to the first, times their factors. */
RESIDUAL_INLINE void residual_levels(struct residual_reader *reader, uint8_t *contexts, uint64_t there, int16_t *block,
                                     const uint8_t *order, const uint32_t *factors) {
  unsigned node = 0;
  do {
    const unsigned last = 63 - (unsigned)__builtin_clzll(there);
    const unsigned at = order[last];
    there ^= (uint64_t)1 << last;
    unsigned level = 1;
    if (!residual_decide(reader, contexts + residual_look_up(0x00004321, node))) {
      node = residual_look_up(0x76543321, node);
    } else {
      uint8_t *more = contexts + residual_look_up(0x98765555, node);
      node = residual_look_up(0x77654444, node);
      level = 2;
      while (level < 15 && residual_decide(reader, more)) level++;
      if (level == 15) {
        /* A copy, so that no other step's reader has to be in memory. */
        struct residual_reader copy = *reader;
        level = residual_escape(&copy);
        *reader = copy;
      }
    }
    const uint32_t negative = ~(uint32_t)residual_decide_even(reader);
    level = (level ^ negative) - negative;
    block[at] = (int16_t)((int)(level * factors[at] + 32) >> 6);
  } while (there);
}

/* Category 5 has 64 coefficients, a category below that 15 or 16. */
RESIDUAL_INLINE void residual_block(int16_t *block, int category, int number, const uint8_t *order,
                                    const uint32_t *factors, int most) {
  H264SliceContext *const slice = &mr_slice;
  const int field = !!MB_FIELD(slice);
  const uint16_t *contexts = residual_contexts[field][category];
  uint8_t *const states = slice->cabac_state;
  struct residual_reader reader = residual_begin(&slice->cabac);
  const uint64_t there = most == 64 ? residual_where_8x8(&reader, states + contexts[0], states + contexts[1],
                                                         residual_contexts_8x8[field])
                                    : residual_where(&reader, states + contexts[0], most);
  uint8_t *counts = slice->non_zero_count_cache + scan8[number];
  const int count = __builtin_popcountll(there);
  counts[0] = (uint8_t)count;
  if (most == 64) counts[1] = counts[8] = counts[9] = (uint8_t)count;
  residual_levels(&reader, states + contexts[2], there, block, order, factors);
  residual_end(&reader, &slice->cabac);
}

static __attribute__((noinline)) void residual_4x4(int16_t *block, int category, int number, const uint8_t *order,
                                                   const uint32_t *factors, int most) {
  residual_block(block, category, number, order, factors, most > 16 ? 16 : most);
}

static __attribute__((noinline)) void residual_8x8(int16_t *block, int number, const uint8_t *order,
                                                   const uint32_t *factors) {
  residual_block(block, 5, number, order, factors, 64);
}

#endif
