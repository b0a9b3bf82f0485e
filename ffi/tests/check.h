/* What the test programs say when something is not so. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                  \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);             \
      exit(1);                                                                            \
    }                                                                                     \
  } while (0)

#define EQUAL(left, right)                                                                           \
  do {                                                                                               \
    long long left_value = (long long)(left), right_value = (long long)(right);                      \
    if (left_value != right_value) {                                                                 \
      fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #left, left_value, right_value); \
      exit(1);                                                                                       \
    }                                                                                                \
  } while (0)

#endif
