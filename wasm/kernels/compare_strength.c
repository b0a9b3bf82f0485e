/*
 * The part of compare.c for h264_strength.c and hevc_strength.c. For HEVC a frame of random motion, of which one transform
 * block's edges are told; for H.264, where FFmpeg has no such function in C, what ITU-T H.264, 8.7.2.1 says, block by block.
 */
#include "compare.h"
#include "kernels.h"

#include <string.h>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <libavcodec/hevcdec.h>
#pragma clang diagnostic pop

void __real_ff_hevc_deblocking_boundary_strengths(HEVCContext *s, int x, int y, int log2_size);

enum { SIZE = 128, FOURS = SIZE / 4, ENTRIES = (FOURS + 1) * (FOURS + 1), BLOCKS = 64 };

static HEVCContext context;
static HEVCLocalContext local;
static HEVCSPS sps;
static HEVCPPS pps;
static HEVCFrame frame;
static RefPicListTab lists, others;
static RefPicListTab *lists_of_blocks[BLOCKS];
static MvField motion[FOURS * FOURS];
static int order[BLOCKS];
static uint8_t residual[FOURS * FOURS], horizontal[ENTRIES], vertical[ENTRIES], before[ENTRIES];

static MvField any_motion(int intra) {
  const int far = mr_any() % 4 == 0 ? 32767 : 5;
  MvField field = {.pred_flag = intra ? mr_between(0, 3) : mr_between(1, 3)};
  for (int i = 0; i < 2; i++) {
    field.mv[i].x = mr_between(-far - 1, far), field.mv[i].y = mr_between(-far - 1, far);
    field.ref_idx[i] = mr_between(0, 2);
  }
  return field;
}

static void fill_lists(RefPicListTab *of) {
  for (int list = 0; list < 2; list++)
    for (int i = 0; i < 3; i++) of->refPicList[list].list[i] = mr_between(0, 2);
}

int32_t mr_compare_strength(int32_t index) {
  const int log2_ctb = mr_between(4, 6), log2_motion = mr_between(2, 3), log2_residual = mr_between(2, 4);
  const int log2_size = mr_between(log2_residual, log2_ctb), size = 1 << log2_size;
  const int x = mr_between(0, SIZE / size - 1) * size, y = mr_between(0, SIZE / size - 1) * size;
  sps.log2_ctb_size = log2_ctb, sps.ctb_width = SIZE >> log2_ctb;
  sps.log2_min_pu_size = log2_motion, sps.min_pu_width = SIZE >> log2_motion;
  sps.log2_min_tb_size = log2_residual, sps.min_tb_width = SIZE >> log2_residual;
  pps.loop_filter_across_tiles_enabled_flag = mr_any() & 1, pps.ctb_addr_rs_to_ts = order;
  context.ps.sps = &sps, context.ps.pps = &pps, context.HEVClc = &local, context.ref = &frame;
  context.sh.slice_loop_filter_across_slices_enabled_flag = mr_any() & 1;
  context.cbf_luma = residual, context.bs_width = FOURS + 1;
  context.horizontal_bs = horizontal, context.vertical_bs = vertical;
  frame.tab_mvf = motion, frame.refPicList = lists.refPicList, frame.rpl_tab = lists_of_blocks;
  local.boundary_flags = mr_any() & 15;

  fill_lists(&lists), fill_lists(&others);
  for (int i = 0; i < BLOCKS; i++) order[i] = i, lists_of_blocks[i] = mr_any() & 1 ? &lists : &others;
  /* Few kinds of motion, so that neighbours are often the same. */
  MvField kinds[6];
  for (int i = 0; i < 6; i++) kinds[i] = any_motion(i == 0);
  const int width = sps.min_pu_width, inter = index != 2 && mr_any() % 4;
  for (int i = 0; i < FOURS * FOURS; i++) motion[i] = kinds[mr_between(0, 5)], residual[i] = mr_any() % 8 == 0;
  /* A block within a coding unit is all intra or all inter; one that is not divided has one motion. */
  const int whole = index != 0, entries = size >> log2_motion;
  local.cu.part_mode = whole ? PART_2Nx2N : PART_2NxN;
  for (int i = 0; i < (entries ? entries * entries : 1); i++) {
    const int across = entries ? i % entries : 0, down = entries ? i / entries : 0;
    MvField *at = motion + ((y >> log2_motion) + down) * width + (x >> log2_motion) + across;
    if (whole) *at = kinds[5];
    if (index == 2) at->pred_flag = PF_INTRA;
    else if (inter || at->pred_flag == PF_INTRA) at->pred_flag = at->pred_flag == PF_INTRA ? PF_BI : at->pred_flag;
  }

  memset(horizontal, 0, ENTRIES), memset(vertical, 0, ENTRIES);
  __real_ff_hevc_deblocking_boundary_strengths(&context, x, y, log2_size);
  uint8_t horizontal_real[ENTRIES];
  memcpy(horizontal_real, horizontal, ENTRIES), memcpy(before, vertical, ENTRIES);
  memset(horizontal, 0, ENTRIES), memset(vertical, 0, ENTRIES);
  ff_hevc_deblocking_boundary_strengths(&context, x, y, log2_size);
  return !memcmp(horizontal_real, horizontal, ENTRIES) && !memcmp(before, vertical, ENTRIES);
}

