#include "ckernels_scores.h"

#include <string.h>

#include "ckernels_compile.h"

#pragma clang fp contract(fast)

enum { LANES = 16, ROWS = 4, MAX_QUERIES = 4, LINE = 64 };

// Memory that is going to be read: where it begins, and how many lines are fetched with each ROWS rows.
typedef struct {
    const char *start;
    ptrdiff_t lines;
} ahead;

typedef float lanes __attribute__((ext_vector_type(LANES), aligned(4), may_alias));
typedef int32_t mask __attribute__((ext_vector_type(LANES)));

// Halves the number of lanes that each sum is spread over: those of `a` come first, then those of `b`.
#define HALVES(a, b)                                                                              \
    (__builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +      \
     __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31))
#define QUARTERS(a, b)                                                                            \
    (__builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +    \
     __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31))
#define PAIRS(a, b)                                                                               \
    (__builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +   \
     __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31))

// The scores of `queries` queries and ROWS rows, four for each query. `queries` is a constant wherever this is inlined.
CK_INLINE void add_up(const int queries, lanes sums[MAX_QUERIES][ROWS], lanes *result) {
    lanes spread[MAX_QUERIES];
    for (int q = 0; q < MAX_QUERIES; q++)
        spread[q] = q < queries ? QUARTERS(HALVES(sums[q][0], sums[q][1]), HALVES(sums[q][2], sums[q][3])) : spread[0];
    lanes first = PAIRS(spread[0], spread[1]);
    *result = PAIRS(first, (queries > 2 ? PAIRS(spread[2], spread[3]) : first));
}

CK_INLINE void scores_of(const int queries, const ck_row_scores *task, const float *query, ptrdiff_t count, const float *table,
                         float *scores, ahead next) {
    const ptrdiff_t depth = task->depth, whole = depth / LANES * LANES, rest = depth - whole;
    const float *vectors[MAX_QUERIES];
    // Those that are missing are the last one again.
    for (int q = 0; q < queries; q++) vectors[q] = query + (q < count ? q : count - 1) * task->query_stride;
    for (ptrdiff_t row = 0; row < task->rows; row += ROWS) {
        for (ptrdiff_t line = 0; line < next.lines; line++, next.start += LINE) __builtin_prefetch(next.start, 0, 2);
        const ptrdiff_t present = task->rows - row < ROWS ? task->rows - row : ROWS;
        const float *lines[ROWS];
        for (int r = 0; r < ROWS; r++) lines[r] = table + (row + (r < present ? r : present - 1)) * task->row_stride;
        lanes sums[MAX_QUERIES][ROWS];
#pragma clang loop unroll(full)
        for (int q = 0; q < queries; q++)
#pragma clang loop unroll(full)
            for (int r = 0; r < ROWS; r++) sums[q][r] = 0;
        if (queries == 1) {
            // One row after another, as they lie in memory: the processor fetches what lies in order.
#pragma clang loop unroll(full)
            for (int r = 0; r < ROWS; r++)
                for (ptrdiff_t d = 0; d < whole; d += LANES) sums[0][r] += *(const lanes *)(vectors[0] + d) * *(const lanes *)(lines[r] + d);
        } else {
            for (ptrdiff_t d = 0; d < whole; d += LANES) {
                lanes line[ROWS];
#pragma clang loop unroll(full)
                for (int r = 0; r < ROWS; r++) line[r] = *(const lanes *)(lines[r] + d);
#pragma clang loop unroll(full)
                for (int q = 0; q < queries; q++) {
                    const lanes factors = *(const lanes *)(vectors[q] + d);
#pragma clang loop unroll(full)
                    for (int r = 0; r < ROWS; r++) sums[q][r] += factors * line[r];
                }
            }
        }
        if (rest > 0) {
            lanes line[ROWS];
            for (int r = 0; r < ROWS; r++) {
                line[r] = 0;
                memcpy(&line[r], lines[r] + whole, (size_t)rest * sizeof(float));
            }
            for (int q = 0; q < queries; q++) {
                lanes factors = 0;
                memcpy(&factors, vectors[q] + whole, (size_t)rest * sizeof(float));
                for (int r = 0; r < ROWS; r++) sums[q][r] += factors * line[r];
            }
        }
        lanes result;
        add_up(queries, sums, &result);
        for (int q = 0; q < queries && q < count; q++)
            memcpy(scores + q * task->stride + row, (const float *)&result + q * ROWS, (size_t)present * sizeof(float));
    }
}

CK_MULTIVERSION static void scores_1(const ck_row_scores *task, const float *query, ptrdiff_t count, const float *table,
                                     float *scores, ahead next) {
    scores_of(1, task, query, count, table, scores, next);
}

CK_MULTIVERSION static void scores_4(const ck_row_scores *task, const float *query, ptrdiff_t count, const float *table,
                                     float *scores, ahead next) {
    scores_of(MAX_QUERIES, task, query, count, table, scores, next);
}

// Sixteen sums of sixteen lanes need as many registers of 512 bits.
static int at_once(void) {
#ifdef __x86_64__
    return __builtin_cpu_supports("avx512f") ? MAX_QUERIES : 1;
#else
    return 1;
#endif
}

void ck_row_scores_f32(const ck_row_scores *task, const float *queries, const float *table, float *scores) {
    const ptrdiff_t most = at_once(), groups = (task->queries + most - 1) / most, steps = (task->rows + ROWS - 1) / ROWS;
    ahead next = {(const char *)(table + task->rows * task->row_stride), 0};
    // With a single group, the processor itself sees what comes next.
    if (task->goes_on && groups > 1) {
        const ptrdiff_t lines = task->rows * task->row_stride * (ptrdiff_t)sizeof(float) / LINE;
        next.lines = (lines + groups * steps - 1) / (groups * steps);
    }
    for (ptrdiff_t q = 0; q < task->queries; next.start += next.lines * steps * LINE) {
        const ptrdiff_t left = task->queries - q, count = left < most ? left : most;
        (count == 1 ? scores_1 : scores_4)(task, queries + q * task->query_stride, count, table, scores + q * task->stride,
                                            next);
        q += count;
    }
}

CK_MULTIVERSION ptrdiff_t ck_next_above_f32(const float *x, ptrdiff_t first, ptrdiff_t count, float bound) {
    ptrdiff_t i = first;
    for (; i + 4 * LANES <= count; i += 4 * LANES) {
        mask above = {0};
#pragma clang loop unroll(full)
        for (int part = 0; part < 4; part++) above |= ~(*(const lanes *)(x + i + part * LANES) <= (lanes)bound);
        if (__builtin_reduce_or(above) != 0) break;
    }
    for (; i < count; i++)
        if (!(x[i] <= bound)) return i;
    return count;
}
