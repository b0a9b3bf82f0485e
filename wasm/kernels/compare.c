/*
 * Runs a kernel and FFmpeg's C for the same entry of the same table on the same input, and says whether they left the
 * same behind, in what they write and around it. For kernels_test.ts; no part of the decoder.
 */
#include "compare.h"
#include "kernels.h"

#include <string.h>

void __real_ff_videodsp_init(VideoDSPContext *table, int bit_depth);
void __real_ff_h264chroma_init(H264ChromaContext *table, int bit_depth);
void __real_ff_h264qpel_init(H264QpelContext *table, int bit_depth);
void __real_ff_h264dsp_init(H264DSPContext *table, const int bit_depth, const int chroma_format);

/* Samples: a room that is much larger than what any kernel works on, which is in its middle. */
enum { STRIDE = 96, ROWS = 64, MIDDLE = 24 * STRIDE + 32, BLOCKS = 48 * 16 };

static uint32_t state;
static int32_t input;

uint32_t mr_any(void) {
  state = state * 1664525u + 1013904223u;
  return state >> 8;
}
int mr_between(int least, int most) { return least + (int)(mr_any() % (uint32_t)(most - least + 1)); }
#define any mr_any
#define between mr_between

/* What a kernel reads and writes; one for the kernel, one for FFmpeg's C, filled alike. */
struct room {
  uint8_t to[ROWS * STRIDE], from[ROWS * STRIDE];
  _Alignas(16) int16_t blocks[BLOCKS];
};
static struct room ours, theirs;

static void fill(void) {
  const int level = between(0, 255), noise = between(1, 12);
  for (int i = 0; i < ROWS * STRIDE; i++) {
    if (input == MR_SMOOTH) {
      /* Neighbours that are near each other are what the deblocking filter changes. */
      const int sample = level + between(-noise, noise);
      ours.to[i] = sample < 0 ? 0 : sample > 255 ? 255 : sample;
    } else {
      ours.to[i] = input == MR_EXTREME ? (any() & 1 ? 255 : 0) : any();
    }
    ours.from[i] = input == MR_EXTREME ? (any() & 1 ? 255 : 0) : any();
  }
  for (int i = 0; i < BLOCKS; i++) {
    const int extremes[] = {-32768, 32767, 0, -1};
    ours.blocks[i] = input == MR_EXTREME  ? extremes[any() & 3]
                     : input == MR_SMOOTH ? (any() % 8 ? 0 : between(-512, 512))
                                          : (int16_t)any();
  }
  theirs = ours;
}

static int32_t verdict(void) { return memcmp(&ours, &theirs, sizeof ours) == 0; }

#define BOTH(entry, ...)               \
  do {                                 \
    if (our.entry == real.entry) return MR_NOT_REPLACED; \
    struct room *room = &ours;         \
    our.entry(__VA_ARGS__);            \
    room = &theirs;                    \
    real.entry(__VA_ARGS__);           \
    return verdict();                  \
  } while (0)

static int32_t chroma(int32_t index) {
  H264ChromaContext our, real;
  ff_h264chroma_init(&our, 8);
  __real_ff_h264chroma_init(&real, 8);
  const int rows = 2 << between(0, 3), x = between(0, 7), y = between(0, 7), width = index & 1;
  if (index < 2) BOTH(put_h264_chroma_pixels_tab[width], room->to + MIDDLE, room->from + MIDDLE, STRIDE, rows, x, y);
  BOTH(avg_h264_chroma_pixels_tab[width], room->to + MIDDLE, room->from + MIDDLE, STRIDE, rows, x, y);
}

static int32_t qpel(int32_t index) {
  H264QpelContext our, real;
  ff_h264qpel_init(&our, 8);
  __real_ff_h264qpel_init(&real, 8);
  const int at = index % 16, size = index / 16 % 3;
  if (index < 48) BOTH(put_h264_qpel_pixels_tab[size][at], room->to + MIDDLE, room->from + MIDDLE + 3, STRIDE);
  BOTH(avg_h264_qpel_pixels_tab[size][at], room->to + MIDDLE, room->from + MIDDLE + 3, STRIDE);
}

