/*
 * FFmpeg's macroblocks of H.264, from their bits to their deblocked samples, compiled anew from its source as one unit:
 * on contexts at fixed addresses (h264_fixed.h), and with our innermost steps of CABAC.
 */
#define HAVE_AV_CONFIG_H 1
#define _ISOC99_SOURCE 1
#define _POSIX_C_SOURCE 200112
#define _XOPEN_SOURCE 600
#define UNCHECKED_BITSTREAM_READER 1

#include "cabac.h"

#pragma clang diagnostic ignored "-Weverything"

/*
 * Vectors of motion are written to a cache and read back at once, eight bytes at a time: a processor waits for what was written
 * by less.
 */
#include <config.h>
#undef HAVE_FAST_64BIT
#define HAVE_FAST_64BIT 1

/*
 * FFmpeg's own functions are in its library too, for those that call them with other contexts. Here they have other names and
 * are nobody else's, so that the compiler sees that they are called with one pair of contexts alone.
 */
#define ff_h264_decode_mb_cabac own_decode_mb_cabac
#define ff_h264_decode_mb_cavlc own_decode_mb_cavlc
#define ff_h264_init_cabac_states own_init_cabac_states
#define ff_h264_hl_decode_mb own_hl_decode_mb
#define ff_h264_filter_mb_fast own_filter_mb_fast
#define ff_h264_filter_mb own_filter_mb
#define ff_h264_pred_direct_motion own_pred_direct_motion
#define ff_h264_direct_dist_scale_factor own_direct_dist_scale_factor
#define ff_h264_direct_ref_list_init own_direct_ref_list_init

#define OWN static __attribute__((noinline))
struct H264Context;
struct H264SliceContext;
OWN int own_decode_mb_cabac(const struct H264Context *h, struct H264SliceContext *sl);
OWN int own_decode_mb_cavlc(const struct H264Context *h, struct H264SliceContext *sl);
OWN void own_init_cabac_states(const struct H264Context *h, struct H264SliceContext *sl);
OWN void own_hl_decode_mb(const struct H264Context *h, struct H264SliceContext *sl);
OWN void own_filter_mb_fast(const struct H264Context *h, struct H264SliceContext *sl, int mb_x, int mb_y,
                            uint8_t *img_y, uint8_t *img_cb, uint8_t *img_cr, unsigned int linesize,
                            unsigned int uvlinesize);
OWN void own_filter_mb(const struct H264Context *h, struct H264SliceContext *sl, int mb_x, int mb_y, uint8_t *img_y,
                       uint8_t *img_cb, uint8_t *img_cr, unsigned int linesize, unsigned int uvlinesize);
OWN void own_pred_direct_motion(const struct H264Context *const h, struct H264SliceContext *sl, int *mb_type);
OWN void own_direct_dist_scale_factor(const struct H264Context *const h, struct H264SliceContext *sl);
OWN void own_direct_ref_list_init(const struct H264Context *const h, struct H264SliceContext *sl);

#include "h264_fixed.h"
#include "h264_residual.h"

#include <libavcodec/h264_direct.c>
#include <libavcodec/h264_loopfilter.c>
#include <libavcodec/h264_mb.c>

/* Both ways of coding have a copy of the same predictions. */
#undef CABAC
static __attribute__((noinline)) void decode_cabac_residual_nondc_internal(const H264Context *h, H264SliceContext *sl,
                                                                           int16_t *block, int cat, int n,
                                                                           const uint8_t *scantable,
                                                                           const uint32_t *qmul, int max_coeff);
static inline __attribute__((always_inline)) void decode_residual_any(const H264Context *h, H264SliceContext *sl,
                                                                      int16_t *block, int category, int number,
                                                                      const uint8_t *order, const uint32_t *factors,
                                                                      int most) {
  /* The categories beyond are the chroma of 4:4:4. */
  if (h->pixel_shift || category > 5)
    decode_cabac_residual_nondc_internal(h, sl, block, category, number, order, factors, most);
  else if (category == 5) residual_8x8(block, number, order, factors);
  else residual_4x4(block, category, number, order, factors, most);
}
/* FFmpeg's definition stays, its calls come here: what stands first between the parentheses tells one from the other. */
#define decode_cabac_residual_nondc_internal(first, ...) RESIDUAL_##first, __VA_ARGS__)
#define RESIDUAL_const decode_cabac_residual_nondc_internal(const
#define RESIDUAL_h decode_residual_any(h
#include <libavcodec/h264_cabac.c>
#undef decode_cabac_residual_nondc_internal

#undef AVCODEC_H264_MVPRED_H
#undef CABAC
#undef STORE_BLOCK
#define fetch_diagonal_mv cavlc_fetch_diagonal_mv
#define pred_motion cavlc_pred_motion
#define pred_16x8_motion cavlc_pred_16x8_motion
#define pred_8x16_motion cavlc_pred_8x16_motion
#define pred_pskip_motion cavlc_pred_pskip_motion
#define fill_decode_neighbors cavlc_fill_decode_neighbors
#define fill_decode_caches cavlc_fill_decode_caches
#define decode_mb_skip cavlc_decode_mb_skip
#include <libavcodec/h264_cavlc.c>

int mr_decode_mb_cabac(void) { return own_decode_mb_cabac(&mr_h264, &mr_slice); }
int mr_decode_mb_cavlc(void) { return own_decode_mb_cavlc(&mr_h264, &mr_slice); }
void mr_init_cabac_states(void) {
  if (!residual_steps[0]) init_residual_steps();
  own_init_cabac_states(&mr_h264, &mr_slice);
}
void mr_hl_decode_mb(void) { own_hl_decode_mb(&mr_h264, &mr_slice); }
void mr_filter_mb_fast(int mb_x, int mb_y, uint8_t *luma, uint8_t *cb, uint8_t *cr, unsigned stride,
                       unsigned chroma_stride) {
  own_filter_mb_fast(&mr_h264, &mr_slice, mb_x, mb_y, luma, cb, cr, stride, chroma_stride);
}
void mr_filter_mb(int mb_x, int mb_y, uint8_t *luma, uint8_t *cb, uint8_t *cr, unsigned stride,
                  unsigned chroma_stride) {
  own_filter_mb(&mr_h264, &mr_slice, mb_x, mb_y, luma, cb, cr, stride, chroma_stride);
}
