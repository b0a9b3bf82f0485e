/*
 * How strongly the edges of a transform block are to be deblocked: 2 beside intra blocks, 1 where there is a residual or the
 * motion differs, 0 otherwise. ITU-T H.265, 8.7.2.4. In the place of FFmpeg's function, which the linker leads here.
 *
 * Most edges lie within one block of motion, or between two of the same: these are told apart by one comparison.
 */
#include "kernels.h"
#include "simd.h"

#include <string.h>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <libavcodec/hevcdec.h>
#pragma clang diagnostic pop

void __wrap_ff_hevc_deblocking_boundary_strengths(HEVCContext *s, int x, int y, int log2_size);

INLINE int64_t vectors_of(const MvField *motion) {
  int64_t both;
  memcpy(&both, motion->mv, sizeof both);
  return both;
}

INLINE int same(const MvField *a, const MvField *b) {
  return vectors_of(a) == vectors_of(b) && a->ref_idx[0] == b->ref_idx[0] && a->ref_idx[1] == b->ref_idx[1] &&
         a->pred_flag == b->pred_flag;
}

/* Whether any component of two pairs of vectors is a whole sample apart, or more. */
INLINE int far_apart(int64_t a, int64_t b) {
  const v128_t first = wasm_i64x2_make(a, 0), second = wasm_i64x2_make(b, 0);
  const v128_t apart = wasm_i16x8_max(wasm_i16x8_sub_sat(first, second), wasm_i16x8_sub_sat(second, first));
  return wasm_v128_any_true(wasm_i16x8_gt(apart, wasm_i16x8_const_splat(3)));
}

/* Either list's picture by its number in the order of display. */
INLINE int picture_of(const RefPicList lists[2], const MvField *motion, int list) {
  return lists[list].list[motion->ref_idx[list]];
}

static int differ(const RefPicList *lists_a, const MvField *a, const RefPicList *lists_b, const MvField *b) {
  if ((a->pred_flag == PF_BI) != (b->pred_flag == PF_BI)) return 1;
  const int64_t vectors_a = vectors_of(a), vectors_b = vectors_of(b);
  if (a->pred_flag != PF_BI) {
    const int list_a = !(a->pred_flag & PF_L0), list_b = !(b->pred_flag & PF_L0);
    if (picture_of(lists_a, a, list_a) != picture_of(lists_b, b, list_b)) return 1;
    return far_apart((uint32_t)(vectors_a >> 32 * list_a), (uint32_t)(vectors_b >> 32 * list_b));
  }
  const int a0 = picture_of(lists_a, a, 0), a1 = picture_of(lists_a, a, 1);
  const int b0 = picture_of(lists_b, b, 0), b1 = picture_of(lists_b, b, 1);
  /* The same pictures in either order, where all are one in both: what fits in one of them is the same motion. */
  if (a0 == b0 && a1 == b1 && !far_apart(vectors_a, vectors_b)) return 0;
  const int64_t crossed = (int64_t)((uint64_t)vectors_b << 32 | (uint64_t)vectors_b >> 32);
  return !(a0 == b1 && a1 == b0 && !far_apart(vectors_a, crossed));
}

/* A row of entries, one for each four samples. */
INLINE void fill(uint8_t *to, int value, int size) {
  const v128_t all = wasm_i8x16_splat((int8_t)value);
  switch (size) {
    case 64: wasm_v128_store(to, all); break;
    case 32: wasm_v128_store64_lane(to, all, 0); break;
    case 16: wasm_v128_store32_lane(to, all, 0); break;
    case 8: wasm_v128_store16_lane(to, all, 0); break;
    default: *to = (uint8_t)value;
  }
}

/* Nothing to be deblocked within a block of 16 samples or more: the first column is the edge at its left. */
INLINE void clear_within(uint8_t *horizontal, uint8_t *vertical, ptrdiff_t stride, int size) {
  for (int j = 2; j < size / 4; j += 2) fill(horizontal + j * stride, 0, size);
  for (int j = 0; j < size / 4; j++, vertical += stride) {
    const uint8_t left = *vertical;
    fill(vertical, 0, size);
    *vertical = left;
  }
}

