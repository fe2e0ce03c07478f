// The scores of rows of a table, compiled once for each level, after panels_tile.h. See ck_table_scores. Rows are what the left matrix of a
// product is, so that they are read as they lie, and nothing is added up across a vector.
#include "panels_levels.h"

// Computes `rows` rows, of which `present` are in the table, and fetches the next ones. Rows and vectors are constants wherever this is inlined.
// The pointers to rows that are all present need few registers: they are the same number of floats apart.
CK_INLINE void score_tile(const int rows, const int vectors, const ck_row_scores *task, const int64_t present, const float *panel,
                          const float *table, float *scores) {
    const float *pointers[rows], *ahead = table + rows * task->row_stride;
    lanes sums[rows][MOST_VECTORS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        pointers[r] = table + (r < present ? r : present - 1) * task->row_stride;
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sums[r][v] = 0;
    }
#pragma clang loop unroll(disable)
    for (int64_t level = 0; level < task->depth; level++, panel += vectors * CK_LANES, ahead += CK_LANES) {
        lanes weights[MOST_VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) weights[v] = *(const lanes *)(panel + v * CK_LANES);
        add_products(rows, vectors, pointers, level, weights, sums);
        // As many floats for each level as there are lanes: those of the next rows, where rows lie one after another.
        __builtin_prefetch(ahead, 0, 3);
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++)
            if (r < present) *(lanes *)(scores + r * task->stride + v * CK_LANES) = sums[r][v];
}

CK_INLINE void score_rows(const int rows, const int vectors, const ck_row_scores *task, const float *panel, const float *table, float *scores) {
    ptrdiff_t row = 0;
    for (; row + rows <= task->rows; row += rows)
        score_tile(rows, vectors, task, rows, panel, table + row * task->row_stride, scores + row * task->stride);
    if (row < task->rows)
        score_tile(rows, vectors, task, task->rows - row, panel, table + row * task->row_stride, scores + row * task->stride);
}

#define SCORES(LEVEL, ROWS)                                                                                                        \
    PANELS_TARGET static void score_rows_1(const ck_row_scores *task, const float *panel, const float *table, float *scores) {     \
        score_rows(ROWS, 1, task, panel, table, scores);                                                                           \
    }                                                                                                                              \
    PANELS_TARGET static void score_rows_2(const ck_row_scores *task, const float *panel, const float *table, float *scores) {     \
        score_rows(ROWS, 2, task, panel, table, scores);                                                                           \
    }                                                                                                                              \
    PANELS_TARGET void ck_table_scores_##LEVEL(const ck_row_scores *task, const float *panels, const float *table, float *scores) { \
        if (task->queries <= CK_LANES) {                                                                                           \
            score_rows_1(task, panels, table, scores);                                                                             \
        } else if (PANELS_VECTORS > 1) {                                                                                           \
            score_rows_2(task, panels, table, scores);                                                                             \
        } else {                                                                                                                   \
            score_rows_1(task, panels, table, scores);                                                                             \
            score_rows_1(task, panels + task->depth * CK_LANES, table, scores + CK_LANES);                                         \
        }                                                                                                                          \
    }                                                                                                                              \
    PANELS_TARGET ptrdiff_t ck_next_row_above_##LEVEL(const ck_row_scores *task, const float *scores, ptrdiff_t first,             \
                                                      const float *bounds) {                                                       \
        for (ptrdiff_t row = first; row < task->rows; row++)                                                                       \
            for (ptrdiff_t place = 0; place < task->stride; place += CK_LANES) {                                                   \
                const lanes found = *(const lanes *)(scores + row * task->stride + place), bound = *(const lanes *)(bounds + place); \
                if (__builtin_reduce_or(~(found <= bound)) != 0) return row;                                                       \
            }                                                                                                                      \
        return task->rows;                                                                                                         \
    }
