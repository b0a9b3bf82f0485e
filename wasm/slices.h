#ifndef MILLRACE_SLICES_H
#define MILLRACE_SLICES_H

#include <libavcodec/avcodec.h>

/*
 * In kernels/hevc_helper.c: what FFmpeg's decoders have their slices decoded by (AVCodecContext.execute), in two threads where
 * there are two and it is HEVC. Linked without the kernels it is not there.
 */
int mr_hevc_execute(AVCodecContext *context, int (*work)(AVCodecContext *context, void *argument), void *argument,
                    int *results, int count, int size) __attribute__((weak));

#endif
