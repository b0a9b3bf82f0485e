/* The rival of bench/decode.ts: libavcodec with its assembly, one thread or as many as the second argument says. Reads a file's
 * packets into memory, decodes them, and prints the frames and the seconds that the decoding alone took. */
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
  AVFormatContext *input = NULL;
  if (count < 2 || count > 3 || avformat_open_input(&input, arguments[1], NULL, NULL) < 0) return 1;
  if (avformat_find_stream_info(input, NULL) < 0) return 1;
  const AVCodec *codec = NULL;
  int stream = av_find_best_stream(input, AVMEDIA_TYPE_VIDEO, -1, -1, &codec, 0);
  if (stream < 0) return 1;
  AVCodecContext *context = avcodec_alloc_context3(codec);
  if (avcodec_parameters_to_context(context, input->streams[stream]->codecpar) < 0) return 1;
  context->thread_count = count == 3 ? atoi(arguments[2]) : 1;
  if (avcodec_open2(context, codec, NULL) < 0) return 1;
  enum { MOST = 4096 };
  static AVPacket *packets[MOST + 1];
  int packet_count = 0;
  while (packet_count < MOST) {
    AVPacket *packet = av_packet_alloc();
    if (av_read_frame(input, packet) < 0) break;
    if (packet->stream_index == stream) packets[packet_count++] = packet;
  }
  AVFrame *frame = av_frame_alloc();
  int frames = 0;
  double began = seconds();
  for (int i = 0; i <= packet_count; i++) {
    avcodec_send_packet(context, i < packet_count ? packets[i] : NULL);
    while (avcodec_receive_frame(context, frame) == 0) frames++;
  }
  printf("%d %.6f\n", frames, seconds() - began);
  return 0;
}
