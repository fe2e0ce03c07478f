// What is the same at all levels: the transform of filters, the choice of the level. See ckernels_winograd.h.
#include <math.h>

#include "panels_levels.h"

static int64_t side_of(const ck_winograd *winograd) { return winograd->size + winograd->window.filter_height - 1; }

int64_t ck_winograd_tiles(const ck_winograd *winograd) {
    const int64_t size = winograd->size;
    return (winograd->window.output_height + size - 1) / size * ((winograd->window.output_width + size - 1) / size);
}

// The row of the transform of filters for a position along one side: powers of a point, over the product of its differences to the others.
static void filter_row(int64_t side, int64_t taps, int64_t position, double *row) {
    if (position == side - 1) {
        for (int64_t tap = 0; tap < taps; tap++) row[tap] = tap == taps - 1;
        return;
    }
    const double points_4[] = {0, 1, -1}, points_6[] = {0, sqrt(0.5), -sqrt(0.5), sqrt(2), -sqrt(2)};
    const double scales_4[] = {1, 2, 2}, scales_6[] = {1, -1.5, -1.5, 6, 6};
    const double point = side == 6 ? points_6[position] : points_4[position];
    double factor = 1 / (side == 6 ? scales_6[position] : scales_4[position]);
    for (int64_t tap = 0; tap < taps; tap++, factor *= point) row[tap] = factor;
}

static winograd_factors factors_of(const ck_winograd_filter *task) {
    const int64_t side = task->size + task->taps - 1, taps = task->taps;
    winograd_factors all = {(int)(side * side), (int)(taps * taps), {{0}}};
    for (int position = 0; position < all.positions; position++) {
        double rows[CK_WINOGRAD_TAPS], columns[CK_WINOGRAD_TAPS];
        filter_row(side, taps, position / side, rows);
        filter_row(side, taps, position % side, columns);
        for (int tap = 0; tap < all.taps; tap++) all.factors[position][tap] = (float)(rows[tap / taps] * columns[tap % taps]);
    }
    return all;
}

void ck_winograd_pack(const ck_winograd_filter *task, const float *filter, int64_t first, int64_t count, float *panels) {
    const winograd_factors factors = factors_of(task);
#if defined(__x86_64__)
    if (task->level == CK_LEVEL_AVX512) {
        ck_winograd_filter_avx512(task, &factors, filter, first, count, panels);
        return;
    }
    if (task->level == CK_LEVEL_AVX2) {
        ck_winograd_filter_avx2(task, &factors, filter, first, count, panels);
        return;
    }
#endif
    ck_winograd_filter_base(task, &factors, filter, first, count, panels);
}

void ck_winograd_pack_bf16(const ck_winograd_filter *task, const float *filter, int64_t first, int64_t count, float *matrix, float *panels) {
    const winograd_factors factors = factors_of(task);
    const int64_t plane = task->channels * task->outputs, width = ck_panel_width(task->level);
    for (int64_t position = first; position < first + count; position++) {
        for (int64_t index = 0; index < plane; index++) {
            float sum = 0;
            for (int tap = 0; tap < factors.taps; tap++) sum += factors.factors[position][tap] * filter[tap * plane + index];
            matrix[index] = sum;
        }
        ck_panels_pack(task->level, CK_BF16, matrix, task->outputs, false, task->channels, task->outputs, 0,
                       (task->outputs + width - 1) / width, panels + position * task->panel_count);
    }
}

void ck_winograd_input(const ck_winograd *winograd, const float *images, int64_t first, int64_t count, ptrdiff_t step, const float *zeros,
                       float *transformed) {
#if defined(__x86_64__)
    if (winograd->level == CK_LEVEL_AVX512) {
        ck_winograd_input_avx512(winograd, images, first, count, step, zeros, transformed);
        return;
    }
    if (winograd->level == CK_LEVEL_AVX2) {
        ck_winograd_input_avx2(winograd, images, first, count, step, zeros, transformed);
        return;
    }
#endif
    ck_winograd_input_base(winograd, images, first, count, step, zeros, transformed);
}

static bool is_even(const ck_winograd *winograd, const float *images, int64_t number) {
#if defined(__x86_64__)
    if (winograd->level == CK_LEVEL_AVX512) return ck_winograd_even_avx512(winograd, images, number);
    if (winograd->level == CK_LEVEL_AVX2) return ck_winograd_even_avx2(winograd, images, number);
#endif
    return ck_winograd_even_base(winograd, images, number);
}

static void transform_back(const ck_winograd *winograd, const ck_panel_product *product, const float *products, int64_t first, int64_t count,
                           ptrdiff_t step) {
#if defined(__x86_64__)
    if (winograd->level == CK_LEVEL_AVX512) {
        ck_winograd_output_avx512(winograd, product, products, first, count, step);
        return;
    }
    if (winograd->level == CK_LEVEL_AVX2) {
        ck_winograd_output_avx2(winograd, product, products, first, count, step);
        return;
    }
#endif
    ck_winograd_output_base(winograd, product, products, first, count, step);
}

static ck_panel_convolution direct_of(const ck_winograd *winograd) {
    return (ck_panel_convolution){.window = winograd->window, .channels = winograd->channels, .chunk = winograd->size};
}

int64_t ck_winograd_direct_bytes(const ck_winograd *winograd) {
    const ck_panel_convolution convolution = direct_of(winograd);
    return side_of(winograd) == 6 ? ck_panels_convolve_bytes(&convolution) : 0;
}

// Computes a tile with the filter as it is.
static void convolve_tile(const ck_winograd *winograd, const ck_panel_product *product, const float *images, int64_t number, void *memory) {
    const ck_panel_convolution convolution = direct_of(winograd);
    const ckernels_window *window = &winograd->window;
    const int64_t size = winograd->size, tiles = ck_winograd_tiles(winograd), columns = (window->output_width + size - 1) / size;
    const int64_t image = number / tiles, top = number % tiles / columns * size, left = number % columns * size;
    const int64_t width = window->output_width - left < size ? window->output_width - left : size;
    const int64_t panels = (winograd->outputs + ck_panel_width(winograd->level) - 1) / ck_panel_width(winograd->level);
    ck_panel_product direct = *product;
    ck_panels_plan(&convolution, &direct);
    for (int64_t row = top; row < top + size && row < window->output_height; row++)
        ck_panels_convolve(&convolution, &direct, images, (image * window->output_height + row) * window->output_width + left, width, 0, panels,
                           memory);
}

void ck_winograd_output(const ck_winograd *winograd, const ck_panel_product *product, const float *products, const float *images,
                        int64_t first, int64_t count, ptrdiff_t step, void *memory) {
    const bool all = side_of(winograd) != 6;
    for (int64_t done = 0, even; done < count; done += even) {
        // Tiles that are even are transformed together.
        for (even = 0; done + even < count && (all || is_even(winograd, images, first + done + even));) even++;
        transform_back(winograd, product, products + done * step, first + done, even, step);
        if (done + even == count) return;
        convolve_tile(winograd, product, images, first + done + even, memory);
        even++;
    }
}
