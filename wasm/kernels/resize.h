/*
 * Our own scaler, for what cameras send and programs ask for: planes of YUV into RGB, grey, or planes of floats, of any
 * size. A row is summed downwards out of the source's rows, then across, then its colours are converted. In between
 * samples are words with MR_FRACTION bits after the point, so that nothing is rounded off to a byte before the end.
 */
#ifndef MILLRACE_RESIZE_H
#define MILLRACE_RESIZE_H

#include <stddef.h>
#include <stdint.h>

enum { MR_FRACTION = 6, MR_WEIGHT_BITS = 14, MR_COLOUR_BITS = 13 };
/* What a row may be read and written beyond its end: a vector, or a filter of many taps. */
enum { MR_ROW_PADDING = 64 };

/*
 * How each sample of a row, or each row of a plane, is made: `taps` samples from `first` on, weighted; the weights' sum is
 * 1 << MR_WEIGHT_BITS. Beyond the edges, at most `taps` from them, is the edge's sample again. `taps` is 1, or a multiple of two,
 * and across 2, 4, or a multiple of 8; `count` is rounded up to 16 across. `step`: where each begins that far from the one
 * before, with the same weights; else 0.
 */
struct mr_axis {
  int32_t count, taps, step;
  int32_t *first;
  int16_t *weights;
};

/* Y, U, V to R, G, B: sums of samples times factors of MR_COLOUR_BITS, and what is added to them. */
struct mr_colours {
  int32_t luma, v_red, u_green, v_green, u_blue;
  int32_t red_start, green_start, blue_start;
  /* What floats are multiplied by, and what is added then. */
  float scale[3], start[3];
};

/* `extent`: samples of the plane that are picture, half a one where its edge lies within. 0, or -1 without memory. */
int mr_axis_make(struct mr_axis *axis, double extent, int targets, int algorithm, int across);
void mr_axis_free(struct mr_axis *axis);

/* `matrix`: AVColorSpace. */
void mr_colours_make(struct mr_colours *colours, int matrix, int full);

/* Rows of samples of `depth` bits, weighted, into words. */
void mr_sum_down(const uint8_t *const *rows, const int16_t *weights, int taps, int depth, int16_t *to, int samples);
/* Words, weighted, into words; before and after those of `from` the edges' are to be repeated, mr_extend() does. */
void mr_sum_across(const struct mr_axis *axis, const int16_t *from, int16_t *to);
void mr_extend(int16_t *row, int samples, int by);
/* Words of U and V by turns into two rows. */
void mr_part(const int16_t *from, int16_t *us, int16_t *vs, int count);

/* Rows of words into a row of one of bridge.h's formats: nothing is written beyond `width` pixels. */
void mr_row_to_rgb(const struct mr_colours *colours, const int16_t *y, const int16_t *u, const int16_t *v, uint8_t *to,
                   int format, int width);
void mr_row_to_floats(const struct mr_colours *colours, const int16_t *y, const int16_t *u, const int16_t *v,
                      float *const *to, int width);
/* `luma` and `start` as those of mr_colours. */
void mr_row_to_grey(int luma, int start, const int16_t *y, uint8_t *to, int width);

/* A picture of 8 bits, 4:2:0, into one of the same size; `both`: U and V lie by turns. */
void mr_equal_to_rgb(const struct mr_colours *colours, const uint8_t *const *planes, const int32_t *strides, int both,
                     uint8_t *to, int stride, int format, int width, int height);

#endif