static int32_t deblock(int32_t index) {
  H264DSPContext our, real;
  ff_h264dsp_init(&our, 8, 1);
  __real_ff_h264dsp_init(&real, 8, 1);
  const int alpha = between(0, 255), beta = between(0, 18);
  int8_t limits[4];
  for (int i = 0; i < 4; i++) limits[i] = between(-1, 26);
  switch (index) {
    case 0: BOTH(h264_v_loop_filter_luma, room->to + MIDDLE, STRIDE, alpha, beta, limits);
    case 1: BOTH(h264_h_loop_filter_luma, room->to + MIDDLE, STRIDE, alpha, beta, limits);
    case 2: BOTH(h264_v_loop_filter_chroma, room->to + MIDDLE, STRIDE, alpha, beta, limits);
    case 3: BOTH(h264_h_loop_filter_chroma, room->to + MIDDLE, STRIDE, alpha, beta, limits);
    case 4: BOTH(h264_v_loop_filter_luma_intra, room->to + MIDDLE, STRIDE, alpha, beta);
    case 5: BOTH(h264_h_loop_filter_luma_intra, room->to + MIDDLE, STRIDE, alpha, beta);
    case 6: BOTH(h264_v_loop_filter_chroma_intra, room->to + MIDDLE, STRIDE, alpha, beta);
    default: BOTH(h264_h_loop_filter_chroma_intra, room->to + MIDDLE, STRIDE, alpha, beta);
  }
}

static int32_t idct(int32_t index) {
  H264DSPContext our, real;
  ff_h264dsp_init(&our, 8, 1);
  __real_ff_h264dsp_init(&real, 8, 1);
  uint8_t counts[15 * 8];
  int offsets[48];
  for (int i = 0; i < 15 * 8; i++) counts[i] = any() % 3;
  for (int i = 0; i < 48; i++)
    offsets[i] = 4 * ((i & 1) + ((i & 4) >> 1)) + 4 * STRIDE * (((i & 2) >> 1) + ((i & 8) >> 2));
  switch (index) {
    case 0: BOTH(h264_idct_add, room->to + MIDDLE, room->blocks, STRIDE);
    case 1: BOTH(h264_idct8_add, room->to + MIDDLE, room->blocks, STRIDE);
    case 2: BOTH(h264_idct_dc_add, room->to + MIDDLE, room->blocks, STRIDE);
    case 3: BOTH(h264_idct8_dc_add, room->to + MIDDLE, room->blocks, STRIDE);
    case 4: BOTH(h264_idct_add16, room->to + MIDDLE, offsets, room->blocks, STRIDE, counts);
    case 5: BOTH(h264_idct_add16intra, room->to + MIDDLE, offsets, room->blocks, STRIDE, counts);
    case 6: BOTH(h264_idct8_add4, room->to + MIDDLE, offsets, room->blocks, STRIDE, counts);
    default:
      BOTH(h264_idct_add8, ((uint8_t *[]){room->to + MIDDLE, room->from + MIDDLE}), offsets, room->blocks, STRIDE,
           counts);
  }
}

static int32_t weight(int32_t index) {
  H264DSPContext our, real;
  ff_h264dsp_init(&our, 8, 1);
  __real_ff_h264dsp_init(&real, 8, 1);
  const int size = index % 3, rows = 2 << between(0, 3), shift = between(0, 7);
  const int first = between(-128, 127), second = between(-128, 127), offset = between(-128, 127);
  if (index < 3) BOTH(weight_h264_pixels_tab[size], room->to + MIDDLE, STRIDE, rows, shift, first, offset);
  BOTH(biweight_h264_pixels_tab[size], room->to + MIDDLE, room->from + MIDDLE, STRIDE, rows, shift, first, second,
       offset);
}

/* Blocks within a picture of any size, beyond its edges, and where both are. */
static int32_t edge(int32_t index) {
  VideoDSPContext our, real;
  const int depth = index == 0 ? 8 : 10, size = index == 0 ? 1 : 2;
  ff_videodsp_init(&our, depth);
  __real_ff_videodsp_init(&real, depth);
  const int width = between(1, 40), height = between(1, 40), columns = between(1, 48 / size), rows = between(1, 48);
  const int x = between(-60, 60), y = between(-60, 60), start = between(0, 15), to_stride = between(48, STRIDE);
  BOTH(emulated_edge_mc, room->to + start, room->from + 16 + x * size + y * STRIDE, to_stride, STRIDE, columns,
       rows, x, y, width, height);
}

int32_t mr_compare(int32_t table, int32_t index, int32_t kind, uint32_t seed) {
  static int32_t (*const tables[])(int32_t) = {chroma, qpel, deblock, idct, weight, edge, mr_compare_h264_strength};
  enum { HERE = sizeof tables / sizeof *tables };
  state = seed;
  input = kind;
  if (table >= HERE) return mr_compare_hevc(table - HERE, index, kind);
  fill();
  return tables[table](index);
}
