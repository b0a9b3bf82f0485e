/*
 * A slice of H.264 is decoded on contexts that lie at fixed addresses. Nearly all that the inner loops read and write are
 * fields of two large structures; where the compiler knows their addresses, an access needs no pointer, and the engine that
 * runs the module sees beforehand that it is within memory: it has nothing to check.
 *
 * The two hold what they should while h264_slice.c decodes a slice, which never happens twice at once.
 */
#ifndef MILLRACE_H264_FIXED_H
#define MILLRACE_H264_FIXED_H

#include <libavcodec/h264dec.h>

extern H264Context mr_h264;
extern H264SliceContext mr_slice;

/* What FFmpeg's slices call, on these two and on no others. In h264_macroblock.c. */
int mr_decode_mb_cabac(void);
int mr_decode_mb_cavlc(void);
void mr_init_cabac_states(void);
void mr_hl_decode_mb(void);
void mr_filter_mb_fast(int mb_x, int mb_y, uint8_t *luma, uint8_t *cb, uint8_t *cr, unsigned stride,
                       unsigned chroma_stride);
void mr_filter_mb(int mb_x, int mb_y, uint8_t *luma, uint8_t *cb, uint8_t *cr, unsigned stride,
                  unsigned chroma_stride);

#endif
