// Loops that fold many elements into one.
#ifndef CKERNELS_REDUCTIONS_H
#define CKERNELS_REDUCTIONS_H

#include "ckernels_base.h"

typedef enum {
    CK_SUM,
    // Into 64-bit integers, wrapping around, from any integer type; for integers only.
    CK_WIDE_SUM,
    CK_PRODUCT, CK_MAX, CK_MIN, CK_ALL, CK_ANY,
    CK_REDUCTION_COUNT
} ck_reduction;

// Sums of floats are added up in parts of so many elements: of a row (inner is 1, not complex), and of a column. The sums of
// parts are added up in double precision, one after another. What remains of a row, if it is shorter than CK_SUM_SHORT_ROW,
// is added element by element.
enum { CK_SUM_ROW_PART = 8192, CK_SUM_COLUMN_PART = 256, CK_SUM_SHORT_ROW = 16 };

// y[o, i] = fold of x[o, r, i] over the r in [0, count); of nothing, the fold's identity. `x` and `y` do not overlap.
// Of the `inner` columns only the first `columns` are folded.
typedef void (*ck_reduce_fn)(const void *x, void *y, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner, ptrdiff_t columns);

// The loop for an element type, a TensorFlow number; NULL where there is none.
ck_reduce_fn ck_reduce_loop(ck_reduction reduction, int type);

// y[o, i] = the sum of x[o, r, i], the sums of parts: as the loop of CK_SUM adds them up. NULL for integers.
ck_reduce_fn ck_join_sums_loop(int type);

// y[i] = x[i] / divisor: the end of a mean. Floats divide floats (in place). Integers: `x` are 64-bit sums, towards zero.
typedef void (*ck_mean_fn)(const void *x, void *y, ptrdiff_t count, uint64_t divisor);
ck_mean_fn ck_mean_loop(int type);

// y[o, i] = the first r that has the largest (smallest) x[o, r, i]; NaN is never it. 1 <= count.
typedef void (*ck_arg_fn)(const void *x, void *y, ptrdiff_t outer, ptrdiff_t count, ptrdiff_t inner);
// `output` is CK_INT32, CK_INT64, CK_INT16 or CK_UINT16.
ck_arg_fn ck_arg_max_loop(int type, int output);
ck_arg_fn ck_arg_min_loop(int type, int output);

#endif
