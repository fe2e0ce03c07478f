// The kernels of each level.
#ifndef PANELS_LEVELS_H
#define PANELS_LEVELS_H

#include "../include/ckernels_winograd.h"

// Computes a panel of a product for `count` rows, of which the first is number `row`. Factors of row r and tap t are at
// sources[t * source_stride + r].
typedef void (*panel_rows)(const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride, const float *panel,
                           int64_t row, int64_t count, int64_t column);

// Positions of the largest tile.
enum { CK_WINOGRAD_POSITIONS = 36 };

// The transform of a filter [3, 3, channels, outputs] to panels of so many columns: see ck_winograd_pack.
typedef struct {
    const float *filter;
    int64_t channels, outputs, width;
    int positions;
    // What each tap is multiplied with, at each position.
    const float (*factors)[9];
    float *panels;
    int64_t panel_count;
} winograd_filter;

void ck_panel_rows_base(const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride, const float *panel,
                        int64_t row, int64_t count, int64_t column);
void ck_winograd_filter_base(const winograd_filter *task, int64_t first, int64_t count);
void ck_winograd_input_base(const ck_winograd *winograd, const float *images, int64_t first, int64_t count, int64_t stride,
                           const float *zeros, float *transformed);
bool ck_winograd_even_base(const ck_winograd *winograd, const float *images, int64_t number);
void ck_winograd_output_base(const ck_winograd *winograd, const ck_panel_product *product, const float *products, int64_t first,
                            int64_t count, int64_t stride);
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
void ck_winograd_filter_avx2(const winograd_filter *task, int64_t first, int64_t count);
void ck_winograd_input_avx2(const ck_winograd *winograd, const float *images, int64_t first, int64_t count, int64_t stride,
                           const float *zeros, float *transformed);
bool ck_winograd_even_avx2(const ck_winograd *winograd, const float *images, int64_t number);
void ck_winograd_output_avx2(const ck_winograd *winograd, const ck_panel_product *product, const float *products, int64_t first,
                            int64_t count, int64_t stride);
void ck_winograd_filter_avx512(const winograd_filter *task, int64_t first, int64_t count);
void ck_winograd_input_avx512(const ck_winograd *winograd, const float *images, int64_t first, int64_t count, int64_t stride,
                           const float *zeros, float *transformed);
bool ck_winograd_even_avx512(const ck_winograd *winograd, const float *images, int64_t number);
void ck_winograd_output_avx512(const ck_winograd *winograd, const ck_panel_product *product, const float *products, int64_t first,
                            int64_t count, int64_t stride);
void ck_turn_avx2(const float *source, ptrdiff_t stride, int64_t depth, float *target, ptrdiff_t step);
void ck_turn_avx512(const float *source, ptrdiff_t stride, int64_t depth, float *target, ptrdiff_t step);
#endif

#endif
