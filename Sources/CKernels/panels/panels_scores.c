// The scores of rows of a table at the level of the processor. See ckernels_scores.h.
#include "panels_levels.h"

void ck_table_scores(ck_level level, const ck_row_scores *task, const float *panels, const float *table, float *scores) {
#if defined(__x86_64__)
    if (level == CK_LEVEL_AVX512) {
        ck_table_scores_avx512(task, panels, table, scores);
        return;
    }
    if (level == CK_LEVEL_AVX2) {
        ck_table_scores_avx2(task, panels, table, scores);
        return;
    }
#endif
    ck_table_scores_base(task, panels, table, scores);
}

ptrdiff_t ck_next_row_above(ck_level level, const ck_row_scores *task, const float *scores, ptrdiff_t first, const float *bounds) {
#if defined(__x86_64__)
    if (level == CK_LEVEL_AVX512) return ck_next_row_above_avx512(task, scores, first, bounds);
    if (level == CK_LEVEL_AVX2) return ck_next_row_above_avx2(task, scores, first, bounds);
#endif
    return ck_next_row_above_base(task, scores, first, bounds);
}
