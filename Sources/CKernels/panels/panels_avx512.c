// Products with panels for x86-64-v4: 24 sums of 16 floats, four of weights.
#if defined(__x86_64__)

#define PANELS_TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#include "panels_tile.h"
#include "panels_winograd.h"
#include "panels_depthwise.h"

TILES_6(4)
TILES_8(3)
TILES_12(2)
TILES_12(1)

// Rows of a panel of `vectors` vectors, whose rows are `step` apart.
static void rows_of_vectors(const ck_panel_product *product, int64_t vectors, const float *const *sources, ptrdiff_t source_stride,
                            const float *panel, ptrdiff_t step, int64_t row, int64_t count, int64_t column) {
    static const tile_function floats_1[] = {NAMES_12(tile, 1)}, floats_2[] = {NAMES_12(tile, 2)}, floats_3[] = {NAMES_8(tile, 3)},
                               floats_4[] = {NAMES_6(tile, 4)}, pairs_1[] = {NAMES_12(pairs, 1)}, pairs_2[] = {NAMES_12(pairs, 2)},
                               pairs_3[] = {NAMES_8(pairs, 3)}, pairs_4[] = {NAMES_6(pairs, 4)};
    static const tile_function *const floats[] = {floats_1, floats_2, floats_3, floats_4}, *const pairs[] = {pairs_1, pairs_2, pairs_3, pairs_4};
    static const int64_t most[] = {12, 12, 8, 6};
    const tile_function *tiles = (product->precision == CK_BF16 ? pairs : floats)[vectors - 1];
    rows_of_panel(tiles, most[vectors - 1], product, sources, source_stride, panel, step, row, count, column);
}

void ck_panel_rows_avx512(const ck_panel_product *product, const float *const *sources, ptrdiff_t source_stride, const float *panel,
                          int64_t row, int64_t count, int64_t column) {
    const int64_t left = (product->columns - column + CK_LANES - 1) / CK_LANES, vectors = left < MOST_VECTORS ? left : MOST_VECTORS;
    const ptrdiff_t step = vectors * CK_LANES;
    // Weights that are widened for twice as many rows are widened half as often.
    if (product->precision == CK_BF16 && vectors > 2 && count > 6) {
        rows_of_vectors(product, 2, sources, source_stride, panel, step, row, count, column);
        rows_of_vectors(product, vectors - 2, sources, source_stride, panel + 2 * CK_LANES, step, row, count, column + 2 * CK_LANES);
    } else {
        rows_of_vectors(product, vectors, sources, source_stride, panel, step, row, count, column);
    }
}

TURNS(avx512)
WINOGRAD(avx512)

DEPTHWISE(avx512, 4)

#endif
