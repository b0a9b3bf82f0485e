#ifndef MILLRACE_COMPARE_H
#define MILLRACE_COMPARE_H

#include <stdint.h>

enum { MR_RANDOM = 0, MR_EXTREME = 1, MR_SMOOTH = 2 };
enum { MR_DIFFERENT = 0, MR_SAME = 1, MR_NOT_REPLACED = 2 };

/* `table`: the number of one of the tables in compare.c; `index`: of its entry; `kind`: of input; `seed`: of what is random. */
int32_t mr_compare(int32_t table, int32_t index, int32_t kind, uint32_t seed);

/* The tables of HEVC, in compare_hevc.c. */
int32_t mr_compare_hevc(int32_t table, int32_t index, int32_t kind);

/* The strength of deblocking, in compare_strength.c. */
int32_t mr_compare_strength(int32_t index);
int32_t mr_compare_h264_strength(int32_t index);

/* Random numbers of 24 bits, and within two bounds. */
uint32_t mr_any(void);
int mr_between(int least, int most);

#endif
