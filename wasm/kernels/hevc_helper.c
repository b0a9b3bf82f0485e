/*
 * HEVC in two threads: the first reads the bits, and what it would do to samples it writes down instead, for the second
 * one (helper.h). FFmpeg does all of that through tables of functions, which are others during a slice; the samples of a
 * slice are done when it ends.
 */
#include "../helper.h"
#include "../slices.h"
#include "kernels.h"
#include "simd.h"

#include <stddef.h>
#include <string.h>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <libavcodec/hevcdec.h>
#pragma clang diagnostic pop

enum operation {
  PUT_LUMA = 1, ONE_LUMA, ONE_LUMA_W, TWO_LUMA, TWO_LUMA_W,
  PUT_CHROMA, ONE_CHROMA, ONE_CHROMA_W, TWO_CHROMA, TWO_CHROMA_W,
  EDGE, INTRA, RESIDUAL, FILTER, FILTERS,
};
enum transform { NONE, LUMA_4, EVEN, WHOLE };

/* The second thread's: the decoder as it is during the slice, but for the tables, and with places of its own. */
static HEVCContext slice;
static HEVCLocalContext local;

/* The first thread's. */
static HEVCContext *decoder;
static struct {
  enum transform kind;
  int limit;
} pending;

void __real_ff_hevc_hls_filter(HEVCContext *s, int x, int y, int size);
void __real_ff_hevc_hls_filters(HEVCContext *s, int x, int y, int size);
void __wrap_ff_hevc_hls_filter(HEVCContext *s, int x, int y, int size);
void __wrap_ff_hevc_hls_filters(HEVCContext *s, int x, int y, int size);

/* An address in the first thread's places becomes the same in the second's. */
INLINE int32_t place(const void *pointer) {
  const uintptr_t offset = (uintptr_t)pointer - (uintptr_t)decoder->HEVClc;
  return (int32_t)(offset < sizeof local ? (uintptr_t)&local + offset : (uintptr_t)pointer);
}

#define WRITE(operation, ...)                                                          \
  do {                                                                                 \
    const int32_t values[] = {__VA_ARGS__};                                            \
    memcpy(mr_helper_command(operation, sizeof values), values, sizeof values);        \
  } while (0)

/* Both kinds of prediction are called alike. */
#define PREDICTION(name, KIND)                                                                                         \
  static void put_##name(int16_t *to, uint8_t *from, ptrdiff_t stride, int height, intptr_t mx, intptr_t my,           \
                         int width) {                                                                                  \
    WRITE(PUT_##KIND, place(to), place(from), stride, height, mx, my, width);                                          \
  }                                                                                                                    \
  static void one_##name(uint8_t *to, ptrdiff_t to_stride, uint8_t *from, ptrdiff_t stride, int height, intptr_t mx,   \
                         intptr_t my, int width) {                                                                     \
    WRITE(ONE_##KIND, (int32_t)to, to_stride, place(from), stride, height, mx, my, width);                             \
  }                                                                                                                    \
  static void one_##name##_w(uint8_t *to, ptrdiff_t to_stride, uint8_t *from, ptrdiff_t stride, int height, int denom, \
                             int weight, int offset, intptr_t mx, intptr_t my, int width) {                            \
    WRITE(ONE_##KIND##_W, (int32_t)to, to_stride, place(from), stride, height, denom, weight, offset, mx, my, width);  \
  }                                                                                                                    \
  static void two_##name(uint8_t *to, ptrdiff_t to_stride, uint8_t *from, ptrdiff_t stride, int16_t *other,            \
                         int height, intptr_t mx, intptr_t my, int width) {                                            \
    WRITE(TWO_##KIND, (int32_t)to, to_stride, place(from), stride, place(other), height, mx, my, width);               \
  }                                                                                                                    \
  static void two_##name##_w(uint8_t *to, ptrdiff_t to_stride, uint8_t *from, ptrdiff_t stride, int16_t *other,        \
                             int height, int denom, int a, int b, int c, int d, intptr_t mx, intptr_t my,              \
                             int width) {                                                                              \
    WRITE(TWO_##KIND##_W, (int32_t)to, to_stride, place(from), stride, place(other), height, denom, a, b, c, d, mx,    \
          my, width);                                                                                                  \
  }
PREDICTION(luma, LUMA)
PREDICTION(chroma, CHROMA)

static void edge(uint8_t *to, const uint8_t *from, ptrdiff_t to_stride, ptrdiff_t stride, int width, int height, int x,
                 int y, int full_width, int full_height) {
  WRITE(EDGE, place(to), (int32_t)from, to_stride, stride, width, height, x, y, full_width, full_height);
}

