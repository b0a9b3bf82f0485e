#include "bridge.h"
#include "slices.h"

#include <libavcodec/avcodec.h>
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <stdlib.h>
#include <string.h>

struct mr_decoder {
  AVCodecContext *context;
  AVPacket *packet;
  AVFrame *frame;
  uint8_t *room;
  int32_t room_bytes;
};

/* Our own scaler, or swscale; for floats, which swscale has none of, what it makes and how that is turned into them. */
struct mr_scaler {
  struct mr_resizer *resizer;
  struct SwsContext *context;
  uint8_t *bytes;
  int32_t width, height;
  float factors[3], starts[3];
  int32_t source_height;
};

/* The one import of ours: a line of FFmpeg's log. */
__attribute__((import_module("millrace"), import_name("log"))) void mr_log(int32_t level, const char *line, int32_t bytes);

static const struct {
  int32_t ours;
  enum AVPixelFormat theirs;
} formats[] = {
    {MR_I420, AV_PIX_FMT_YUV420P},   {MR_I422, AV_PIX_FMT_YUV422P},       {MR_I444, AV_PIX_FMT_YUV444P},
    {MR_NV12, AV_PIX_FMT_NV12},      {MR_I420P10, AV_PIX_FMT_YUV420P10LE}, {MR_RGB24, AV_PIX_FMT_RGB24},
    {MR_BGR24, AV_PIX_FMT_BGR24},    {MR_RGBA, AV_PIX_FMT_RGBA},          {MR_BGRA, AV_PIX_FMT_BGRA},
    {MR_GRAY8, AV_PIX_FMT_GRAY8},    {MR_I420, AV_PIX_FMT_YUVJ420P},      {MR_I422, AV_PIX_FMT_YUVJ422P},
    {MR_I444, AV_PIX_FMT_YUVJ444P},
};

static int32_t format_of(enum AVPixelFormat theirs) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (formats[i].theirs == theirs) return formats[i].ours;
  return MR_OTHER;
}

static enum AVPixelFormat format_for(int32_t ours) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (formats[i].ours == ours) return formats[i].theirs;
  return AV_PIX_FMT_NONE;
}

static void log_line(void *context, int level, const char *format, va_list arguments) {
  if (level > av_log_get_level()) return;
  char line[512];
  int prefix = 1;
  int bytes = av_log_format_line2(context, level, format, arguments, line, sizeof line, &prefix);
  if (bytes < 0) return;
  if (bytes >= (int)sizeof line) bytes = sizeof line - 1;
  mr_log(level, line, bytes);
}

void mr_start_thread(void); /* platform.c */

void mr_init(int32_t log_level) {
  mr_start_thread();
  av_log_set_level(log_level);
  av_log_set_callback(log_line);
}

void mr_decoder_free(struct mr_decoder *decoder) {
  if (!decoder) return;
  avcodec_free_context(&decoder->context);
  av_packet_free(&decoder->packet);
  av_frame_free(&decoder->frame);
  av_free(decoder->room);
  av_free(decoder);
}

struct mr_decoder *mr_decoder_new(int32_t codec, const uint8_t *extradata,
                                                       int32_t extradata_bytes, double max_pixels,
                                                       int32_t low_delay) {
  static const enum AVCodecID ids[] = {AV_CODEC_ID_NONE, AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_MJPEG};
  if (codec < MR_H264 || codec > MR_MJPEG || extradata_bytes < 0) return NULL;
  const AVCodec *found = avcodec_find_decoder(ids[codec]);
  struct mr_decoder *decoder = av_mallocz(sizeof *decoder);
  if (!found || !decoder) goto fail;
  decoder->context = avcodec_alloc_context3(found);
  decoder->packet = av_packet_alloc();
  decoder->frame = av_frame_alloc();
  if (!decoder->context || !decoder->packet || !decoder->frame) goto fail;
  decoder->context->thread_count = 1;
  if (mr_hevc_execute) decoder->context->execute = mr_hevc_execute;
  decoder->context->max_pixels = (int64_t)max_pixels;
  decoder->context->pkt_timebase = (AVRational){1, 1000000};
  if (low_delay) decoder->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
  if (extradata && extradata_bytes > 0) {
    decoder->context->extradata = av_mallocz(extradata_bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!decoder->context->extradata) goto fail;
    memcpy(decoder->context->extradata, extradata, extradata_bytes);
    decoder->context->extradata_size = extradata_bytes;
  }
  if (avcodec_open2(decoder->context, found, NULL) < 0) goto fail;
  return decoder;
fail:
  mr_decoder_free(decoder);
  return NULL;
}

