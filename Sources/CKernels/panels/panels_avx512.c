// Products with panels for x86-64-v4: 24 sums of 16 floats, four of weights.
#if defined(__x86_64__)

#define PANELS_TARGET __attribute__((target("arch=x86-64-v4"), min_vector_width(512)))
#define PANELS_VECTORS 4
#include "panels_tile.h"
#include "panels_winograd.h"
#include "panels_depthwise.h"
#include "panels_scores.h"

TILES_6(4)
FETCHING_6(4)
TILES_8(3)
TILES_12(2)
TILES_12(1)

// Rows of a panel of `vectors` vectors, whose rows are `step` apart.
static void rows_of_vectors(const ck_panel_product *product, int64_t vectors, const float *const *sources, ptrdiff_t source_stride,
                            const float *panel, ptrdiff_t step, int64_t row, int64_t count, int64_t column) {
    static const tile_function floats_1[] = {NAMES_12(tile, 1)}, floats_2[] = {NAMES_12(tile, 2)}, floats_3[] = {NAMES_8(tile, 3)},
                               floats_4[] = {NAMES_6(tile, 4)}, aheads_4[] = {NAMES_6(ahead, 4)}, twices_4[] = {NAMES_6(twice, 4)}, streams_4[] = {NAMES_6(stream, 4)},
                               pairs_1[] = {NAMES_12(pairs, 1)}, pairs_2[] = {NAMES_12(pairs, 2)}, pairs_3[] = {NAMES_8(pairs, 3)},
                               pairs_4[] = {NAMES_6(pairs, 4)};
    static const tile_set floats[] = {{12, floats_1, NULL, NULL, NULL}, {12, floats_2, NULL, NULL, NULL}, {8, floats_3, NULL, NULL, NULL},
                                      {6, floats_4, aheads_4, twices_4, streams_4}};
    static const tile_set pairs[] = {{12, pairs_1, NULL, NULL, NULL}, {12, pairs_2, NULL, NULL, NULL}, {8, pairs_3, NULL, NULL, NULL},
                                     {6, pairs_4, NULL, NULL, NULL}};
    const tile_set *set = &(product->precision == CK_BF16 ? pairs : floats)[vectors - 1];
    rows_of_panel(set, product, sources, source_stride, panel, step, row, count, column);
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
SCORES(avx512, 12)

DEPTHWISE(avx512, 4)

#endif
