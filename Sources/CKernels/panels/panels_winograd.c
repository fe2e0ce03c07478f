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

void ck_winograd_pack(ck_level level, ck_precision precision, int64_t size, const float *filter, int64_t channels, int64_t outputs,
                      int64_t first, int64_t count, float *matrix, float *panels, int64_t panel_count) {
    const int64_t side = size + 2, plane = channels * outputs, width = ck_panel_width(level);
    for (int64_t position = first; position < first + count; position++) {
        double rows[3], columns[3];
        filter_row(size, position / side, rows);
        filter_row(size, position % side, columns);
        float factors[9];
        for (int tap = 0; tap < 9; tap++) factors[tap] = (float)(rows[tap / 3] * columns[tap % 3]);
        for (int64_t index = 0; index < plane; index++) {
            float sum = 0;
            for (int tap = 0; tap < 9; tap++) sum += factors[tap] * filter[tap * plane + index];
            matrix[index] = sum;
        }
        ck_panels_pack(level, precision, matrix, outputs, false, channels, outputs, 0, (outputs + width - 1) / width,
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

void ck_winograd_output(const ck_winograd *winograd, const ck_panel_product *product, const float *products, int64_t first, int64_t count,
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