INLINE void intra(HEVCContext *s, int x, int y, int plane, int log2_size) {
  const HEVCLocalContext *lc = s->HEVClc;
  WRITE(INTRA, log2_size, x, y, plane, plane ? lc->tu.intra_pred_mode_c : lc->tu.intra_pred_mode, lc->na.cand_bottom_left,
        lc->na.cand_left, lc->na.cand_up, lc->na.cand_up_left, lc->na.cand_up_right);
}

INLINE void wait_for(enum transform kind, int limit) { pending.kind = kind, pending.limit = limit; }
static void luma_4(int16_t *block) { wait_for(LUMA_4, 0); }
static void even(int16_t *block) { wait_for(EVEN, 0); }
/* What is long, and touches no samples, is done by whoever has less to do. */
INLINE void whole(int16_t *block, int limit, int log2_size) {
  if (mr_helper_behind()) slice.hevcdsp.idct[log2_size - 2](block, limit);
  else wait_for(WHOLE, limit);
}

struct residual {
  int32_t log2_size, kind, limit, to, stride, unused;
  int16_t block[];
};
_Static_assert((8 + offsetof(struct residual, block)) % 16 == 0, "vectors are aligned");

INLINE void residual(uint8_t *to, int16_t *block, ptrdiff_t stride, int log2_size) {
  const uint32_t bytes = pending.kind == EVEN ? 16 : 2u << 2 * log2_size;
  struct residual *command = mr_helper_command(RESIDUAL, sizeof *command + (2u << 2 * log2_size));
  *command = (struct residual){log2_size, pending.kind, pending.limit, (int32_t)to, stride, 0};
  for (uint32_t i = 0; i < bytes / 2; i += 8) wasm_v128_store(command->block + i, wasm_v128_load(block + i));
  pending.kind = NONE;
}

#define SIZE(log2_size)                                                                    \
  static void whole_##log2_size(int16_t *block, int limit) { whole(block, limit, log2_size); } \
  static void intra_##log2_size(HEVCContext *s, int x, int y, int plane) {                 \
    intra(s, x, y, plane, log2_size);                                                      \
  }                                                                                        \
  static void residual_##log2_size(uint8_t *to, int16_t *block, ptrdiff_t stride) {        \
    residual(to, block, stride, log2_size);                                                \
  }
SIZE(2)
SIZE(3)
SIZE(4)
SIZE(5)

/* Samples that are in the stream as they are. */
static void pcm(uint8_t *to, ptrdiff_t stride, int width, int height, GetBitContext *bits, int depth) {
  mr_helper_settle();
  slice.hevcdsp.put_pcm(to, stride, width, height, bits, depth);
}

void __wrap_ff_hevc_hls_filters(HEVCContext *s, int x, int y, int size) {
  if (s != decoder) return __real_ff_hevc_hls_filters(s, x, y, size);
  WRITE(FILTERS, x, y, size);
  mr_helper_publish();
}

void __wrap_ff_hevc_hls_filter(HEVCContext *s, int x, int y, int size) {
  if (s != decoder) return __real_ff_hevc_hls_filter(s, x, y, size);
  WRITE(FILTER, x, y, size);
}

#define FILL(table, function)                                                                                  \
  for (size_t i = 0; i < sizeof(table) / sizeof(table[0][0][0]); i++) ((__typeof__(&table[0][0][0]))table)[i] = function

static void fill(HEVCContext *s) {
  HEVCDSPContext *to = &s->hevcdsp;
  FILL(to->put_hevc_qpel, put_luma);
  FILL(to->put_hevc_qpel_uni, one_luma);
  FILL(to->put_hevc_qpel_uni_w, one_luma_w);
  FILL(to->put_hevc_qpel_bi, two_luma);
  FILL(to->put_hevc_qpel_bi_w, two_luma_w);
  FILL(to->put_hevc_epel, put_chroma);
  FILL(to->put_hevc_epel_uni, one_chroma);
  FILL(to->put_hevc_epel_uni_w, one_chroma_w);
  FILL(to->put_hevc_epel_bi, two_chroma);
  FILL(to->put_hevc_epel_bi_w, two_chroma_w);
  to->put_pcm = pcm;
  to->transform_4x4_luma = luma_4;
  for (int i = 0; i < 4; i++) to->idct_dc[i] = even;
  to->idct[0] = whole_2, to->idct[1] = whole_3, to->idct[2] = whole_4, to->idct[3] = whole_5;
  to->add_residual[0] = residual_2, s->hpc.intra_pred[0] = intra_2;
  to->add_residual[1] = residual_3, s->hpc.intra_pred[1] = intra_3;
  to->add_residual[2] = residual_4, s->hpc.intra_pred[2] = intra_4;
  to->add_residual[3] = residual_5, s->hpc.intra_pred[3] = intra_5;
  s->vdsp.emulated_edge_mc = edge;
}

