// Products of matrices for which BLAS has no quick way.
#ifndef CKERNELS_PRODUCTS_H
#define CKERNELS_PRODUCTS_H

#include "ckernels_base.h"

enum { CK_MAX_FEW_ROWS = 8 };

typedef struct {
    // Of the left matrix, at most CK_MAX_FEW_ROWS; of the right one; and its columns.
    int32_t rows, depth, columns;
    // Elements from one row to the next.
    int32_t left_stride, right_stride, result_stride;
} ck_few_rows;

// A few rows times a matrix; both lie row by row, as the result does. The right matrix is read once, as it lies: for the time that a
// large one takes from memory, BLAS would first copy it into another order.
void ck_few_rows_f32(const ck_few_rows *task, const float *left, const float *right, float *result);

#endif
