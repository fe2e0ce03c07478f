// Products of a few vectors with the rows of a table, of which only the largest are kept.
#ifndef CKERNELS_SCORES_H
#define CKERNELS_SCORES_H

#include "ckernels_panels.h"

typedef struct {
    // Of the queries and of the table, and how many elements a row of either has.
    ptrdiff_t queries, rows, depth;
    // Elements from one query to the next, from one row of the table to the next, and from one query's scores to those of the next.
    ptrdiff_t query_stride, row_stride, stride;
    // Whether as many rows behind these come next: they are brought into the cache meanwhile.
    bool goes_on;
} ck_row_scores;

// scores[q * stride + r] = the product of row q of `queries` and row r of `table`. Each row of the table is read once.
void ck_row_scores_f32(const ck_row_scores *task, const float *queries, const float *table, float *scores);

// The most queries of one call of ck_table_scores.
enum { CK_MAX_SCORED = 2 * CK_LANES };

// scores[r * stride + q] = the product of row r of `table` and query q, for up to CK_MAX_SCORED queries, which lie in panels as a matrix
// [depth, queries]. The stride is their number, rounded up to CK_LANES; scores of the missing ones are written too. Each row of the table is
// read once.
void ck_table_scores(ck_level level, const ck_row_scores *task, const float *panels, const float *table, float *scores);

// The first row of such scores, from `first` on, of which a score is not at most its query's bound (one of both may be NaN); `rows` where
// there is none. There are as many bounds as the stride says.
ptrdiff_t ck_next_row_above(ck_level level, const ck_row_scores *task, const float *scores, ptrdiff_t first, const float *bounds);

// The first place from `first` on whose number is not at most `bound` (one of both may be NaN); `count` where there is none.
ptrdiff_t ck_next_above_f32(const float *x, ptrdiff_t first, ptrdiff_t count, float bound);

#endif
