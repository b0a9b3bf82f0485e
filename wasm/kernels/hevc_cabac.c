/*
 * FFmpeg's reading of HEVC's CABAC, compiled anew from its source with our innermost steps. Linked before FFmpeg's library,
 * it takes the place of the same file there.
 */
#define HAVE_AV_CONFIG_H 1
#define _ISOC99_SOURCE 1
#define _POSIX_C_SOURCE 200112
#define _XOPEN_SOURCE 600
#define UNCHECKED_BITSTREAM_READER 0

#include "cabac.h"

#pragma clang diagnostic ignored "-Weverything"
#include <libavcodec/hevc_cabac.c>