/* Where a frame keeps what: by blocks of four samples, shifted to the blocks that have one entry. */
struct place {
  const MvField *motion;
  const uint8_t *residual;
};
INLINE struct place place_at(const HEVCContext *s, int x, int y) {
  const HEVCSPS *sps = s->ps.sps;
  const int motion = sps->log2_min_pu_size, residual = sps->log2_min_tb_size;
  return (struct place){s->ref->tab_mvf + (y >> motion) * sps->min_pu_width + (x >> motion),
                        s->cbf_luma + (y >> residual) * sps->min_tb_width + (x >> residual)};
}

/* One edge, four samples at a time, from (x, y) on; on its other side is (x - beside, y - above). */
INLINE void mark(const HEVCContext *s, uint8_t *to, ptrdiff_t step, int x, int y, int size, int beside, int above,
                 const RefPicList *lists, const RefPicList *lists_there) {
  for (int i = 0; i < size; i += 4, to += step) {
    const int at_x = x + (beside ? 0 : i), at_y = y + (beside ? i : 0);
    const struct place here = place_at(s, at_x, at_y), there = place_at(s, at_x - beside, at_y - above);
    if (here.motion->pred_flag == PF_INTRA || there.motion->pred_flag == PF_INTRA) *to = 2;
    else if (*here.residual || *there.residual) *to = 1;
    else if (lists == lists_there && same(here.motion, there.motion)) *to = 0;
    else *to = differ(lists, here.motion, lists_there, there.motion);
  }
}

void __wrap_ff_hevc_deblocking_boundary_strengths(HEVCContext *s, int x, int y, int log2_size) {
  const HEVCSPS *sps = s->ps.sps;
  const HEVCLocalContext *local = s->HEVClc;
  const RefPicList *lists = s->ref->refPicList;
  const int size = 1 << log2_size, in_block = (1 << sps->log2_ctb_size) - 1;
  const int intra = place_at(s, x, y).motion->pred_flag == PF_INTRA;
  const ptrdiff_t stride = s->bs_width, at = (x >> 2) + (y >> 2) * stride;
  const int over_slices = s->sh.slice_loop_filter_across_slices_enabled_flag;
  const int over_tiles = s->ps.pps->loop_filter_across_tiles_enabled_flag;

#define OPEN(position, side)                                                                  \
  ((position) > 0 && !((position) & 7) &&                                                     \
   (((position) & in_block) || ((over_slices || !(local->boundary_flags & BOUNDARY_##side##_SLICE)) && \
                                (over_tiles || !(local->boundary_flags & BOUNDARY_##side##_TILE)))))
#define LISTS(side, x, y) \
  (local->boundary_flags & BOUNDARY_##side##_SLICE ? ff_hevc_get_ref_list(s, s->ref, x, y) : lists)
  if (OPEN(y, UPPER)) {
    if (intra) fill(s->horizontal_bs + at, 2, size);
    else mark(s, s->horizontal_bs + at, 1, x, y, size, 0, 1, lists, LISTS(UPPER, x, y - 1));
  }
  if (OPEN(x, LEFT)) {
    if (intra)
      for (int i = 0; i < size / 4; i++) s->vertical_bs[at + i * stride] = 2;
    else mark(s, s->vertical_bs + at, stride, x, y, size, 1, 0, lists, LISTS(LEFT, x - 1, y));
  }
#undef OPEN
#undef LISTS

  /* Edges within, between blocks of different motion. */
  if (intra || size <= 8 || size <= 1 << sps->log2_min_pu_size) return;
  if (local->cu.part_mode == PART_2Nx2N) {
    clear_within(s->horizontal_bs + at, s->vertical_bs + at, stride, size);
    return;
  }
  const int motion = sps->log2_min_pu_size, columns = sps->min_pu_width;
  const MvField *field = s->ref->tab_mvf;
  for (int j = 0; j < size; j += 4) {
    const MvField *row = field + ((y + j) >> motion) * columns;
    uint8_t *below = s->horizontal_bs + at + (j >> 2) * stride, *beside = s->vertical_bs + at + (j >> 2) * stride;
    if (j && j % 8 == 0) {
      const MvField *above = field + ((y + j - 1) >> motion) * columns;
      for (int i = 0; i < size; i += 4) {
        const int column = (x + i) >> motion;
        below[i >> 2] = !same(row + column, above + column) && differ(lists, row + column, lists, above + column);
      }
    }
    for (int i = 8; i < size; i += 8) {
      const MvField *here = row + ((x + i) >> motion), *there = row + ((x + i - 1) >> motion);
      beside[i >> 2] = !same(here, there) && differ(lists, here, lists, there);
    }
  }
}
