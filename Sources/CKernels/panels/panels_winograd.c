// What is the same at all levels: the transform of filters, the choice of the level. See ckernels_winograd.h.
#include <math.h>

#include "panels_levels.h"

int64_t ck_winograd_positions(int64_t size) { return (size + 2) * (size + 2); }

int64_t ck_winograd_tiles(const ck_winograd *winograd) {
    const int64_t size = winograd->size;
    return (winograd->window.output_height + size - 1) / size * ((winograd->window.output_width + size - 1) / size);
}

// The row of the transform of filters for a position along one side.
static void filter_row(int64_t size, int64_t position, double row[3]) {
    if (position == size + 1) {
        row[0] = row[1] = 0;
        row[2] = 1;
        return;
    }
    const double points_2[] = {0, 1, -1}, points_4[] = {0, sqrt(0.5), -sqrt(0.5), sqrt(2), -sqrt(2)};
    // The products of the differences to the other points.
    const double scales_2[] = {1, 2, 2}, scales_4[] = {1, -1.5, -1.5, 6, 6};
    const double point = size == 4 ? points_4[position] : points_2[position];
    const double scale = size == 4 ? scales_4[position] : scales_2[position];
    row[0] = 1 / scale;
    row[1] = point / scale;
    row[2] = point * point / scale;
}

static void filter_factors(int64_t size, int64_t position, float factors[9]) {
    double rows[3], columns[3];
    filter_row(size, position / (size + 2), rows);
    filter_row(size, position % (size + 2), columns);
    for (int tap = 0; tap < 9; tap++) factors[tap] = (float)(rows[tap / 3] * columns[tap % 3]);
}

void ck_winograd_pack(ck_level level, int64_t size, const float *filter, int64_t channels, int64_t outputs, int64_t first, int64_t count,
                      float *panels, int64_t panel_count) {
    const int positions = (int)ck_winograd_positions(size);
    float factors[CK_WINOGRAD_POSITIONS][9];
    for (int position = 0; position < positions; position++) filter_factors(size, position, factors[position]);
    const winograd_filter task = {filter, channels, outputs, ck_panel_width(level), positions, factors, panels, panel_count};
#if defined(__x86_64__)
    if (level == CK_LEVEL_AVX512) {
        ck_winograd_filter_avx512(&task, first, count);
        return;
    }
    if (level == CK_LEVEL_AVX2) {
        ck_winograd_filter_avx2(&task, first, count);
        return;
    }
#endif
    ck_winograd_filter_base(&task, first, count);
}

void ck_winograd_pack_bf16(ck_level level, int64_t size, const float *filter, int64_t channels, int64_t outputs, int64_t first, int64_t count,
                           float *matrix, float *panels, int64_t panel_count) {
    const int64_t plane = channels * outputs, width = ck_panel_width(level);
    for (int64_t position = first; position < first + count; position++) {
        float factors[9];
        filter_factors(size, position, factors);
        for (int64_t index = 0; index < plane; index++) {
            float sum = 0;
            for (int tap = 0; tap < 9; tap++) sum += factors[tap] * filter[tap * plane + index];
            matrix[index] = sum;
        }
        ck_panels_pack(level, CK_BF16, matrix, outputs, false, channels, outputs, 0, (outputs + width - 1) / width,
                       panels + position * panel_count);
    }
}

void ck_winograd_input(const ck_winograd *winograd, const float *images, int64_t first, int64_t count, int64_t stride, const float *zeros,
                       float *transformed) {
#if defined(__x86_64__)
    if (winograd->level == CK_LEVEL_AVX512) {
        ck_winograd_input_avx512(winograd, images, first, count, stride, zeros, transformed);
        return;
    }
    if (winograd->level == CK_LEVEL_AVX2) {
        ck_winograd_input_avx2(winograd, images, first, count, stride, zeros, transformed);
        return;
    }
#endif
    ck_winograd_input_base(winograd, images, first, count, stride, zeros, transformed);
}

static bool is_even(const ck_winograd *winograd, const float *images, int64_t number) {
#if defined(__x86_64__)
    if (winograd->level == CK_LEVEL_AVX512) return ck_winograd_even_avx512(winograd, images, number);
    if (winograd->level == CK_LEVEL_AVX2) return ck_winograd_even_avx2(winograd, images, number);
#endif
    return ck_winograd_even_base(winograd, images, number);
}

static void transform_back(const ck_winograd *winograd, const ck_panel_product *product, const float *products, int64_t first, int64_t count,
                           int64_t stride) {
#if defined(__x86_64__)
    if (winograd->level == CK_LEVEL_AVX512) {
        ck_winograd_output_avx512(winograd, product, products, first, count, stride);
        return;
    }
    if (winograd->level == CK_LEVEL_AVX2) {
        ck_winograd_output_avx2(winograd, product, products, first, count, stride);
        return;
    }
#endif
    ck_winograd_output_base(winograd, product, products, first, count, stride);
}

static ck_panel_convolution direct_of(const ck_winograd *winograd) {
    return (ck_panel_convolution){.window = winograd->window, .channels = winograd->channels, .chunk = winograd->size};
}

int64_t ck_winograd_direct_bytes(const ck_winograd *winograd) {
    const ck_panel_convolution convolution = direct_of(winograd);
    return winograd->size == 4 ? ck_panels_convolve_bytes(&convolution) : 0;
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
                        int64_t first, int64_t count, int64_t stride, void *memory) {
    for (int64_t done = 0, even; done < count; done += even) {
        // Tiles that are even are transformed together.
        for (even = 0; done + even < count && (winograd->size != 4 || is_even(winograd, images, first + done + even));) even++;
        transform_back(winograd, product, products + done * winograd->outputs, first + done, even, stride);
        if (done + even == count) return;
        convolve_tile(winograd, product, images, first + done + even, memory);
        even++;
    }
}