uint8_t *mr_decoder_room(struct mr_decoder *decoder, int32_t bytes) {
  if (bytes < 0 || bytes > INT32_MAX / 2) return NULL;
  if (bytes > decoder->room_bytes || !decoder->room) {
    int32_t room_bytes = bytes + bytes / 2 + 4096;
    av_freep(&decoder->room);
    decoder->room_bytes = 0;
    decoder->room = av_malloc(room_bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!decoder->room) return NULL;
    decoder->room_bytes = room_bytes;
  }
  return decoder->room;
}

int32_t mr_decoder_send(struct mr_decoder *decoder, int32_t bytes, double pts) {
  if (bytes <= 0 || bytes > decoder->room_bytes) return AVERROR(EINVAL);
  memset(decoder->room + bytes, 0, AV_INPUT_BUFFER_PADDING_SIZE);
  /* The packet borrows the room: FFmpeg copies a packet that is not counted, once, and into a buffer of its own. */
  decoder->packet->data = decoder->room;
  decoder->packet->size = bytes;
  decoder->packet->pts = decoder->packet->dts = (int64_t)pts;
  int32_t result = avcodec_send_packet(decoder->context, decoder->packet);
  av_packet_unref(decoder->packet);
  return result;
}

int32_t mr_decoder_drain(struct mr_decoder *decoder) {
  return avcodec_send_packet(decoder->context, NULL);
}

int32_t mr_decoder_receive(struct mr_decoder *decoder, struct mr_frame *out) {
  int result = avcodec_receive_frame(decoder->context, decoder->frame);
  if (result == AVERROR(EAGAIN)) return 0;
  if (result < 0) return result;
  const AVFrame *frame = decoder->frame;
  AVFrame *hold = av_frame_alloc();
  if (!hold) {
    av_frame_unref(decoder->frame);
    return AVERROR(ENOMEM);
  }
  int full = frame->color_range == AVCOL_RANGE_JPEG || frame->format == AV_PIX_FMT_YUVJ420P ||
             frame->format == AV_PIX_FMT_YUVJ422P || frame->format == AV_PIX_FMT_YUVJ444P;
  out->pts = frame->pts == AV_NOPTS_VALUE ? -1 : (double)frame->pts;
  out->width = frame->width;
  out->height = frame->height;
  out->format = format_of(frame->format);
  out->flags = (frame->key_frame ? MR_KEYFRAME : 0) |
               (frame->decode_error_flags || (frame->flags & AV_FRAME_FLAG_CORRUPT) ? MR_CORRUPT : 0) |
               (frame->interlaced_frame ? MR_INTERLACED : 0) | (frame->top_field_first ? MR_TOP_FIRST : 0) |
               (full ? MR_FULL_RANGE : 0);
  for (int i = 0; i < 4; i++) {
    out->data[i] = (uint32_t)(uintptr_t)frame->data[i];
    out->stride[i] = frame->linesize[i];
  }
  out->matrix = frame->colorspace;
  out->primaries = frame->color_primaries;
  out->transfer = frame->color_trc;
  out->sar_num = frame->sample_aspect_ratio.num;
  out->sar_den = frame->sample_aspect_ratio.den;
  out->reference = (uint32_t)(uintptr_t)hold;
  av_frame_move_ref(hold, decoder->frame);
  return 1;
}

void mr_decoder_flush(struct mr_decoder *decoder) { avcodec_flush_buffers(decoder->context); }

void mr_decoder_skip(struct mr_decoder *decoder, int32_t skip) {
  decoder->context->skip_frame = skip == MR_SKIP_NONKEY   ? AVDISCARD_NONKEY
                                 : skip == MR_SKIP_NONREF ? AVDISCARD_NONREF
                                                          : AVDISCARD_DEFAULT;
}

void mr_frame_release(uint32_t reference) {
  AVFrame *hold = (AVFrame *)(uintptr_t)reference;
  av_frame_free(&hold);
}

void mr_scaler_free(struct mr_scaler *scaler) {
  if (!scaler) return;
  if (scaler->resizer) mr_resizer_free(scaler->resizer);
  sws_freeContext(scaler->context);
  av_free(scaler->bytes);
  av_free(scaler);
}

