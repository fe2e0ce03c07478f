#include "ckernels_products.h"

#include <string.h>

#include "ckernels_compile.h"

#pragma clang fp contract(fast)

enum {
    // The result's part that is worked on stays in the first cache: eight rows of 512 floats.
    BLOCK = 512,
    // Rows of the right matrix that are read side by side, each in its order.
    DEPTH = 8,
    LANES = 16
};

typedef float lanes __attribute__((ext_vector_type(LANES), aligned(4), may_alias));

// Adds DEPTH rows of the right matrix, times a factor for each row of the result. `rows` is a constant wherever this is inlined.
CK_INLINE void add_whole(const int32_t rows, float factors[CK_MAX_FEW_ROWS][DEPTH], const float *right, ptrdiff_t right_stride,
                         float *result, ptrdiff_t result_stride, int32_t width) {
    for (int32_t column = 0; column < width; column += LANES) {
        lanes sums[CK_MAX_FEW_ROWS];
#pragma clang loop unroll(full)
        for (int32_t row = 0; row < rows; row++) sums[row] = *(const lanes *)(result + row * result_stride + column);
#pragma clang loop unroll(full)
        for (int32_t level = 0; level < DEPTH; level++) {
            lanes weights = *(const lanes *)(right + level * right_stride + column);
#pragma clang loop unroll(full)
            for (int32_t row = 0; row < rows; row++) sums[row] += factors[row][level] * weights;
        }
#pragma clang loop unroll(full)
        for (int32_t row = 0; row < rows; row++) *(lanes *)(result + row * result_stride + column) = sums[row];
    }
}

CK_INLINE void few_rows(const int32_t rows, const ck_few_rows *task, const float *left, const float *right, float *result) {
    const ptrdiff_t left_stride = task->left_stride, right_stride = task->right_stride, result_stride = task->result_stride;
    for (int32_t start = 0; start < task->columns; start += BLOCK) {
        int32_t width = task->columns - start < BLOCK ? task->columns - start : BLOCK;
        float *target = result + start;
        for (int32_t row = 0; row < rows; row++) memset(target + row * result_stride, 0, (size_t)width * sizeof *target);
        for (int32_t depth = 0; depth < task->depth; depth += DEPTH) {
            int32_t levels = task->depth - depth < DEPTH ? task->depth - depth : DEPTH;
            const float *source = right + depth * right_stride + start;
            float factors[CK_MAX_FEW_ROWS][DEPTH] = {{0}};
            for (int32_t row = 0; row < rows; row++)
                memcpy(factors[row], left + row * left_stride + depth, (size_t)levels * sizeof *left);
            int32_t whole = levels == DEPTH ? width / LANES * LANES : 0;
            add_whole(rows, factors, source, right_stride, target, result_stride, whole);
            for (int32_t level = 0; level < levels; level++)
                for (int32_t row = 0; row < rows; row++)
                    for (int32_t column = whole; column < width; column++)
                        target[row * result_stride + column] += factors[row][level] * source[level * right_stride + column];
        }
    }
}

#define FEW_ROWS(count)                                                                                                  \
    CK_MULTIVERSION static void few_rows_##count(const ck_few_rows *task, const float *left, const float *right, float *result) { \
        few_rows(count, task, left, right, result);                                                                      \
    }

FEW_ROWS(1)
FEW_ROWS(2)
FEW_ROWS(3)
FEW_ROWS(4)
FEW_ROWS(5)
FEW_ROWS(6)
FEW_ROWS(7)
FEW_ROWS(8)

void ck_few_rows_f32(const ck_few_rows *task, const float *left, const float *right, float *result) {
    switch (task->rows) {
        case 1: few_rows_1(task, left, right, result); break;
        case 2: few_rows_2(task, left, right, result); break;
        case 3: few_rows_3(task, left, right, result); break;
        case 4: few_rows_4(task, left, right, result); break;
        case 5: few_rows_5(task, left, right, result); break;
        case 6: few_rows_6(task, left, right, result); break;
        case 7: few_rows_7(task, left, right, result); break;
        case 8: few_rows_8(task, left, right, result); break;
        default: break;
    }
}