int mr_hevc_execute(AVCodecContext *context, int (*work)(AVCodecContext *context, void *argument), void *argument,
                    int *results, int count, int size) {
  HEVCContext *s = context->priv_data;
  const int64_t samples = (int64_t)context->coded_width * context->coded_height;
  /* Chroma that is predicted from luma's residual needs it as it is after its transform. */
  if (context->codec_id != AV_CODEC_ID_HEVC || count != 1 || s->ps.pps->cross_component_prediction_enabled_flag ||
      !mr_helper_begin(samples))
    return avcodec_default_execute(context, work, argument, results, count, size);
  memcpy(&slice, s, sizeof slice);
  slice.HEVClc = &local;
  decoder = s;
  pending.kind = NONE;
  fill(s);
  const int result = avcodec_default_execute(context, work, argument, results, count, size);
  mr_helper_finish();
  s->hevcdsp = slice.hevcdsp;
  s->hpc = slice.hpc;
  s->vdsp = slice.vdsp;
  decoder = NULL;
  return result;
}

/* FFmpeg's, for the widths of predicted blocks. */
static const uint8_t by_width[65] = {[2] = 0, [4] = 1, [6] = 2, [8] = 3, [12] = 4, [16] = 5, [24] = 6, [32] = 7, [48] = 8, [64] = 9};

static void run_residual(struct residual *command) {
  const HEVCDSPContext *dsp = &slice.hevcdsp;
  const int i = command->log2_size - 2;
  switch (command->kind) {
    case LUMA_4: dsp->transform_4x4_luma(command->block); break;
    case EVEN: dsp->idct_dc[i](command->block); break;
    case WHOLE: dsp->idct[i](command->block, command->limit); break;
  }
  dsp->add_residual[i]((uint8_t *)command->to, command->block, command->stride);
}

void mr_hevc_run(uint32_t operation, void *arguments) {
  const int32_t *a = arguments;
  const HEVCDSPContext *dsp = &slice.hevcdsp;
#define BYTES(i) ((uint8_t *)a[i])
#define WORDS(i) ((int16_t *)a[i])
#define OF(table, mx, my, width) dsp->table[by_width[a[width]]][!!a[my]][!!a[mx]]
#define RUN(KIND, kind)                                                                                                \
  case PUT_##KIND: OF(put_hevc_##kind, 4, 5, 6)(WORDS(0), BYTES(1), a[2], a[3], a[4], a[5], a[6]); break;              \
  case ONE_##KIND:                                                                                                     \
    OF(put_hevc_##kind##_uni, 5, 6, 7)(BYTES(0), a[1], BYTES(2), a[3], a[4], a[5], a[6], a[7]);                        \
    break;                                                                                                             \
  case ONE_##KIND##_W:                                                                                                 \
    OF(put_hevc_##kind##_uni_w, 8, 9, 10)                                                                              \
    (BYTES(0), a[1], BYTES(2), a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10]);                                       \
    break;                                                                                                             \
  case TWO_##KIND:                                                                                                     \
    OF(put_hevc_##kind##_bi, 6, 7, 8)(BYTES(0), a[1], BYTES(2), a[3], WORDS(4), a[5], a[6], a[7], a[8]);               \
    break;                                                                                                             \
  case TWO_##KIND##_W:                                                                                                 \
    OF(put_hevc_##kind##_bi_w, 11, 12, 13)                                                                             \
    (BYTES(0), a[1], BYTES(2), a[3], WORDS(4), a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13]);              \
    break
  switch (operation) {
    RUN(LUMA, qpel);
    RUN(CHROMA, epel);
    case EDGE:
      slice.vdsp.emulated_edge_mc(BYTES(0), BYTES(1), a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9]);
      break;
    case INTRA:
      if (a[3]) local.tu.intra_pred_mode_c = a[4];
      else local.tu.intra_pred_mode = a[4];
      local.na.cand_bottom_left = a[5], local.na.cand_left = a[6], local.na.cand_up = a[7];
      local.na.cand_up_left = a[8], local.na.cand_up_right = a[9];
      slice.hpc.intra_pred[a[0] - 2](&slice, a[1], a[2], a[3]);
      break;
    case RESIDUAL: run_residual(arguments); break;
    case FILTER: __real_ff_hevc_hls_filter(&slice, a[0], a[1], a[2]); break;
    case FILTERS: __real_ff_hevc_hls_filters(&slice, a[0], a[1], a[2]); break;
    default: __builtin_trap();
  }
}