struct mr_scaler *mr_scaler_new(int32_t source_width, int32_t source_height,
                                                     int32_t source_format, int32_t source_full, int32_t matrix,
                                                     int32_t target_width, int32_t target_height,
                                                     int32_t target_format, int32_t target_full, int32_t algorithm) {
  static const int algorithms[] = {SWS_POINT, SWS_BILINEAR, SWS_AREA, SWS_BICUBIC};
  const int floats = target_format == MR_RGBPF32;
  enum AVPixelFormat from = format_for(source_format), to = floats ? AV_PIX_FMT_RGB24 : format_for(target_format);
  struct mr_scaler *scaler = av_mallocz(sizeof *scaler);
  if (!scaler) return NULL;
  if (mr_resizer_new) {
    scaler->resizer = mr_resizer_new(source_width, source_height, source_format, source_full, matrix, target_width,
                                     target_height, target_format, target_full, algorithm);
    if (scaler->resizer) return scaler;
  }
  if (from == AV_PIX_FMT_NONE || to == AV_PIX_FMT_NONE || algorithm < 0 || algorithm > MR_BICUBIC) goto fail;
  scaler->source_height = source_height;
  scaler->width = target_width;
  scaler->height = target_height;
  for (int i = 0; i < 3; i++) scaler->factors[i] = 1.0f / 255;
  if (floats) {
    scaler->bytes = av_malloc_array(target_width, 3 * (size_t)target_height);
    if (!scaler->bytes) goto fail;
  }
  scaler->context = sws_getContext(source_width, source_height, from, target_width, target_height, to,
                                   algorithms[algorithm] | SWS_ACCURATE_RND, NULL, NULL, NULL);
  if (!scaler->context) goto fail;
  /* Its numbers are AVColorSpace's; what it has no coefficients for, or is not told, it takes for BT.601. */
  const int *space = sws_getCoefficients(matrix);
  const AVPixFmtDescriptor *target = av_pix_fmt_desc_get(to);
  const int full = (target->flags & AV_PIX_FMT_FLAG_RGB) || target_full;
  /* Not every pair has colours to convert: then it says so, and there is nothing to set. */
  sws_setColorspaceDetails(scaler->context, space, source_full, space, full, 0, 1 << 16, 1 << 16);
  return scaler;
fail:
  mr_scaler_free(scaler);
  return NULL;
}

/* Rows of RGB24 into three planes of floats. */
static void to_floats(const struct mr_scaler *scaler, const uint32_t *target, const int32_t *strides) {
  for (int32_t y = 0; y < scaler->height; y++) {
    const uint8_t *from = scaler->bytes + 3 * (size_t)scaler->width * y;
    for (int i = 0; i < 3; i++) {
      float *to = (float *)(uintptr_t)(target[i] + (uint32_t)(strides[i] * y));
      for (int32_t x = 0; x < scaler->width; x++) to[x] = from[3 * x + i] * scaler->factors[i] + scaler->starts[i];
    }
  }
}

int32_t mr_scaler_run(struct mr_scaler *scaler, const uint32_t *source, const int32_t *source_strides,
                      const uint32_t *target, const int32_t *target_strides) {
  if (scaler->resizer) {
    return mr_resizer_run(scaler->resizer, (const uint8_t *const *)source, source_strides, (uint8_t *const *)target,
                          target_strides);
  }
  uint8_t *const bytes[4] = {scaler->bytes};
  const int byte_strides[4] = {3 * scaler->width};
  if (scaler->bytes && (!target[0] || !target[1] || !target[2])) return AVERROR(EINVAL);
  const int rows = sws_scale(scaler->context, (const uint8_t *const *)source, source_strides, 0, scaler->source_height,
                             scaler->bytes ? bytes : (uint8_t *const *)target,
                             scaler->bytes ? byte_strides : target_strides);
  if (rows >= 0 && scaler->bytes) to_floats(scaler, target, target_strides);
  return rows;
}

void mr_scaler_normalize(struct mr_scaler *scaler, const float *factors, const float *starts) {
  if (scaler->resizer) mr_resizer_normalize(scaler->resizer, factors, starts);
  memcpy(scaler->factors, factors, sizeof scaler->factors);
  memcpy(scaler->starts, starts, sizeof scaler->starts);
}

uint8_t *mr_alloc(uint32_t bytes) {
  void *memory = NULL;
  return posix_memalign(&memory, 64, bytes + 64) == 0 ? memory : NULL;
}

void mr_release(uint8_t *memory) { free(memory); }

void mr_error_text(int32_t error, char *into, uint32_t bytes) { av_strerror(error, into, bytes); }

const char *mr_version(void) { return av_version_info(); }
