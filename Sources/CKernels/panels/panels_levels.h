// The kernels of each level.
#ifndef PANELS_LEVELS_H
#define PANELS_LEVELS_H

#include "../include/ckernels_scores.h"
#include "../include/ckernels_winograd.h"

// Computes a panel of a product for `count` rows, of which the first is number `row`. Factors of row r and tap t are at
// sources[t * source_stride + r].
typedef void (*panel_rows)(const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride, const float *panel,
                           int64_t row, int64_t count, int64_t column);

// Rows of a panel of four vectors whose sums are kept from one part of the depth to the next, on the stack: the memory of a thread's
// variables would be cleared whenever a thread begins.
enum { CK_CARRIED_ROWS = 384 };

// The most taps of a filter that is transformed.
enum { CK_WINOGRAD_TAPS = 25 };

// What each tap of a filter is multiplied with, at each position of a tile.
typedef struct {
    int positions, taps;
    float factors[CK_WINOGRAD_POSITIONS][CK_WINOGRAD_TAPS];
} winograd_factors;

void ck_panel_rows_base(const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride, const float *panel,
                        int64_t row, int64_t count, int64_t column);
void ck_winograd_filter_base(const ck_winograd_filter *task, const winograd_factors *factors, const float *filter, int64_t first,
                              int64_t count, float *panels);
void ck_winograd_input_base(const ck_winograd *winograd, const float *images, int64_t first, int64_t count, ptrdiff_t step,
                           const float *zeros, float *transformed);
bool ck_winograd_even_base(const ck_winograd *winograd, const float *images, int64_t number);
void ck_winograd_output_base(const ck_winograd *winograd, const ck_panel_product *product, const float *products, int64_t first,
                            int64_t count, ptrdiff_t step);
void ck_table_scores_base(const ck_row_scores *task, const float *panels, const float *table, float *scores);
ptrdiff_t ck_next_row_above_base(const ck_row_scores *task, const float *scores, ptrdiff_t first, const float *bounds);
void ck_turn_base(const float *source, ptrdiff_t stride, int64_t depth, float *target, ptrdiff_t step);
void ck_depthwise_row_base(const ckernels_window *window, const ck_panel_product *product, const float *image, int64_t row,
                           int64_t output);
#if defined(__x86_64__)
void ck_depthwise_row_avx2(const ckernels_window *window, const ck_panel_product *product, const float *image, int64_t row,
                           int64_t output);
void ck_depthwise_row_avx512(const ckernels_window *window, const ck_panel_product *product, const float *image, int64_t row,
                           int64_t output);
void ck_panel_rows_avx2(const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride, const float *panel,
                        int64_t row, int64_t count, int64_t column);
void ck_panel_rows_avx512(const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride, const float *panel,
                          int64_t row, int64_t count, int64_t column);
void ck_winograd_filter_avx2(const ck_winograd_filter *task, const winograd_factors *factors, const float *filter, int64_t first,
                              int64_t count, float *panels);
void ck_winograd_input_avx2(const ck_winograd *winograd, const float *images, int64_t first, int64_t count, ptrdiff_t step,
                           const float *zeros, float *transformed);
bool ck_winograd_even_avx2(const ck_winograd *winograd, const float *images, int64_t number);
void ck_winograd_output_avx2(const ck_winograd *winograd, const ck_panel_product *product, const float *products, int64_t first,
                            int64_t count, ptrdiff_t step);
void ck_winograd_filter_avx512(const ck_winograd_filter *task, const winograd_factors *factors, const float *filter, int64_t first,
                              int64_t count, float *panels);
void ck_winograd_input_avx512(const ck_winograd *winograd, const float *images, int64_t first, int64_t count, ptrdiff_t step,
                           const float *zeros, float *transformed);
bool ck_winograd_even_avx512(const ck_winograd *winograd, const float *images, int64_t number);
void ck_winograd_output_avx512(const ck_winograd *winograd, const ck_panel_product *product, const float *products, int64_t first,
                            int64_t count, ptrdiff_t step);
void ck_table_scores_avx2(const ck_row_scores *task, const float *panels, const float *table, float *scores);
ptrdiff_t ck_next_row_above_avx2(const ck_row_scores *task, const float *scores, ptrdiff_t first, const float *bounds);
void ck_turn_avx2(const float *source, ptrdiff_t stride, int64_t depth, float *target, ptrdiff_t step);
void ck_table_scores_avx512(const ck_row_scores *task, const float *panels, const float *table, float *scores);
ptrdiff_t ck_next_row_above_avx512(const ck_row_scores *task, const float *scores, ptrdiff_t first, const float *bounds);
void ck_turn_avx512(const float *source, ptrdiff_t stride, int64_t depth, float *target, ptrdiff_t step);
#endif

#endif
