/* The rival of bench/pipeline.ts: a native program that takes an RTSP camera over TCP with libavformat, told to hold nothing back,
 * decodes with libavcodec on one thread, copies the picture as it is into shared memory, or scales it into there with libswscale as
 * 480x270 RGB, and prints for each frame the number that the picture bears and the Unix milliseconds at which it was there. */
#include <fcntl.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { WIDTH = 480, HEIGHT = 270, SLOTS = 10, MARK_BITS = 8, MARK_ACROSS = 40, MOST_BYTES = 1280 * 720 * 3 / 2 };

static double unix_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static int mark_of(const unsigned char *pixels, int width, int pixel_bytes) {
  const double side = (double)width / MARK_ACROSS;
  int mark = 0;
  for (int i = 0; i < MARK_BITS; i++) {
    mark = mark << 1 | (pixels[((int)(side / 2) * width + (int)((i + 0.5) * side)) * pixel_bytes] > 127);
  }
  return mark;
}

static unsigned char *copied(unsigned char *slot, const AVFrame *frame) {
  unsigned char *at = slot;
  for (int plane = 0; plane < 3; plane++) {
    int width = plane ? frame->width / 2 : frame->width, height = plane ? frame->height / 2 : frame->height;
    for (int row = 0; row < height; row++, at += width) {
      memcpy(at, frame->data[plane] + row * frame->linesize[plane], (size_t)width);
    }
  }
  return slot;
}

int main(int count, char **arguments) {
  if (count != 4) return 1;
  int wanted = atoi(arguments[2]), scaled = strcmp(arguments[3], "scaled") == 0;
  AVDictionary *options = NULL;
  av_dict_set(&options, "rtsp_transport", "tcp", 0);
  av_dict_set(&options, "fflags", "nobuffer", 0);
  av_dict_set(&options, "max_delay", "0", 0);
  AVFormatContext *input = NULL;
  if (avformat_open_input(&input, arguments[1], NULL, &options) < 0) return 1;
  if (avformat_find_stream_info(input, NULL) < 0) return 1;
  const AVCodec *codec = NULL;
  int stream = av_find_best_stream(input, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
  if (stream < 0) return 1;
  AVCodecContext *context = avcodec_alloc_context3(codec);
  if (avcodec_parameters_to_context(context, input->streams[stream]->codecpar) < 0) return 1;
  context->thread_count = 1;
  context->flags |= AV_CODEC_FLAG_LOW_DELAY;
  if (avcodec_open2(context, codec, NULL) < 0) return 1;

  char name[] = "/dev/shm/millrace-bench-XXXXXX";
  int file = mkstemp(name);
  const size_t bytes = MOST_BYTES;
  if (file < 0 || posix_fallocate(file, 0, (off_t)(bytes * SLOTS)) != 0) return 1;
  unlink(name);
  unsigned char *memory = mmap(NULL, bytes * SLOTS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
  if (memory == MAP_FAILED) return 1;
  struct SwsContext *scaler = NULL;
  AVPacket *packet = av_packet_alloc();
  AVFrame *frame = av_frame_alloc();
  for (int frames = 0; frames < wanted && av_read_frame(input, packet) >= 0; av_packet_unref(packet)) {
    if (packet->stream_index != stream || avcodec_send_packet(context, packet) < 0) continue;
    while (avcodec_receive_frame(context, frame) == 0) {
      unsigned char *slot = memory + bytes * (size_t)(frames++ % SLOTS);
      if (!scaled) {
        printf("%d %.3f\n", mark_of(copied(slot, frame), frame->width, 1), unix_ms());
        continue;
      }
      scaler = sws_getCachedContext(scaler, frame->width, frame->height, frame->format, WIDTH, HEIGHT, AV_PIX_FMT_RGB24,
                                    SWS_BILINEAR, NULL, NULL, NULL);
      uint8_t *planes[4] = {slot};
      int strides[4] = {3 * WIDTH};
      sws_scale(scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, frame->height, planes, strides);
      printf("%d %.3f\n", mark_of(slot, WIDTH, 3), unix_ms());
    }
  }
  return 0;
}
