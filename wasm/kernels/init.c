#include "kernels.h"

void __real_ff_h264chroma_init(H264ChromaContext *table, int bit_depth);
void __real_ff_h264qpel_init(H264QpelContext *table, int bit_depth);
void __real_ff_h264dsp_init(H264DSPContext *table, const int bit_depth, const int chroma_format);
void __real_ff_hevc_dsp_init(HEVCDSPContext *table, int bit_depth);
void __real_ff_hevc_pred_init(HEVCPredContext *table, int bit_depth);
void __real_ff_videodsp_init(VideoDSPContext *table, int bit_depth);
void __wrap_ff_h264chroma_init(H264ChromaContext *table, int bit_depth);
void __wrap_ff_h264qpel_init(H264QpelContext *table, int bit_depth);
void __wrap_ff_h264dsp_init(H264DSPContext *table, const int bit_depth, const int chroma_format);
void __wrap_ff_hevc_dsp_init(HEVCDSPContext *table, int bit_depth);
void __wrap_ff_hevc_pred_init(HEVCPredContext *table, int bit_depth);
void __wrap_ff_videodsp_init(VideoDSPContext *table, int bit_depth);

void __wrap_ff_h264chroma_init(H264ChromaContext *table, int bit_depth) {
  __real_ff_h264chroma_init(table, bit_depth);
  if (bit_depth == 8) mr_h264_chroma_kernels(table);
}

void __wrap_ff_h264qpel_init(H264QpelContext *table, int bit_depth) {
  __real_ff_h264qpel_init(table, bit_depth);
  if (bit_depth == 8) mr_h264_qpel_kernels(table);
}

void __wrap_ff_h264dsp_init(H264DSPContext *table, const int bit_depth, const int chroma_format) {
  __real_ff_h264dsp_init(table, bit_depth, chroma_format);
  mr_h264_strength_kernel(table, chroma_format);
  if (bit_depth != 8) return;
  mr_h264_deblock_kernels(table, chroma_format);
  mr_h264_idct_kernels(table, chroma_format);
  mr_h264_weight_kernels(table);
}

void __wrap_ff_hevc_dsp_init(HEVCDSPContext *table, int bit_depth) {
  __real_ff_hevc_dsp_init(table, bit_depth);
  if (bit_depth != 8 && bit_depth != 10) return;
  mr_hevc_qpel_kernels(table, bit_depth);
  mr_hevc_epel_kernels(table, bit_depth);
  mr_hevc_idct_kernels(table, bit_depth);
  mr_hevc_deblock_kernels(table, bit_depth);
  mr_hevc_sao_kernels(table, bit_depth);
}

void __wrap_ff_hevc_pred_init(HEVCPredContext *table, int bit_depth) {
  __real_ff_hevc_pred_init(table, bit_depth);
  if (bit_depth == 8 || bit_depth == 10) mr_hevc_intra_kernels(table, bit_depth);
}

void __wrap_ff_videodsp_init(VideoDSPContext *table, int bit_depth) {
  __real_ff_videodsp_init(table, bit_depth);
  mr_edge_kernels(table, bit_depth);
}
