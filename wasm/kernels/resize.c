#include "resize.h"

#include "../bridge.h"

#include <libavutil/error.h>
#include <libavutil/mem.h>
#include <string.h>

enum { MOST_SIDE = 16384, MIDDLE = 128 << MR_FRACTION };

/* What is known of a source's planes. */
struct layout {
  int format, depth, shift_x, shift_y, both;
};
static const struct layout layouts[] = {
    {MR_I420, 8, 1, 1, 0}, {MR_I422, 8, 1, 0, 0},     {MR_I444, 8, 0, 0, 0},
    {MR_NV12, 8, 1, 1, 1}, {MR_I420P10, 10, 1, 1, 0}, {MR_GRAY8, 8, 0, 0, 0},
};

struct mr_resizer {
  const struct layout *from;
  int format, width, height, target_width, target_height;
  /* Whether the source has colour, and is as large as what it becomes. */
  int colour, equal;
  struct mr_axis luma_across, luma_down, chroma_across, chroma_down;
  struct mr_colours colours;
  int grey_factor, grey_start;
  /* A row summed downwards, and both of chroma; three summed across. Before and after each of the former is room for `beyond`
   * words. */
  int16_t *down, *parts[2], *across[3];
  int beyond;
  /* The rows that a row is summed out of. */
  const uint8_t **rows;
};

static int is_rgb(int format) {
  return format == MR_RGB24 || format == MR_BGR24 || format == MR_RGBA || format == MR_BGRA;
}

static const struct layout *layout_of(int format) {
  for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
    if (layouts[i].format == format) return &layouts[i];
  return NULL;
}

static int side_fits(int side) { return side > 0 && side <= MOST_SIDE; }

void mr_resizer_free(struct mr_resizer *resizer) {
  if (!resizer) return;
  mr_axis_free(&resizer->luma_across);
  mr_axis_free(&resizer->luma_down);
  mr_axis_free(&resizer->chroma_across);
  mr_axis_free(&resizer->chroma_down);
  av_free(resizer->down);
  for (int i = 0; i < 2; i++) av_free(resizer->parts[i]);
  for (int i = 0; i < 3; i++) av_free(resizer->across[i]);
  av_free(resizer->rows);
  av_free(resizer);
}

static int16_t *words(int count) { return av_calloc(count, sizeof(int16_t)); }

static int make_axes(struct mr_resizer *resizer, int algorithm) {
  const int width = resizer->target_width, height = resizer->target_height;
  const double across = 1.0 / (1 << resizer->from->shift_x), down = 1.0 / (1 << resizer->from->shift_y);
  if (mr_axis_make(&resizer->luma_across, resizer->width, width, algorithm, 1) < 0) return -1;
  if (mr_axis_make(&resizer->luma_down, resizer->height, height, algorithm, 0) < 0) return -1;
  if (!resizer->colour) return 0;
  if (mr_axis_make(&resizer->chroma_across, resizer->width * across, width, algorithm, 1) < 0) return -1;
  return mr_axis_make(&resizer->chroma_down, resizer->height * down, height, algorithm, 0);
}

static int make_rows(struct mr_resizer *resizer) {
  const int luma_taps = resizer->luma_across.taps, chroma_taps = resizer->chroma_across.taps;
  const int beyond = MR_ROW_PADDING + (luma_taps > chroma_taps ? luma_taps : chroma_taps);
  /* With a step, the last vector is read as far beyond the row as there are steps in it. */
  const int most = 16 * (resizer->luma_across.step > resizer->chroma_across.step ? resizer->luma_across.step
                                                                                 : resizer->chroma_across.step);
  const int luma_rows = resizer->luma_down.taps, chroma_rows = resizer->chroma_down.taps;
  resizer->beyond = beyond;
  resizer->down = words(resizer->width + 2 * beyond + most);
  for (int i = 0; i < 2; i++) resizer->parts[i] = words(resizer->width + 2 * beyond + most);
  for (int i = 0; i < 3; i++) {
    resizer->across[i] = words(resizer->luma_across.count + MR_ROW_PADDING);
    if (!resizer->across[i]) return -1;
    for (int at = 0; at < resizer->luma_across.count + MR_ROW_PADDING; at++) resizer->across[i][at] = MIDDLE;
  }
  resizer->rows = av_calloc(luma_rows > chroma_rows ? luma_rows : chroma_rows, sizeof *resizer->rows);
  return resizer->down && resizer->parts[0] && resizer->parts[1] && resizer->rows ? 0 : -1;
}

struct mr_resizer *mr_resizer_new(int32_t width, int32_t height, int32_t format, int32_t full, int32_t matrix,
                                  int32_t target_width, int32_t target_height, int32_t target_format,
                                  int32_t target_full, int32_t algorithm) {
  const struct layout *from = layout_of(format);
  if (!from || !side_fits(width) || !side_fits(height) || !side_fits(target_width) || !side_fits(target_height)) return NULL;
  if (!is_rgb(target_format) && target_format != MR_GRAY8 && target_format != MR_RGBPF32) return NULL;
  const int equal = is_rgb(target_format) && width == target_width && height == target_height && from->depth == 8 &&
                    from->shift_x && from->shift_y && algorithm >= MR_NEAREST && algorithm < MR_BICUBIC;
  if (!equal && algorithm != MR_BILINEAR && algorithm != MR_AREA && algorithm != MR_BICUBIC) return NULL;
  struct mr_resizer *resizer = av_mallocz(sizeof *resizer);
  if (!resizer) return NULL;
  resizer->from = from;
  resizer->format = target_format;
  resizer->width = width;
  resizer->height = height;
  resizer->target_width = target_width;
  resizer->target_height = target_height;
  resizer->colour = format != MR_GRAY8 && target_format != MR_GRAY8;
  mr_colours_make(&resizer->colours, matrix, full);
  /* Grey of another range: black and white are 16 and 235, or 0 and 255. */
  const double span = (target_full ? 255.0 : 219.0) / (full ? 255.0 : 219.0), one = 1 << MR_COLOUR_BITS;
  resizer->grey_factor = (int)(span * one + 0.5);
  resizer->grey_start = (int)(((target_full ? 0 : 16) - (full ? 0 : 16) * span) * one * (1 << MR_FRACTION));
  resizer->equal = equal;
  if (equal || (make_axes(resizer, algorithm) >= 0 && make_rows(resizer) >= 0)) return resizer;
  mr_resizer_free(resizer);
  return NULL;
}

