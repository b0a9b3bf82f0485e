/* The part of compare.c for hevc_strength.c: a frame of random motion, of which one transform block's edges are told. */
#include "compare.h"

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
