#include "scale.h"

void __real_ff_sws_init_scale(SwsContext *context);
void __wrap_ff_sws_init_scale(SwsContext *context);

/* Whether what comes out is planes of 8 bits, for which swscale has one way to sum rows. */
static int planes_of_bytes(enum AVPixelFormat format) {
  return format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P || format == AV_PIX_FMT_YUV422P ||
         format == AV_PIX_FMT_YUVJ422P || format == AV_PIX_FMT_YUV444P || format == AV_PIX_FMT_YUVJ444P ||
         format == AV_PIX_FMT_NV12 || format == AV_PIX_FMT_GRAY8;
}

void __wrap_ff_sws_init_scale(SwsContext *context) {
  __real_ff_sws_init_scale(context);
  /* Its fast bilinear filter has a loop of its own, and is not asked for. */
  if (context->srcBpc == 8 && context->dstBpc <= 14) context->hyScale = context->hcScale = mr_scale_row;
  if (planes_of_bytes(context->dstFormat)) context->yuv2planeX = mr_sum_rows;
  /* With chroma of its own for each pixel it goes another way, which odd widths need. */
  const int shared = !(context->flags & SWS_FULL_CHR_H_INT);
  if (context->dstFormat == AV_PIX_FMT_RGB24 && context->yuv2packedX && shared) context->yuv2packedX = mr_rgb24_row;
}