void mr_resizer_normalize(struct mr_resizer *resizer, const float *scale, const float *start) {
  for (int i = 0; i < 3; i++) {
    resizer->colours.scale[i] = scale[i];
    resizer->colours.start[i] = start[i];
  }
}

/* One row of a plane of `samples` by `height`, summed downwards for row `y` of what is made. */
static void sum_down(const struct mr_resizer *resizer, const struct mr_axis *axis, const uint8_t *plane, int stride,
                     int samples, int height, int y, int16_t *to) {
  for (int tap = 0; tap < axis->taps; tap++) {
    const int row = axis->first[y] + tap;
    resizer->rows[tap] = plane + (ptrdiff_t)(row < 0 ? 0 : row < height ? row : height - 1) * stride;
  }
  const int16_t *weights = axis->weights + (ptrdiff_t)y * axis->taps;
  mr_sum_down(resizer->rows, weights, axis->taps, resizer->from->depth, to, samples);
}

/* `row` has room around it. */
static void sum_across(const struct mr_axis *axis, int16_t *row, int samples, int16_t *to) {
  mr_extend(row, samples, axis->taps);
  mr_sum_across(axis, row, to);
}

static void sum_luma(const struct mr_resizer *resizer, const uint8_t *plane, int stride, int y) {
  const struct mr_axis *across = &resizer->luma_across;
  int16_t *to = resizer->across[0], *row = across->taps == 1 ? to : resizer->down + resizer->beyond;
  sum_down(resizer, &resizer->luma_down, plane, stride, resizer->width, resizer->height, y, row);
  if (row != to) sum_across(across, row, resizer->width, to);
}

static void sum_chroma(const struct mr_resizer *resizer, const uint8_t *const *planes, const int32_t *strides, int y) {
  const struct layout *from = resizer->from;
  const int samples = -(-resizer->width >> from->shift_x), height = -(-resizer->height >> from->shift_y);
  const struct mr_axis *across = &resizer->chroma_across, *down = &resizer->chroma_down;
  const int whole = across->taps == 1;
  int16_t *const *to = resizer->across + 1, *rows[2], *row = resizer->down + resizer->beyond;
  for (int i = 0; i < 2; i++) rows[i] = whole ? to[i] : resizer->parts[i] + resizer->beyond;
  if (from->both) {
    sum_down(resizer, down, planes[1], strides[1], 2 * samples, height, y, row);
    mr_part(row, rows[0], rows[1], samples);
  } else {
    for (int i = 0; i < 2; i++) sum_down(resizer, down, planes[1 + i], strides[1 + i], samples, height, y, rows[i]);
  }
  if (whole) return;
  for (int i = 0; i < 2; i++) sum_across(across, rows[i], samples, to[i]);
}

static void store_row(struct mr_resizer *resizer, uint8_t *const *targets, const int32_t *strides, int y) {
  int16_t *const *made = resizer->across;
  const int width = resizer->target_width;
  uint8_t *to = targets[0] + (ptrdiff_t)y * strides[0];
  if (resizer->format == MR_GRAY8) {
    mr_row_to_grey(resizer->grey_factor, resizer->grey_start, made[0], to, width);
  } else if (resizer->format == MR_RGBPF32) {
    float *rows[3];
    for (int i = 0; i < 3; i++) rows[i] = (float *)(targets[i] + (ptrdiff_t)y * strides[i]);
    mr_row_to_floats(&resizer->colours, made[0], made[1], made[2], rows, width);
  } else {
    mr_row_to_rgb(&resizer->colours, made[0], made[1], made[2], to, resizer->format, width);
  }
}

int32_t mr_resizer_run(struct mr_resizer *resizer, const uint8_t *const *planes, const int32_t *strides,
                       uint8_t *const *targets, const int32_t *target_strides) {
  const int sources = resizer->from->format == MR_GRAY8 ? 1 : resizer->from->both ? 2 : 3;
  for (int i = 0; i < (resizer->colour ? sources : 1); i++)
    if (!planes[i]) return AVERROR(EINVAL);
  for (int i = 0; i < (resizer->format == MR_RGBPF32 ? 3 : 1); i++)
    if (!targets[i]) return AVERROR(EINVAL);
  if (resizer->equal) {
    mr_equal_to_rgb(&resizer->colours, planes, strides, resizer->from->both, targets[0], target_strides[0],
                    resizer->format, resizer->width, resizer->height);
    return resizer->height;
  }
  for (int y = 0; y < resizer->target_height; y++) {
    sum_luma(resizer, planes[0], strides[0], y);
    if (resizer->colour) sum_chroma(resizer, planes, strides, y);
    store_row(resizer, targets, target_strides, y);
  }
  return resizer->target_height;
}
