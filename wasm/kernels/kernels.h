/*
 * Kernels in SIMD that take the place of FFmpeg's in C, table by table, each equal to it to the bit. The linker leads
 * FFmpeg's calls of its own initialisers to init.c (see `--wrap` in configuration.ts). For H.264 only samples of 8 bits.
 */
#ifndef MILLRACE_KERNELS_H
#define MILLRACE_KERNELS_H

#include <libavcodec/h264chroma.h>
#include <libavcodec/h264dsp.h>
#include <libavcodec/h264qpel.h>
#include <libavcodec/hevcdsp.h>
#include <libavcodec/hevcpred.h>
#include <libavcodec/videodsp.h>

void mr_h264_chroma_kernels(H264ChromaContext *table);
void mr_h264_qpel_kernels(H264QpelContext *table);
void mr_h264_deblock_kernels(H264DSPContext *table, int chroma_format);
void mr_h264_idct_kernels(H264DSPContext *table, int chroma_format);
void mr_h264_weight_kernels(H264DSPContext *table);

/* Any depth. */
void mr_h264_strength_kernel(H264DSPContext *table, int chroma_format);
void mr_edge_kernels(VideoDSPContext *table, int depth);

/* These have kernels for samples of 8 bits and of 10. */
void mr_hevc_qpel_kernels(HEVCDSPContext *table, int depth);
void mr_hevc_epel_kernels(HEVCDSPContext *table, int depth);
void mr_hevc_idct_kernels(HEVCDSPContext *table, int depth);
void mr_hevc_deblock_kernels(HEVCDSPContext *table, int depth);
void mr_hevc_sao_kernels(HEVCDSPContext *table, int depth);
void mr_hevc_intra_kernels(HEVCPredContext *table, int depth);

#endif