static int8_t references[2][40];
static int16_t vectors[2][40][2];
static uint8_t counts[40];

static int apart(int list_a, int a, int list_b, int b, int field) {
  const int x = vectors[list_a][a][0] - vectors[list_b][b][0], y = vectors[list_a][a][1] - vectors[list_b][b][1];
  return x >= 4 || x <= -4 || y >= (field ? 2 : 4) || y <= (field ? -2 : -4);
}

/* Whether two blocks differ in motion, the lists of one taken as they are or the other way round. */
static int differ(int a, int b, int lists, int crossed, int field) {
  for (int list = 0; list < lists; list++) {
    const int there = crossed ? 1 - list : list;
    if (references[list][a] != references[there][b] || apart(list, a, there, b, field)) return 1;
  }
  return 0;
}

int32_t mr_compare_h264_strength(int32_t index) {
  const int lists = 1 + (index & 1), field = index >> 1, step = mr_between(1, 2);
  const int edges = mr_any() % 4 ? 4 : 1, same_columns = mr_any() % 2 ? 0 : 3;
  const int same_rows = same_columns ? mr_between(0, 1) * 3 : mr_any() % 2;
  const int far = mr_any() % 4 == 0 ? 32767 : 3;
  H264DSPContext table;
  for (int i = 0; i < 40; i++) {
    counts[i] = mr_any() % 8 == 0;
    for (int list = 0; list < 2; list++) {
      references[list][i] = mr_between(0, 1);
      vectors[list][i][0] = mr_between(-far - 1, far), vectors[list][i][1] = mr_between(-far - 1, far);
    }
  }
  /* What is told to be the same is. */
  for (int y = 0; y < 4; y++)
    for (int x = -1; x < 4; x++)
      for (int list = 0; list < 2; list++) {
        const int at = 12 + x + 8 * y, from = same_columns ? 12 + x : (y & same_rows) ? at - 8 : at;
        references[list][at] = references[list][from];
        memcpy(vectors[list][at], vectors[list][from], sizeof vectors[list][at]);
      }

  int16_t ours[2][4][4] = {0}, expected[2][4][4] = {0};
  ff_h264dsp_init(&table, 8, 1);
  if (!table.h264_loop_filter_strength) return MR_NOT_REPLACED;
  table.h264_loop_filter_strength(ours, counts, references, vectors, lists == 2, edges, step, same_columns, same_rows,
                                  field);
  for (int y = 0; y < 4; y++)
    for (int x = 0; x < 4; x++)
      for (int down = 0; down < 2; down++) {
        const int here = 12 + x + 8 * y, there = here - (down ? 8 : 1);
        if (down && (y >= edges || y % step)) continue;
        const int moved = differ(here, there, lists, 0, field) && (lists == 1 || differ(here, there, lists, 1, field));
        expected[down][down ? y : x][down ? x : y] = counts[here] || counts[there] ? 2 : moved;
      }
  return memcmp(ours, expected, sizeof ours) == 0;
}
