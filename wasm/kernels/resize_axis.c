/* Which samples make one, and how they are weighted. Filters have the width of what they make, where that is more. */
#include "resize.h"

#include "../bridge.h"

#include <libavutil/mem.h>
#include <math.h>

/* The weight of a sample at a distance, both in samples of the source; `ratio` of these make one. */
static double weight(int algorithm, double distance, double ratio) {
  if (algorithm == MR_AREA && ratio > 1) {
    const double end = fmin(distance + 0.5, ratio / 2), begin = fmax(distance - 0.5, -ratio / 2);
    return fmax(0, end - begin);
  }
  const double d = fabs(distance) / fmax(1, ratio);
  if (algorithm != MR_BICUBIC) return fmax(0, 1 - d);
  /* swscale's own: between Catmull and Rom's, whose number is 0.5, and a sharper one. */
  const double c = 0.6;
  if (d < 1) return (2 - c) * d * d * d - (3 - c) * d * d + 1;
  if (d < 2) return -c * d * d * d + 5 * c * d * d - 8 * c * d + 4 * c;
  return 0;
}

static double reach(int algorithm, double ratio) {
  if (algorithm == MR_AREA && ratio > 1) return ratio / 2 + 0.5;
  return fmax(1, ratio) * (algorithm == MR_BICUBIC ? 2 : 1);
}

/* The samples that one is made of, from `first` on; their number. */
static int gather(double centre, double ratio, int algorithm, double *weights, int *first) {
  const double span = reach(algorithm, ratio);
  int begin = (int)ceil(centre - span), end = (int)floor(centre + span);
  while (begin < end && fabs(weight(algorithm, begin - centre, ratio)) < 1e-9) begin++;
  while (begin < end && fabs(weight(algorithm, end - centre, ratio)) < 1e-9) end--;
  double sum = 0;
  for (int at = begin; at <= end; at++) sum += weights[at - begin] = weight(algorithm, at - centre, ratio);
  for (int i = 0; i <= end - begin; i++) weights[i] /= sum;
  *first = begin;
  return end - begin + 1;
}

/* Rounded so that the sums of any part are right, and that of all exactly. */
static void round_off(const double *weights, int count, int16_t *to) {
  double sum = 0;
  int given = 0;
  for (int i = 0; i < count; i++) {
    sum += weights[i] * (1 << MR_WEIGHT_BITS);
    to[i] = (int16_t)(lrint(sum) - given);
    given += to[i];
  }
}

static int round_up(int taps, int across) {
  if (taps == 1) return 1;
  if (!across) return (taps + 1) & ~1;
  return taps <= 2 ? 2 : taps <= 4 ? 4 : (taps + 7) & ~7;
}

int mr_axis_make(struct mr_axis *axis, double extent, int targets, int algorithm, int across) {
  const double ratio = extent / targets;
  const int most = 2 * (int)reach(algorithm, ratio) + 4;
  double *weights = av_malloc_array(most, sizeof *weights);
  int taps = 1, own = 1;
  axis->count = across ? (targets + 15) & ~15 : targets;
  axis->first = av_calloc(axis->count, sizeof *axis->first);
  if (!weights || !axis->first) goto fail;
  for (int i = 0; i < targets; i++) {
    const int count = gather((i + 0.5) * ratio - 0.5, ratio, algorithm, weights, &axis->first[i]);
    if (count > taps) taps = count;
    own &= axis->first[i] == i;
  }
  /* Across, one tap stands for a copy. */
  axis->taps = taps = across && taps == 1 && !own ? 2 : round_up(taps, across);
  axis->weights = av_calloc(axis->count, taps * sizeof *axis->weights);
  if (!axis->weights) goto fail;
  axis->step = ratio == floor(ratio) ? (int)ratio : 0;
  for (int i = 0; i < targets; i++) {
    const int count = gather((i + 0.5) * ratio - 0.5, ratio, algorithm, weights, &axis->first[i]);
    round_off(weights, count, axis->weights + i * taps);
  }
  /* Those that only fill up the last vectors are far within the row, wherever that ends. */
  for (int i = targets; i < axis->count; i++) axis->first[i] = 0;
  av_free(weights);
  return 0;
fail:
  av_free(weights);
  mr_axis_free(axis);
  return -1;
}

void mr_axis_free(struct mr_axis *axis) {
  av_freep(&axis->first);
  av_freep(&axis->weights);
}
