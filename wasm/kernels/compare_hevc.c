/* The part of compare.c for HEVC. Every table comes twice: samples of 8 bits, then of 10. */
#include "compare.h"
#include "kernels.h"

#include <libavcodec/defs.h>
#include <string.h>

#define any mr_any
#define between mr_between

void __real_ff_hevc_dsp_init(HEVCDSPContext *table, int bit_depth);
void __real_ff_hevc_pred_init(HEVCPredContext *table, int bit_depth);
void ff_hevc_dsp_init(HEVCDSPContext *table, int bit_depth);
void ff_hevc_pred_init(HEVCPredContext *table, int bit_depth);

/* Bytes: a room larger than the largest block of words with what a filter reads around it. */
enum { MOST_STRIDE = 240, ROWS = 64 + 16, ROOM = ROWS * MOST_STRIDE, FIXED_STRIDE = 2 * MAX_PB_SIZE + 64 };

struct room {
  _Alignas(32) uint8_t to[ROOM], from[ROOM];
  _Alignas(32) int16_t words[64 * 64];
};
static struct room ours, theirs;
static HEVCDSPContext our, real;
static HEVCPredContext our_intra, real_intra;
static int depth;

static int sample(int32_t kind, int level, int noise) {
  const int most = (1 << depth) - 1;
  if (kind == MR_EXTREME) return any() & 1 ? most : 0;
  if (kind != MR_SMOOTH) return any() & most;
  const int value = level + between(-noise, noise);
  return value < 0 ? 0 : value > most ? most : value;
}

static void fill(int32_t kind) {
  const int level = between(0, (1 << depth) - 1), noise = between(0, 12);
  for (int i = 0; i < ROOM; i++) {
    if (depth == 8) {
      ours.to[i] = sample(kind, level, noise), ours.from[i] = sample(kind, level, noise);
    } else if (i % 2 == 0) {
      *(uint16_t *)(ours.to + i) = sample(kind, level, noise);
      *(uint16_t *)(ours.from + i) = sample(kind, level, noise);
    }
  }
  for (int i = 0; i < 64 * 64; i++) {
    static const int16_t extremes[] = {-32768, 32767, 0, -1};
    ours.words[i] = kind == MR_EXTREME ? extremes[any() & 3] : kind == MR_SMOOTH ? between(-512, 512) : (int16_t)any();
  }
}

#define BOTH(our, real, entry, ...)                      \
  do {                                                   \
    if (our.entry == real.entry) return MR_NOT_REPLACED; \
    theirs = ours;                                       \
    struct room *room = &ours;                           \
    our.entry(__VA_ARGS__);                              \
    room = &theirs;                                      \
    real.entry(__VA_ARGS__);                             \
    return memcmp(&ours, &theirs, sizeof ours) == 0;     \
  } while (0)

/* Kind of prediction, filter, way through the block, width. */
static int32_t inter(int32_t index) {
  static const int widths[10] = {2, 4, 6, 8, 12, 16, 24, 32, 48, 64};
  const int at = index % 10, down = index / 10 % 2, right = index / 20 % 2, chroma = index / 40 % 2;
  const int width = widths[at], rows = between(1, 64), bytes = depth > 8 ? 2 : 1;
  const int x = between(1, chroma ? 7 : 3), y = between(1, chroma ? 7 : 3), denominator = between(0, 7);
  /* Weights that weigh nothing are common in streams. */
  const int one = 1 << denominator, plain = between(0, 3) == 0;
  const int weight = plain ? one : between(-128, 255), other_weight = plain ? one : between(-128, 255);
  const int offset = plain ? 0 : between(-128, 127), other_offset = plain ? 0 : between(-128, 127);
  const ptrdiff_t stride = 2 * between(72 * bytes / 2, MOST_STRIDE / 2), to_stride = 2 * between(32 * bytes, 120);
  const ptrdiff_t start = 4 * MOST_STRIDE + bytes * between(4, 7), to_start = bytes * between(0, 15);
#define TO room->to + to_start, to_stride
#define FROM room->from + start, stride
  if (chroma) {
    switch (index / 80) {
      case 0: BOTH(our, real, put_hevc_epel[at][down][right], room->words, FROM, rows, x, y, width);
      case 1: BOTH(our, real, put_hevc_epel_uni[at][down][right], TO, FROM, rows, x, y, width);
      case 2: BOTH(our, real, put_hevc_epel_bi[at][down][right], TO, FROM, room->words, rows, x, y, width);
      case 3:
        BOTH(our, real, put_hevc_epel_uni_w[at][down][right], TO, FROM, rows, denominator, weight, offset, x, y, width);
      default:
        BOTH(our, real, put_hevc_epel_bi_w[at][down][right], TO, FROM, room->words, rows, denominator, other_weight,
             weight, other_offset, offset, x, y, width);
    }
  }
  switch (index / 80) {
    case 0: BOTH(our, real, put_hevc_qpel[at][down][right], room->words, FROM, rows, x, y, width);
    case 1: BOTH(our, real, put_hevc_qpel_uni[at][down][right], TO, FROM, rows, x, y, width);
    case 2: BOTH(our, real, put_hevc_qpel_bi[at][down][right], TO, FROM, room->words, rows, x, y, width);
    case 3:
      BOTH(our, real, put_hevc_qpel_uni_w[at][down][right], TO, FROM, rows, denominator, weight, offset, x, y, width);
    default:
      BOTH(our, real, put_hevc_qpel_bi_w[at][down][right], TO, FROM, room->words, rows, denominator, other_weight,
           weight, other_offset, offset, x, y, width);
  }
#undef TO
#undef FROM
}

