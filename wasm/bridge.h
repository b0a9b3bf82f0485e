/*
 * FFmpeg's decoders and scaler, as far as Millrace needs them: one page that TypeScript calls.
 *
 * Results are 0 or more, or a negated AVERROR. Pointers are offsets into the instance's memory. Whatever a function
 * hands out belongs to the caller until it goes back through the function named beside it; whatever a function takes
 * stays the caller's. Nothing here prints, blocks, or calls back, but for log lines (see mr_log in the imports).
 */
#ifndef MILLRACE_BRIDGE_H
#define MILLRACE_BRIDGE_H

#include <stdint.h>

enum { MR_H264 = 1, MR_HEVC = 2, MR_MJPEG = 3 };
/* Pixel formats; numbers of this page alone. MR_OTHER: a format that the table in bridge.c does not know. */
enum { MR_OTHER = 0, MR_I420, MR_I422, MR_I444, MR_NV12, MR_I420P10, MR_RGB24, MR_BGR24, MR_RGBA, MR_BGRA, MR_GRAY8, MR_RGBPF32 };
enum { MR_SKIP_NONE = 0, MR_SKIP_NONREF = 1, MR_SKIP_NONKEY = 2 };
enum { MR_KEYFRAME = 1, MR_CORRUPT = 2, MR_INTERLACED = 4, MR_TOP_FIRST = 8, MR_FULL_RANGE = 16 };
enum { MR_NEAREST = 0, MR_BILINEAR = 1, MR_AREA = 2, MR_BICUBIC = 3 };

/* One picture. 88 bytes; TypeScript reads the fields at these offsets. */
struct mr_frame {
  double pts;         /*  0  as given with the access unit */
  int32_t width;      /*  8  of the picture shown: cropping is applied */
  int32_t height;     /* 12 */
  int32_t format;     /* 16  MR_I420 ... */
  uint32_t flags;     /* 20  MR_KEYFRAME ... */
  uint32_t data[4];   /* 24  first sample of each plane */
  int32_t stride[4];  /* 40  bytes from row to row */
  int32_t matrix;     /* 56  AVColorSpace */
  int32_t primaries;  /* 60  AVColorPrimaries */
  int32_t transfer;   /* 64  AVColorTransferCharacteristic */
  int32_t sar_num;    /* 68  sample aspect ratio, 0: not known */
  int32_t sar_den;    /* 72 */
  uint32_t reference; /* 76  the hold on the pixels: goes back through mr_frame_release() */
  uint32_t reserved[2];
};

struct mr_decoder;
struct mr_scaler;

/* A decoder, or 0 where memory or the codec is wanting. `extradata` (may be 0) is copied. Freed by mr_decoder_free(). */
struct mr_decoder *mr_decoder_new(int32_t codec, const uint8_t *extradata, int32_t extradata_bytes, double max_pixels,
                                  int32_t low_delay);
void mr_decoder_free(struct mr_decoder *decoder);

/* Room for an access unit of that many bytes, the decoder's own: valid until the next call. 0: no memory. */
uint8_t *mr_decoder_room(struct mr_decoder *decoder, int32_t bytes);
/* Decodes what was put into that room. -EAGAIN (-6): take frames first, then send it again. */
int32_t mr_decoder_send(struct mr_decoder *decoder, int32_t bytes, double pts);
/* No more access units: the frames that are held back come out. Needs mr_decoder_flush() before more is sent. */
int32_t mr_decoder_drain(struct mr_decoder *decoder);
/* 1: `frame` is filled, with a hold on its pixels. 0: send more. -EOF: drained. */
int32_t mr_decoder_receive(struct mr_decoder *decoder, struct mr_frame *frame);
/* Forgets everything but the parameter sets. */
void mr_decoder_flush(struct mr_decoder *decoder);
/* What need not be decoded: MR_SKIP_NONE ... */
void mr_decoder_skip(struct mr_decoder *decoder, int32_t skip);
/* Gives a hold on a frame's pixels back. */
void mr_frame_release(uint32_t reference);

/* A scaler, or 0. `source_full`/`target_full`: samples over the full range. `matrix`: AVColorSpace of the source. */
struct mr_scaler *mr_scaler_new(int32_t source_width, int32_t source_height, int32_t source_format,
                                int32_t source_full, int32_t matrix, int32_t target_width, int32_t target_height,
                                int32_t target_format, int32_t target_full, int32_t algorithm);
/* Planes and strides are arrays of four. */
int32_t mr_scaler_run(struct mr_scaler *scaler, const uint32_t *source, const int32_t *source_strides,
                      const uint32_t *target, const int32_t *target_strides);
void mr_scaler_free(struct mr_scaler *scaler);
/* For planes of floats: red, green and blue, of 0 to 255, are multiplied by three `factors`, and three `starts` added. */
void mr_scaler_normalize(struct mr_scaler *scaler, const float *factors, const float *starts);

/*
 * Our own scaler, in kernels/resize.c, for what it has ways for; where it gives 0, swscale does it. Linked without the
 * kernels it is not there.
 */
struct mr_resizer;
struct mr_resizer *mr_resizer_new(int32_t width, int32_t height, int32_t format, int32_t full, int32_t matrix,
                                  int32_t target_width, int32_t target_height, int32_t target_format,
                                  int32_t target_full, int32_t algorithm) __attribute__((weak));
void mr_resizer_free(struct mr_resizer *resizer) __attribute__((weak));
void mr_resizer_normalize(struct mr_resizer *resizer, const float *factors, const float *starts)
    __attribute__((weak));
int32_t mr_resizer_run(struct mr_resizer *resizer, const uint8_t *const *planes, const int32_t *strides,
                       uint8_t *const *targets, const int32_t *target_strides) __attribute__((weak));

/* Memory of the caller's, aligned to 64 bytes; 0 where there is none. Goes back through mr_release(). */
uint8_t *mr_alloc(uint32_t bytes);
void mr_release(uint8_t *memory);
/* FFmpeg's words for one of its errors, into a buffer of the caller's. */
void mr_error_text(int32_t error, char *into, uint32_t bytes);
/* FFmpeg's version string; static. */
const char *mr_version(void);
/*
 * A second thread for pictures of so many samples or more (helper.c). The first instance prepares it, and gives the address of the
 * words that helper.ts knows, or 0 where memory is wanting; another instance on the same memory, with a stack of its own, runs it,
 * until it is told to end.
 */
uint32_t mr_helper_prepare(double samples);
void mr_helper_run(void);
/* To be called once, before anything else. `log_level`: AVERROR's levels, -8 for silence. */
void mr_init(int32_t log_level);

#endif
