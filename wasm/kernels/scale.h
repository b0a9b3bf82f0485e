/* Kernels of swscale's. */
#ifndef MILLRACE_SCALE_H
#define MILLRACE_SCALE_H

#include <libswscale/swscale.h>
#include <libswscale/swscale_internal.h>

void mr_scale_row(SwsContext *context, int16_t *to, int width, const uint8_t *from, const int16_t *filter,
                  const int32_t *position, int count);
void mr_sum_rows(const int16_t *filter, int count, const int16_t **rows, uint8_t *to, int width, const uint8_t *dither,
                 int offset);
void mr_rgb24_row(SwsContext *context, const int16_t *luma_filter, const int16_t **luma, int luma_count,
                  const int16_t *chroma_filter, const int16_t **us, const int16_t **vs, int chroma_count,
                  const int16_t **alpha, uint8_t *to, int width, int y);

#endif