/* Coefficients as a stream can have them: none after the last one in the order of scanning. */
static int coefficients(int size) {
  const int x = between(0, size - 1), y = between(0, size - 1), most = x > y ? x : y;
  const int whole = size == 4 || between(0, 3) == 0;
  for (int i = 0; i < size * size; i++)
    if (!whole && (i % size / 4 + i / size / 4 > x / 4 + y / 4 || any() % 4 == 0)) ours.words[i] = 0;
  if (whole) return 2 * size + 2;
  const int limit = x + y + 4, bound = most < 4 ? 4 : most < 8 ? 8 : most < 12 ? 24 : limit;
  for (int i = 0; i < size * size; i++)
    if (i % size / 4 > most / 4 || i / size / 4 > most / 4) ours.words[i] = 0;
  return limit < bound ? limit : bound;
}

static int32_t residual(int32_t index) {
  const int at = index % 4, size = 4 << at;
  const ptrdiff_t stride = 2 * between(32, 120), start = 2 * between(0, 15);
  switch (index / 4) {
    case 0: {
      const int limit = coefficients(size);
      BOTH(our, real, idct[at], room->words, limit);
    }
    case 1: BOTH(our, real, idct_dc[at], room->words);
    case 2: BOTH(our, real, add_residual[at], room->to + start, room->words, stride);
    default: BOTH(our, real, transform_4x4_luma, room->words);
  }
}

static int32_t deblock(int32_t index) {
  const ptrdiff_t stride = 2 * between(32, 120);
  const int beta = between(0, 64), start = 8 * MOST_STRIDE + 2 * between(8, 23);
  int32_t limits[2] = {between(0, 24), between(0, 24)};
  uint8_t keep_p[2] = {any() % 4 == 0, any() % 4 == 0}, keep_q[2] = {any() % 4 == 0, any() % 4 == 0};
#define ARGUMENTS limits, keep_p, keep_q
  switch (index) {
    case 0: BOTH(our, real, hevc_h_loop_filter_luma, room->to + start, stride, beta, ARGUMENTS);
    case 1: BOTH(our, real, hevc_v_loop_filter_luma, room->to + start, stride, beta, ARGUMENTS);
    case 2: BOTH(our, real, hevc_h_loop_filter_chroma, room->to + start, stride, ARGUMENTS);
    case 3: BOTH(our, real, hevc_v_loop_filter_chroma, room->to + start, stride, ARGUMENTS);
    case 4: BOTH(our, real, hevc_h_loop_filter_luma_c, room->to + start, stride, beta, ARGUMENTS);
    case 5: BOTH(our, real, hevc_v_loop_filter_luma_c, room->to + start, stride, beta, ARGUMENTS);
    case 6: BOTH(our, real, hevc_h_loop_filter_chroma_c, room->to + start, stride, ARGUMENTS);
    default: BOTH(our, real, hevc_v_loop_filter_chroma_c, room->to + start, stride, ARGUMENTS);
  }
#undef ARGUMENTS
}

/* The band filter, and the edge filter in its four directions; the entry is chosen by the width. */
static int32_t offset(int32_t index) {
  static const uint8_t entries[8] = {0, 1, 2, 2, 3, 3, 4, 4};
  const int width = between(1, 64), rows = between(1, 64), at = entries[(width + 7) / 8 - 1];
  const int first = between(0, 31), large = any() % 8 == 0, bytes = depth > 8 ? 2 : 1;
  const ptrdiff_t to_stride = 2 * between(32 * bytes, 120), start = 2 * FIXED_STRIDE + 2 * between(8, 15);
  int16_t values[5] = {0};
  for (int i = 1; i < 5; i++) values[i] = large ? (int16_t)any() : between(-31, 31);
  if (index == 0)
    BOTH(our, real, sao_band_filter[at], room->to, room->from + start, to_stride, FIXED_STRIDE, values, first, width,
         rows);
  BOTH(our, real, sao_edge_filter[at], room->to, room->from + start, to_stride, values, index - 1, width, rows);
}

/* Planar, mean, then 33 angles, each of four sizes. */
static int32_t intra(int32_t index) {
  const int at = index % 4, plane = between(0, 2), bytes = depth > 8 ? 2 : 1;
  const ptrdiff_t stride = between(40, 80), start = 2 * between(0, 15);
#define ARGUMENTS room->to + start, room->from + 64, room->from + 1024 + bytes, stride
  ours.from[64 - bytes] = ours.from[1024], ours.from[64 - 1] = ours.from[1024 + bytes - 1];
  if (index / 4 == 0) BOTH(our_intra, real_intra, pred_planar[at], ARGUMENTS);
  if (index / 4 == 1) BOTH(our_intra, real_intra, pred_dc, ARGUMENTS, at + 2, plane);
  BOTH(our_intra, real_intra, pred_angular[at], ARGUMENTS, plane, index / 4);
#undef ARGUMENTS
}

int32_t mr_compare_hevc(int32_t table, int32_t index, int32_t kind) {
  static int32_t (*const tables[])(int32_t) = {inter, residual, deblock, offset, intra};
  if (table == sizeof tables / sizeof *tables * 2) return mr_compare_strength(index);
  const int wanted = table % 2 ? 10 : 8;
  if (depth != wanted) {
    depth = wanted;
    ff_hevc_dsp_init(&our, depth), __real_ff_hevc_dsp_init(&real, depth);
    ff_hevc_pred_init(&our_intra, depth), __real_ff_hevc_pred_init(&real_intra, depth);
  }
  fill(kind);
  return tables[table / 2](index);
}
