/*
 * FFmpeg's slices of H.264, compiled anew from its source on contexts at fixed addresses (h264_fixed.h). Linked before
 * FFmpeg's library, this takes the place of the same file there.
 */
#define HAVE_AV_CONFIG_H 1
#define _ISOC99_SOURCE 1
#define _POSIX_C_SOURCE 200112
#define _XOPEN_SOURCE 600

#pragma clang diagnostic ignored "-Weverything"

#include <stddef.h>
#include <string.h>
#include <wasm_simd128.h>

/* What h264_strength.c reads at once is written at once: a processor waits for what was written by less. */
#define AV_COPY128(to, from) wasm_v128_store(to, wasm_v128_load(from))

#include "h264_fixed.h"

#define ff_h264_decode_mb_cabac(h, sl) mr_decode_mb_cabac()
#define ff_h264_decode_mb_cavlc(h, sl) mr_decode_mb_cavlc()
#define ff_h264_init_cabac_states(h, sl) mr_init_cabac_states()
#define ff_h264_hl_decode_mb(h, sl) mr_hl_decode_mb()
#define ff_h264_filter_mb_fast(h, sl, ...) mr_filter_mb_fast(__VA_ARGS__)
#define ff_h264_filter_mb(h, sl, ...) mr_filter_mb(__VA_ARGS__)

/*
 * FFmpeg's source defines this function and calls it. Its definition is for any number of contexts, and is to be nobody's; its
 * call is to be of ours. What stands first between the parentheses tells one from the other.
 */
static int execute_for_any_contexts(H264Context *h);
#define ff_h264_execute_decode_slices(first) EXECUTE_##first)
#define EXECUTE_H264Context execute_for_any_contexts(H264Context
#define EXECUTE_h ff_h264_execute_decode_slices(h
/* Called once: here the compiler sees which contexts its are. */
static inline __attribute__((always_inline)) int decode_slice(struct AVCodecContext *avctx, void *arg);
static __attribute__((noinline)) void loop_filter(const H264Context *h, H264SliceContext *sl, int start_x, int end_x);

#include <libavcodec/h264_slice.c>

#undef ff_h264_execute_decode_slices

H264Context mr_h264;
H264SliceContext mr_slice;

/* What decoding a slice reads of a context: not its film grain, nor the pictures, which it has pointers to. */
static void take(const H264Context *from) {
  memcpy(&mr_h264, from, offsetof(H264Context, h274db));
  const size_t rest = offsetof(H264Context, cur_pic_ptr);
  memcpy((char *)&mr_h264 + rest, (const char *)from + rest, sizeof *from - rest);
}

int ff_h264_execute_decode_slices(H264Context *h) {
  H264SliceContext *slice = h->slice_ctx;
  const int queued = h->nb_slice_ctx_queued;
  slice->next_slice_idx = INT_MAX;
  if (queued < 1) return 0;
  /* With one thread there is one context. */
  av_assert0(queued == 1 && slice->mb_y < h->mb_height);
  slice->next_slice_idx = h->mb_width * h->mb_height;
  h->postpone_filter = 0;

  take(h);
  mr_slice = *slice;
  mr_slice.h264 = &mr_h264;
  const int result = decode_slice(h->avctx, &mr_slice);
  *slice = mr_slice;
  slice->h264 = h;

  h->mb_y = slice->mb_y;
  h->nb_slice_ctx_queued = 0;
  return result;
}
