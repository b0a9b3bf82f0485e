/* The rival of bench/scale.ts: libswscale with its assembly, one thread. Scales pictures of I420 out of a file, by turns, and
 * prints the milliseconds of each run of as many pictures as asked for. "accurate" is swscale's own better rounding; "floats"
 * makes three planes of floats out of what it gave, as a program that feeds a network does. */
#include <libswscale/swscale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PICTURES = 4, ARGUMENTS = 10 };

static double milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void to_floats(const uint8_t *pixels, float *to, int count) {
  for (int channel = 0; channel < 3; channel++)
    for (int i = 0; i < count; i++) to[channel * count + i] = pixels[3 * i + channel] * (1.0f / 255);
}

static int choose(const char *name, const char *const *names) {
  for (int i = 0; names[i]; i++)
    if (!strcmp(name, names[i])) return i;
  return -1;
}

int main(int count, char **arguments) {
  static const char *const formats[] = {"RGB24", "RGBA", "GRAY8", "RGBPF32", NULL};
  static const char *const algorithms[] = {"bilinear", "area", "bicubic", NULL};
  static const enum AVPixelFormat theirs[] = {AV_PIX_FMT_RGB24, AV_PIX_FMT_RGBA, AV_PIX_FMT_GRAY8, AV_PIX_FMT_RGB24};
  static const int flags[] = {SWS_BILINEAR, SWS_AREA, SWS_BICUBIC}, channels[] = {3, 4, 1, 3};
  if (count != ARGUMENTS) return 2;
  const int width = atoi(arguments[2]), height = atoi(arguments[3]), to_width = atoi(arguments[4]);
  const int to_height = atoi(arguments[5]), times = atoi(arguments[9]);
  const int format = choose(arguments[6], formats), algorithm = choose(arguments[7], algorithms);
  if (format < 0 || algorithm < 0 || width % 2 || height % 2) return 2;
  const int accurate = strcmp(arguments[8], "accurate") == 0;

  const int luma = width * height, bytes = luma * 3 / 2;
  uint8_t *pictures = malloc((size_t)PICTURES * bytes);
  FILE *file = fopen(arguments[1], "rb");
  if (!pictures || !file || fread(pictures, bytes, PICTURES, file) != PICTURES) return 1;
  const int stride = to_width * channels[format];
  uint8_t *to = aligned_alloc(64, ((size_t)stride * to_height + 4096) / 64 * 64);
  float *floats = malloc(sizeof(float) * 3 * to_width * to_height);
  struct SwsContext *context = sws_getContext(width, height, AV_PIX_FMT_YUV420P, to_width, to_height, theirs[format],
                                              flags[algorithm] | (accurate ? SWS_ACCURATE_RND : 0), NULL, NULL, NULL);
  if (!to || !floats || !context) return 1;
  const int *space = sws_getCoefficients(SWS_CS_ITU709);
  sws_setColorspaceDetails(context, space, 0, space, 1, 0, 1 << 16, 1 << 16);
  for (int i = 0; i < times; i++) {
    const uint8_t *y = pictures + (size_t)(i % PICTURES) * bytes;
    const uint8_t *planes[4] = {y, y + luma, y + luma + luma / 4, NULL};
    const int strides[4] = {width, width / 2, width / 2, 0}, to_strides[4] = {stride, 0, 0, 0};
    const double began = milliseconds();
    if (sws_scale(context, planes, strides, 0, height, (uint8_t *const[4]){to}, to_strides) != to_height) return 1;
    if (format == 3) to_floats(to, floats, to_width * to_height);
    printf("%.4f\n", milliseconds() - began);
  }
  return 0;
}
